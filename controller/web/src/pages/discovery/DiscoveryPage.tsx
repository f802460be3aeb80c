/** Looks for BMCs in networks. Scans go on when one leaves the page. */
import { Button, Fieldset, NumberInput, Paper, SimpleGrid, Stack, Text, Textarea, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconRadar2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useChange } from "@/api/change";
import { api, take } from "@/api/client";
import type { Problem } from "@/api/problem";
import { type Column, DataTable } from "@/components/DataTable";
import { applyProblem } from "@/components/form";
import { Moment } from "@/components/Moment";
import { PageTitle } from "@/components/PageTitle";
import { useAllRows } from "@/components/rows";
import { Empty, Failed } from "@/components/states";
import { useFormat } from "@/i18n/format";
import { InventoryTabs } from "../inventory/InventoryTabs";
import { type Job, JobState } from "./JobState";
import { networksOf } from "./networks";

/** How often a scan that runs is asked about; scans are not told of. */
const RUNNING_MS = 1000;

export default function DiscoveryPage() {
  const { t } = useTranslation("discovery");
  const format = useFormat();
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery({
    queryKey: ["discovery"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/discovery", { signal })),
    refetchInterval: ({ state }) => (state.data?.some((job) => job.state === "running") ? RUNNING_MS : false),
  });
  const rows = useAllRows(data, error, () => void refetch());
  const columns = useMemo<Column<Job>[]>(
    () => [
      { id: "networks", header: t("networks"), width: "minmax(200px, 2fr)", cell: ({ networks }) => networks.join(", ") },
      { id: "port", header: t("port"), width: "110px", align: "right", cell: ({ port }) => <span className="number">{port}</span> },
      { id: "state", header: t("state"), width: "190px", cell: (job) => <JobState job={job} /> },
      { id: "found", header: t("found"), width: "170px", align: "right", cell: ({ found, addresses }) => t("foundOf", { count: found, found: format.number(found), addresses: format.number(addresses) }) },
      { id: "author", header: t("author"), cell: ({ author }) => author },
      { id: "started", header: t("started"), width: "140px", cell: ({ started_at: at }) => <Moment at={at} form="relative" /> },
    ],
    [t, format],
  );
  return (
    <>
      <PageTitle title={t("title")} state={t("hint")} />
      <InventoryTabs />
      <Stack>
        <NewScan onStarted={(job) => void navigate(`/inventory/discovery/${job.id}`)} />
        <Title order={2} size="h5">
          {t("scans")}
        </Title>
        <DataTable
          label={t("scans")}
          columns={columns}
          rows={rows}
          rowId={({ id }) => id}
          rowName={({ networks }) => networks.join(", ")}
          onOpen={({ id }) => void navigate(`/inventory/discovery/${id}`)}
          height="360px"
          empty={<Empty title={t("empty.title")} text={t("empty.text")} />}
        />
      </Stack>
    </>
  );
}

function NewScan({ onStarted }: { onStarted(job: Job): void }) {
  const { t } = useTranslation("discovery");
  const [problem, setProblem] = useState<Problem>();
  const form = useForm({
    initialValues: { networks: "", port: 623 as number | string, timeout_ms: 1000 as number | string, tries: 2 as number | string, rate: "" as number | string },
    validate: { networks: (value) => (networksOf(value).length === 0 ? t("needed") : null) },
  });
  const start = useChange(["discovery"], (values: typeof form.values) =>
    take(
      api.POST("/api/v1/discovery", {
        body: {
          networks: networksOf(values.networks),
          port: Number(values.port),
          timeout_ms: Number(values.timeout_ms),
          tries: Number(values.tries),
          rate: values.rate === "" ? null : Number(values.rate),
        },
      }),
    ),
  );
  return (
    <Paper withBorder p="md" bg="var(--surface)">
      <form
        aria-label={t("new")}
        noValidate
        onSubmit={form.onSubmit((values) => {
          setProblem(undefined);
          start.mutate(values, { onSuccess: onStarted, onError: (error) => setProblem(applyProblem(form, error)) });
        })}
      >
        <Stack>
          <Textarea label={t("networks")} description={t("networksHint")} placeholder="10.1.0.0/24, 10.2.0.1-10.2.0.50" withAsterisk autosize minRows={2} spellCheck={false} {...form.getInputProps("networks")} />
          <Fieldset legend={t("how")}>
            <SimpleGrid cols={{ base: 2, sm: 4 }}>
              <NumberInput label={t("port")} min={1} max={65535} allowDecimal={false} hideControls {...form.getInputProps("port")} />
              <NumberInput label={t("timeout")} min={100} max={30000} step={100} allowDecimal={false} {...form.getInputProps("timeout_ms")} />
              <NumberInput label={t("tries")} min={1} max={10} allowDecimal={false} {...form.getInputProps("tries")} />
              <NumberInput label={t("rate")} placeholder={t("rateMost")} min={1} allowDecimal={false} {...form.getInputProps("rate")} />
            </SimpleGrid>
          </Fieldset>
          <Text size="sm" c="dimmed">
            {t("gentle")}
          </Text>
          {problem && <Failed error={problem} />}
          <Button type="submit" loading={start.isPending} leftSection={<IconRadar2 size={17} aria-hidden />} w="fit-content">
            {t("start")}
          </Button>
        </Stack>
      </form>
    </Paper>
  );
}
