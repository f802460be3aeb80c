/** What fired: a list of any length, filtered and sorted by the controller. */
import { Anchor, Button, Group, Menu, Stack, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, take } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { Moment } from "@/components/Moment";
import { useRows } from "@/components/rows";
import { SeverityBadge } from "@/components/StateBadge";
import { Empty } from "@/components/states";
import { useUrlState } from "@/components/url";
import { useFormat } from "@/i18n/format";
import { exportPath, HISTORY_DEFAULTS, historyQuery } from "./data";
import { HistoryFilters } from "./HistoryFilters";
import { lasted } from "./life";
import type { Alert } from "./matching";

type Order = "starts_at" | "ends_at" | "alertname" | "severity" | "id";
const ORDERS: readonly string[] = ["starts_at", "ends_at", "alertname", "severity", "id"] satisfies Order[];

export function History() {
  const { t } = useTranslation("alerts");
  const shell = useTranslation("shell").t;
  const navigate = useNavigate();
  const format = useFormat();
  const [state, setState] = useUrlState(HISTORY_DEFAULTS);
  const [now] = useState(Date.now);
  const query = useMemo(() => historyQuery(state, now), [state, now]);
  const sort = (ORDERS.includes(state.sort) ? state.sort : "starts_at") as Order;
  const isDescending = state.order !== "asc";
  const rows = useRows<Alert>(["alerts", "history", query, sort, isDescending], ({ offset, limit, signal }) =>
    take(
      api.GET("/api/v1/alerts", {
        params: { query: { ...query, sort, descending: isDescending, offset, limit } },
        signal,
      }),
    ),
  );
  const columns = useMemo<Column<Alert>[]>(
    () => [
      { id: "severity", header: t("columns.severity"), sort: "severity", width: "125px", cell: (row) => <SeverityBadge severity={row.severity} size="small" /> },
      {
        id: "alertname",
        header: t("columns.alert"),
        sort: "alertname",
        width: "minmax(180px, 1.4fr)",
        cell: (row) => (
          <Anchor component={Link} to={`/alerts/${row.id}`} size="sm" title={row.annotations.summary}>
            {row.alertname}
          </Anchor>
        ),
      },
      {
        id: "server",
        header: t("columns.server"),
        width: "minmax(150px, 1fr)",
        cell: (row) =>
          row.server_id ? (
            <Anchor component={Link} to={`/servers/${row.server_id}`} size="sm">
              {row.labels.server_name ?? `#${row.server_id}`}
            </Anchor>
          ) : (
            (row.labels.server_name ?? "–")
          ),
      },
      { id: "sensor", header: t("columns.sensor"), width: "minmax(110px, 1fr)", cell: (row) => row.labels.name ?? "–" },
      { id: "starts", header: t("columns.starts"), sort: "starts_at", width: "190px", cell: (row) => <Moment at={row.starts_at} /> },
      { id: "lasted", header: t("columns.lasted"), width: "100px", align: "right", cell: (row) => format.duration(lasted(row, now)) },
      {
        id: "state",
        header: t("columns.state"),
        sort: "ends_at",
        width: "minmax(130px, 1fr)",
        cell: (row) => (row.end_reason ? t(`reasons.${row.end_reason}`) : t(`alertStates.${row.state}`)),
      },
      {
        id: "who",
        header: t("columns.who"),
        width: "minmax(110px, 0.8fr)",
        cell: (row) => row.assignee ?? row.acknowledged_by ?? "–",
      },
    ],
    [t, format, now],
  );
  return (
    <Stack gap="sm">
      <HistoryFilters state={state} onChange={setState}>
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />}>
              {t("export.title")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {(["csv", "json"] as const).map((kind) => (
              <Menu.Item key={kind} component="a" href={exportPath(query, kind)} download>
                {t(`export.${kind}`)}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      </HistoryFilters>
      <DataTable
        label={t("views.history")}
        columns={columns}
        rows={rows}
        rowId={(row) => row.id}
        rowName={(row) => t("alertOf", { name: row.alertname, server: row.labels.server_name ?? "" })}
        onOpen={(row) => void navigate(`/alerts/${row.id}`)}
        sorting={{
          by: sort,
          isDescending,
          onChange: (by, descending) => setState({ sort: by, order: descending ? "desc" : "asc" }),
        }}
        height="calc(100vh - 330px)"
        empty={
          <Empty title={t("history.empty")} text={t("history.emptyText")}>
            <Group>
              <Button variant="default" onClick={() => setState({ ...HISTORY_DEFAULTS, range: "all" })}>
                {shell("table.clear")}
              </Button>
            </Group>
          </Empty>
        }
      />
      <Text size="xs" c="dimmed">
        {t("history.hint")}
      </Text>
    </Stack>
  );
}
