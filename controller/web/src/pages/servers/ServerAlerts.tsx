/** Alerts of a server: what fires, and what did. */
import { Stack, Text } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schema, take } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { Moment } from "@/components/Moment";
import { useRows } from "@/components/rows";
import { SeverityBadge } from "@/components/StateBadge";
import { Empty } from "@/components/states";
import { currentLanguage } from "@/i18n";

type Alert = Schema<"Page_Alert">["items"][number];

/** An annotation in the reader's language, if it is written in it. */
export function annotation(annotations: Record<string, string>, name: string, language: string): string {
  return (language === "zh" ? annotations[`${name}_zh`] : undefined) ?? annotations[name] ?? "";
}

export function ServerAlerts({ server }: { server: number }) {
  const { t, i18n } = useTranslation("servers");
  const { language } = i18n;
  const rows = useRows<Alert>(["alerts", "server", server], ({ offset, limit, signal }) =>
    take(
      api.GET("/api/v1/alerts", {
        params: { query: { server_id: server, offset, limit, sort: "starts_at", descending: true } },
        signal,
      }),
    ),
  );
  const columns = useMemo<Column<Alert>[]>(
    () => [
      { id: "severity", header: t("alert.severity"), width: "120px", cell: (row) => <SeverityBadge severity={row.severity} size="small" /> },
      { id: "state", header: t("alert.state"), width: "110px", cell: (row) => t(`alert.states.${row.state}`) },
      {
        id: "summary",
        header: t("alert.what"),
        width: "minmax(260px, 3fr)",
        cell: (row) => annotation(row.annotations, "summary", language || currentLanguage()) || row.alertname,
      },
      { id: "start", header: t("alert.start"), width: "150px", cell: (row) => <Moment at={row.starts_at} form="short" /> },
      { id: "end", header: t("alert.end"), width: "150px", cell: (row) => <Moment at={row.ends_at} form="short" /> },
      { id: "acknowledged", header: t("alert.acknowledged"), width: "minmax(100px, 1fr)", cell: (row) => row.acknowledged_by ?? "–" },
    ],
    [t, language],
  );
  return (
    <Stack gap="xs">
      <Text c="dimmed" size="sm">
        {t("alert.note")}
      </Text>
      <DataTable
        label={t("tabs.alerts")}
        columns={columns}
        rows={rows}
        rowId={(row) => row.id}
        rowName={(row) => annotation(row.annotations, "summary", language) || row.alertname}
        height="calc(100vh - 300px)"
        empty={<Empty title={t("alert.none")} />}
      />
    </Stack>
  );
}
