/** All servers, as many as there are: searched, filtered and sorted by the controller. */
import { Anchor, Button, Group, Menu, Stack } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, type Schema, take } from "@/api/client";
import type { paths } from "@/api/schema";
import { type Column, DataTable } from "@/components/DataTable";
import { FilterBar } from "@/components/fleet/FilterBar";
import { useFleetFilter } from "@/components/fleet/filter";
import { Stale } from "@/components/fleet/Stale";
import { StateCounts } from "@/components/fleet/StateCounts";
import { Moment } from "@/components/Moment";
import { PageTitle } from "@/components/PageTitle";
import { useRows } from "@/components/rows";
import { SeverityBadge, StateBadge } from "@/components/StateBadge";
import { Empty } from "@/components/states";
import { useUrlState } from "@/components/url";
import { useFormat } from "@/i18n/format";

type Server = Schema<"FleetServer">;
type Sort = NonNullable<NonNullable<paths["/api/v1/fleet/servers"]["get"]["parameters"]["query"]>["sort"]>;

const INTERVAL_MS = 15_000;
const SORTS: readonly Sort[] = ["state", "name", "address", "group", "place", "model", "alerts", "watts", "inlet", "cpu", "fan"];
const DEFAULTS = { sort: "state", descending: "" };

export default function ServersPage() {
  const { t } = useTranslation("servers");
  const shell = useTranslation("shell").t;
  const format = useFormat();
  const navigate = useNavigate();
  const filter = useFleetFilter();
  const { query, state } = filter;
  const [order, setOrder] = useUrlState(DEFAULTS);
  const sort = SORTS.find((word) => word === order.sort) ?? "state";
  const descending = order.descending === "1";
  const overview = useQuery({
    queryKey: ["fleet", "overview", query],
    queryFn: ({ signal }) => take(api.GET("/api/v1/fleet", { params: { query }, signal })),
    refetchInterval: INTERVAL_MS,
    placeholderData: (before) => before,
  });
  const rows = useRows<Server>(
    ["fleet", "servers", query, state, sort, descending],
    ({ offset, limit, signal }) =>
      take(
        api.GET("/api/v1/fleet/servers", {
          params: { query: { ...query, state, sort, descending, offset, limit } },
          signal,
        }),
      ),
    INTERVAL_MS,
  );
  const columns = useMemo<Column<Server>[]>(() => {
    const measured = (value: number | null | undefined, unit: string) =>
      value === null || value === undefined ? "–" : `${format.reading(value)} ${unit}`;
    return [
      { id: "state", header: t("columns.state"), sort: "state", width: "124px", cell: (row) => <StateBadge state={row.state} size="small" /> },
      {
        id: "name",
        header: t("columns.name"),
        sort: "name",
        width: "minmax(150px, 2fr)",
        cell: (row) => (
          <Anchor component={Link} to={`/servers/${row.id}`} size="sm" tabIndex={-1}>
            {row.name}
          </Anchor>
        ),
      },
      { id: "address", header: t("columns.address"), sort: "address", width: "minmax(108px, 1fr)", cell: (row) => row.address },
      { id: "group", header: t("columns.group"), sort: "group", width: "minmax(84px, 1fr)", cell: (row) => row.group || "–" },
      {
        id: "place",
        header: t("columns.place"),
        sort: "place",
        width: "minmax(92px, 1fr)",
        cell: (row) => [row.site, row.rack].filter((part) => part !== "").join(" / ") || "–",
      },
      {
        id: "model",
        header: t("columns.model"),
        sort: "model",
        width: "minmax(88px, 1fr)",
        cell: (row) => [row.manufacturer, row.model].filter((part) => part !== "").join(" ") || "–",
      },
      { id: "alerts", header: t("columns.alerts"), sort: "alerts", width: "122px", cell: (row) => <Alerts server={row} /> },
      { id: "watts", header: t("columns.watts"), sort: "watts", width: "82px", align: "right", cell: (row) => measured(row.watts, "W") },
      { id: "inlet", header: t("columns.inlet"), sort: "inlet", width: "76px", align: "right", cell: (row) => measured(row.inlet, "°C") },
      { id: "cpu", header: t("columns.cpu"), sort: "cpu", width: "70px", align: "right", cell: (row) => measured(row.cpu, "°C") },
    ];
  }, [t, format]);
  const { data } = overview;
  return (
    <>
      <PageTitle
        title={t("title")}
        state={
          data && (
            <>
              {t("measured")} <Moment at={data.measured_at} form="relative" />
            </>
          )
        }
      >
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" size="xs" leftSection={<IconDownload size={15} aria-hidden />}>
              {t("export")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {(["csv", "json"] as const).map((form) => (
              <Menu.Item key={form} component="a" href={`/api/v1/servers/export?format=${form}`} download>
                {form.toUpperCase()}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      </PageTitle>
      <Stale problem={data?.problem} />
      <Stack gap="md">
        <StateCounts
          counts={data?.states ?? {}}
          chosen={state}
          onChoose={(chosen) => filter.set({ state: chosen ?? "" }, true)}
        />
        <FilterBar filter={filter} sites={data?.sites ?? []} />
        <DataTable
          label={t("title")}
          columns={columns}
          rows={rows}
          rowId={(row) => row.id}
          rowName={(row) => row.name}
          onOpen={(row) => void navigate(`/servers/${row.id}`)}
          sorting={{
            by: sort,
            isDescending: descending,
            onChange: (by, isDescending) => setOrder({ sort: by, descending: isDescending ? "1" : "" }),
          }}
          height="calc(100vh - 330px)"
          empty={
            filter.isFiltered ? (
              <Empty title={shell("table.noMatch")}>
                <Button variant="default" size="xs" onClick={filter.clear}>
                  {shell("table.clear")}
                </Button>
              </Empty>
            ) : (
              <Empty title={t("empty.title")} text={t("empty.text")} />
            )
          }
        />
      </Stack>
    </>
  );
}

/** How many alerts fire, with the worst severity. */
function Alerts({ server }: { server: Server }) {
  const format = useFormat();
  const { critical_alerts: critical, warning_alerts: warning, other_alerts: other } = server;
  const total = critical + warning + other;
  if (total === 0) {
    return "–";
  }
  return (
    <Group gap={6} wrap="nowrap">
      <span className="number">{format.number(total)}</span>
      <SeverityBadge severity={critical > 0 ? "critical" : warning > 0 ? "warning" : "info"} size="small" />
    </Group>
  );
}
