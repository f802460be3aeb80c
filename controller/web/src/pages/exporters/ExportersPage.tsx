/** Exporters: who asks the BMCs, and how it stands with their configuration. */
import { Button } from "@mantine/core";
import { IconPencil, IconPlayerPlay, IconPlus, IconTrash } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChange } from "@/api/change";
import { api, take } from "@/api/client";
import { useMay } from "@/api/session";
import { tell, tellDone } from "@/app/tell";
import { useConfirm } from "@/components/confirm";
import { type Column, DataTable } from "@/components/DataTable";
import { PageTitle } from "@/components/PageTitle";
import { RowActions } from "@/components/RowActions";
import { useRows } from "@/components/rows";
import { Empty } from "@/components/states";
import { InventoryTabs } from "../inventory/InventoryTabs";
import { ChannelState } from "./ChannelState";
import type { Exporter } from "./channel";
import { ExporterDialog } from "./ExporterDialog";
import { StartDialog } from "./StartDialog";

export default function ExportersPage() {
  const { t } = useTranslation("exporters");
  const { t: shell } = useTranslation("shell");
  const confirm = useConfirm();
  const may = useMay("admin");
  const [edited, setEdited] = useState<Exporter | "new">();
  const [started, setStarted] = useState<Exporter>();
  const rows = useRows(["exporters", "list"], ({ offset, limit, signal }) =>
    take(api.GET("/api/v1/exporters", { params: { query: { sort: "name", offset, limit } }, signal })),
  );
  const remove = useChange(["exporters", "servers"], (id: number) => take(api.DELETE("/api/v1/exporters/{id}", { params: { path: { id } } })));
  const askRemove = async (exporter: Exporter) => {
    const { name } = exporter;
    if (await confirm({ title: t("remove.title", { name }), text: t("remove.text"), action: shell("delete"), isDangerous: true })) {
      await remove.mutateAsync(exporter.id).then(() => void tellDone(t("remove.done", { name })), tell);
    }
  };
  const columns = useMemo<Column<Exporter>[]>(
    () => [
      { id: "name", header: t("name"), width: "minmax(130px, 1fr)", cell: ({ name }) => name },
      { id: "url", header: t("url"), width: "minmax(210px, 1.6fr)", cell: ({ url }) => url },
      { id: "site", header: t("site"), cell: ({ site }) => site || t("anySite") },
      { id: "weight", header: t("weight"), width: "100px", align: "right", cell: ({ weight }) => weight },
      { id: "channel", header: t("channelTitle"), width: "minmax(170px, 1fr)", cell: (exporter) => <ChannelState exporter={exporter} /> },
      ...(may
        ? [
            {
              id: "actions",
              header: t("actions"),
              width: "116px",
              align: "right" as const,
              cell: (exporter: Exporter) => (
                <RowActions
                  of={exporter.name}
                  actions={[
                    { label: t("start.action"), icon: IconPlayerPlay, run: () => setStarted(exporter) },
                    { label: shell("edit"), icon: IconPencil, run: () => setEdited(exporter) },
                    { label: shell("delete"), icon: IconTrash, run: () => void askRemove(exporter), isDangerous: true },
                  ]}
                />
              ),
            },
          ]
        : []),
    ],
    // oxlint-disable-next-line react/exhaustive-deps -- what it asks with is stable
    [t, shell, may],
  );
  const add = may && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEdited("new")}>
      {t("add")}
    </Button>
  );
  return (
    <>
      <PageTitle title={t("title")} state={t("hint")}>
        {add}
      </PageTitle>
      <InventoryTabs />
      <DataTable
        label={t("title")}
        columns={columns}
        rows={rows}
        rowId={({ id }) => id}
        rowName={({ name }) => name}
        onOpen={may ? (exporter: Exporter) => setEdited(exporter) : undefined}
        height="calc(100vh - 250px)"
        empty={
          <Empty title={t("empty.title")} text={t("empty.text")}>
            {add}
          </Empty>
        }
      />
      {edited && (
        <ExporterDialog
          exporter={edited === "new" ? undefined : edited}
          onClose={(saved) => {
            setEdited(undefined);
            if (saved && edited === "new") {
              setStarted(saved);
            }
          }}
        />
      )}
      {started && <StartDialog exporter={started} onClose={() => setStarted(undefined)} />}
    </>
  );
}
