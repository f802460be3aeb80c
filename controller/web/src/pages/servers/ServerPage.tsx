/** One server: who it is, how its sensors are now and were, and its alerts. */
import { Anchor, Badge, Button, Group, Menu, Tabs } from "@mantine/core";
import { IconChartHistogram, IconDownload, IconRefresh } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { api, type Schema, take } from "@/api/client";
import { useMay } from "@/api/session";
import { tell, tellDone } from "@/app/tell";
import { Moment } from "@/components/Moment";
import { PageTitle } from "@/components/PageTitle";
import { type State, StateBadge } from "@/components/StateBadge";
import { Failed, Loading } from "@/components/states";
import { useUrlState } from "@/components/url";
import { Identity } from "./Identity";
import { Sensors } from "./Sensors";
import { ServerAlerts } from "./ServerAlerts";
import { type Sensor, worstOf } from "./sensors";

const Charts = lazy(() => import("./Charts"));

/** As often as Prometheus is likely to have something new. */
const INTERVAL_MS = 15_000;
const TABS = ["sensors", "charts", "alerts", "details"] as const;
const DEFAULTS = { tab: "sensors" };

/** The state that follows from what the server and its sensors say. */
function stateOfServer(
  dashboard: Schema<"Dashboard"> | undefined,
  sensors: Sensor[] | undefined,
  severity: string | undefined,
): State {
  if (dashboard?.server_status === "offline" || dashboard?.server_status === "error") {
    return "unreachable";
  }
  const worst = worstOf(sensors ?? []);
  for (const level of ["critical", "warning"] as const) {
    if (worst === level || severity === level) {
      return level;
    }
  }
  if (dashboard?.server_power_state === "off") {
    return "off";
  }
  return dashboard?.server_status === "online" ? "ok" : "unknown";
}

export default function ServerPage() {
  const { t } = useTranslation("servers");
  const id = Number(useParams().id);
  const server = useQuery({
    queryKey: ["servers", id],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/servers/{id}", { params: { path: { id } }, signal })) as Promise<Schema<"Server">>,
  });
  const dashboard = useQuery({
    queryKey: ["fleet", "dashboard", id],
    queryFn: ({ signal }) => take(api.GET("/api/v1/monitoring/servers/{id}/dashboard", { params: { path: { id } }, signal })),
    refetchInterval: INTERVAL_MS,
  });
  const sensors = useQuery({
    queryKey: ["fleet", "sensors", id],
    queryFn: ({ signal }) => take(api.GET("/api/v1/monitoring/servers/{id}/sensors", { params: { path: { id } }, signal })),
    refetchInterval: INTERVAL_MS,
  });
  const firing = useQuery({
    queryKey: ["alerts", "count", id],
    queryFn: ({ signal }) =>
      take(
        api.GET("/api/v1/alerts", {
          // The worst of them: `critical` comes before `warning`.
          params: { query: { server_id: id, state: "firing", limit: 1, sort: "severity", descending: false } },
          signal,
        }),
      ),
  });
  const [{ tab }, setTab] = useUrlState(DEFAULTS);
  if (server.error) {
    return <Failed error={server.error} onRetry={() => void server.refetch()} />;
  }
  if (!server.data) {
    return <Loading />;
  }
  const state = stateOfServer(dashboard.data, sensors.data, firing.data?.items[0]?.severity);
  const power = dashboard.data?.server_power_state ?? "unknown";
  const latest = sensors.data?.reduce((newest, { timestamp }) => (timestamp > newest ? timestamp : newest), "");
  const alerts = firing.data?.total ?? 0;
  return (
    <>
      <Anchor component={Link} to="/servers" size="sm">
        {t("back")}
      </Anchor>
      <PageTitle
        title={server.data.name}
        state={
          <Group gap="sm" mt={4}>
            <StateBadge state={state} />
            <span>{t(`power.${power}`)}</span>
            {latest && (
              <span>
                {t("read")} <Moment at={latest} form="relative" />
              </span>
            )}
          </Group>
        }
      >
        <Actions id={id} dashboardUrl={dashboard.data?.dashboard_url} />
      </PageTitle>
      <Tabs value={TABS.find((word) => word === tab) ?? "sensors"} onChange={(next) => setTab({ tab: next ?? "sensors" }, true)} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="sensors">{t("tabs.sensors")}</Tabs.Tab>
          <Tabs.Tab value="charts">{t("tabs.charts")}</Tabs.Tab>
          <Tabs.Tab
            value="alerts"
            rightSection={
              alerts > 0 && (
                <Badge size="sm" circle color="pink.8" autoContrast>
                  {alerts}
                </Badge>
              )
            }
          >
            {t("tabs.alerts")}
          </Tabs.Tab>
          <Tabs.Tab value="details">{t("tabs.details")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="sensors">
          <Sensors server={id} sensors={sensors.data} error={sensors.error} onRetry={() => void sensors.refetch()} />
        </Tabs.Panel>
        <Tabs.Panel value="charts">
          <Suspense fallback={<Loading />}>
            <Charts server={id} sensors={sensors.data} error={sensors.error} onRetry={() => void sensors.refetch()} />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="alerts">
          <ServerAlerts server={id} />
        </Tabs.Panel>
        <Tabs.Panel value="details">
          <Identity server={server.data} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function Actions({ id, dashboardUrl }: { id: number; dashboardUrl: string | null | undefined }) {
  const { t } = useTranslation("servers");
  const queries = useQueryClient();
  const mayCollect = useMay("operator");
  const collect = useMutation({
    mutationFn: () => take(api.POST("/api/v1/monitoring/servers/{id}/collect", { params: { path: { id } } })),
    onSuccess: (collected) => {
      void queries.invalidateQueries({ queryKey: ["fleet"] });
      void tellDone(t("collected", { count: collected.collected_metrics.length }));
    },
    onError: tell,
  });
  return (
    <>
      {mayCollect && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconRefresh size={15} aria-hidden />}
          loading={collect.isPending}
          onClick={() => collect.mutate()}
        >
          {t("collect")}
        </Button>
      )}
      {dashboardUrl && (
        <Button size="xs" variant="default" component="a" href={dashboardUrl} target="_blank" rel="noreferrer" leftSection={<IconChartHistogram size={15} aria-hidden />}>
          {t("grafana")}
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <Button size="xs" variant="default" leftSection={<IconDownload size={15} aria-hidden />}>
            {t("exportValues")}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {(["csv", "json"] as const).map((form) => (
            <Menu.Item key={form} component="a" href={`/api/v1/monitoring/servers/${id}/export?format=${form}`} download>
              {t("lastDay", { form: form.toUpperCase() })}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
