/** One scan: how far it is, what it found, and what of that becomes servers. */
import { Anchor, Badge, Button, Group, Tooltip } from "@mantine/core";
import { IconArrowLeft, IconPlus, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { useChange } from "@/api/change";
import { api, type Schema, take } from "@/api/client";
import { tell } from "@/app/tell";
import { type Column, DataTable } from "@/components/DataTable";
import { PageTitle } from "@/components/PageTitle";
import { useRows } from "@/components/rows";
import { Empty, Failed, LoadingRows } from "@/components/states";
import { useFormat } from "@/i18n/format";
import { InventoryTabs } from "../inventory/InventoryTabs";
import { AddFound } from "./AddFound";
import { JobState } from "./JobState";

type Found = Schema<"JobView">["results"]["items"][number];

const RUNNING_MS = 700;

export default function ScanPage() {
  const { t } = useTranslation("discovery");
  const format = useFormat();
  const id = Number(useParams().id);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [isAdding, setAdding] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: ["discovery", id],
    queryFn: ({ signal }) => take(api.GET("/api/v1/discovery/{id}", { params: { path: { id }, query: { limit: 1 } }, signal })),
    refetchInterval: ({ state }) => (state.data?.state === "running" ? RUNNING_MS : false),
  });
  const cancel = useChange(["discovery"], () => take(api.POST("/api/v1/discovery/{id}/cancel", { params: { path: { id } } })));
  const back = (
    <Button component={Link} to="/inventory/discovery" variant="default" leftSection={<IconArrowLeft size={16} aria-hidden />}>
      {t("scans")}
    </Button>
  );
  if (!data) {
    return (
      <>
        <PageTitle title={t("scan")}>{back}</PageTitle>
        <InventoryTabs />
        {error ? <Failed error={error} onRetry={() => void refetch()} /> : <LoadingRows />}
      </>
    );
  }
  const isRunning = data.state === "running";
  return (
    <>
      <PageTitle
        title={t("scanOf", { networks: data.networks.join(", ") })}
        state={t("figures", { count: data.found, found: format.number(data.found), done: format.number(data.done), addresses: format.number(data.addresses) })}
      >
        {back}
        {isRunning ? (
          <Button variant="default" leftSection={<IconX size={16} aria-hidden />} loading={cancel.isPending} onClick={() => cancel.mutate(undefined, { onError: tell })}>
            {t("cancelScan")}
          </Button>
        ) : (
          data.found > 0 && (
            <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
              {chosen.size > 0 ? t("add", { count: chosen.size, formatted: format.number(chosen.size) }) : t("addAll")}
            </Button>
          )
        )}
      </PageTitle>
      <InventoryTabs />
      <Group mb="sm" aria-live="polite">
        <JobState job={data} />
        {isRunning && t("leave")}
      </Group>
      {data.error && <Failed error={new Error(data.error)} />}
      {!isRunning && <Results id={id} chosen={chosen} onChoose={setChosen} />}
      {isAdding && (
        <AddFound
          id={id}
          addresses={chosen.size > 0 ? [...chosen] : undefined}
          onClose={(isDone) => {
            setAdding(false);
            if (isDone) {
              setChosen(new Set());
            }
          }}
        />
      )}
    </>
  );
}

function Results({ id, chosen, onChoose }: { id: number; chosen: ReadonlySet<string>; onChoose(ids: ReadonlySet<string>): void }) {
  const { t } = useTranslation("discovery");
  const rows = useRows(["discovery", id, "results"], async ({ offset, limit, signal }) => {
    const { results } = await take(api.GET("/api/v1/discovery/{id}", { params: { path: { id }, query: { offset, limit } }, signal }));
    return results;
  });
  const columns = useMemo<Column<Found>[]>(
    () => [
      { id: "address", header: t("address"), width: "minmax(150px, 1fr)", cell: ({ address, port }) => <span className="number">{`${address}:${port}`}</span> },
      { id: "known", header: t("known"), width: "minmax(140px, 1fr)", cell: ({ is_known, server }) => (server ? <Anchor component={Link} size="sm" to={`/servers/${server.id}`}>{server.name}</Anchor> : is_known ? t("isKnown") : t("isNew")) },
      { id: "versions", header: t("versions"), width: "110px", cell: ({ ipmi_1_5: old, ipmi_2_0: current }) => [old && "1.5", current && "2.0"].filter(Boolean).join(", ") || "–" },
      { id: "suites", header: t("suites"), width: "minmax(120px, 1fr)", cell: ({ cipher_suites: suites }) => suites?.join(", ") || "–" },
      {
        id: "weak",
        header: t("weaknesses"),
        width: "minmax(220px, 2fr)",
        cell: ({ weaknesses }) => (
          <Group gap={4} wrap="nowrap">
            {weaknesses.map(({ name, meaning }) => (
              <Tooltip key={name} label={meaning} multiline maw={360}>
                <Badge color="yellow" variant="light" tt="none">
                  {name}
                </Badge>
              </Tooltip>
            ))}
          </Group>
        ),
      },
    ],
    [t],
  );
  return (
    <DataTable
      label={t("results")}
      columns={columns}
      rows={rows}
      rowId={({ address }) => address}
      rowName={({ address }) => address}
      selection={{ ids: chosen, onChange: onChoose }}
      height="calc(100vh - 300px)"
      empty={<Empty title={t("nothing.title")} text={t("nothing.text")} />}
    />
  );
}
