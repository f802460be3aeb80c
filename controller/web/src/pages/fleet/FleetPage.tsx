/** The fleet at a glance: how many are how, one cell for each, the worst first. */
import { Anchor, Box, Group, Paper, SegmentedControl, Select, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, take } from "@/api/client";
import { FilterBar } from "@/components/fleet/FilterBar";
import { useFleetFilter } from "@/components/fleet/filter";
import { Stale } from "@/components/fleet/Stale";
import { StateCounts } from "@/components/fleet/StateCounts";
import { HeatMap, scaleColor } from "@/components/heat/HeatMap";
import { Moment } from "@/components/Moment";
import { PageTitle } from "@/components/PageTitle";
import { StateBadge } from "@/components/StateBadge";
import { Empty, Failed, LoadingRows } from "@/components/states";
import { useUrlState } from "@/components/url";
import { useFormat } from "@/i18n/format";
import { heatCells, METRICS, type Metric, PARTITIONS, type PartitionWord, UNITS } from "./map";

/** Prometheus is asked no more often; see `monitoring/measured.rs`. */
const INTERVAL_MS = 15_000;
/** Servers in the list of the worst. */
const WORST = 8;

const MAP_DEFAULTS = { metric: "state", by: "rack" };

export default function FleetPage() {
  const { t } = useTranslation("fleet");
  const format = useFormat();
  const filter = useFleetFilter();
  const { query, state } = filter;
  const { data, error, refetch } = useQuery({
    queryKey: ["fleet", "overview", query],
    queryFn: ({ signal }) => take(api.GET("/api/v1/fleet", { params: { query }, signal })),
    refetchInterval: INTERVAL_MS,
    placeholderData: (before) => before,
  });
  if (error && !data) {
    return (
      <>
        <PageTitle title={t("title")} />
        <Failed error={error} onRetry={() => void refetch()} />
      </>
    );
  }
  if (data?.total === 0 && !filter.isFiltered) {
    return (
      <>
        <PageTitle title={t("title")} />
        <Empty title={t("empty.title")} text={t("empty.text")} />
      </>
    );
  }
  return (
    <>
      <PageTitle
        title={t("title")}
        state={
          data && (
            <>
              {t("summary", { count: data.total, formatted: format.number(data.total) })} · {t("measured")}{" "}
              <Moment at={data.measured_at} form="relative" />
            </>
          )
        }
      />
      <Stale problem={data?.problem} />
      <Stack gap="md">
        <StateCounts
          counts={data?.states ?? {}}
          chosen={state}
          onChoose={(chosen) => filter.set({ state: chosen ?? "" }, true)}
        />
        <FilterBar filter={filter} sites={data?.sites ?? []} />
        <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
          <Figure label={t("power")} note={data && t("powerOf", { count: data.watts_of })}>
            {data && data.watts_of > 0 ? <Power watts={data.watts} /> : "–"}
          </Figure>
          <Figure label={t("inlet")}>
            {data?.inlet_max === null || data?.inlet_max === undefined ? "–" : `${format.reading(data.inlet_max)} °C`}
          </Figure>
          <Figure label={t("alerts")}>{data ? format.number(data.alerts) : "–"}</Figure>
        </SimpleGrid>
        <FleetMap />
        <Worst />
      </Stack>
    </>
  );
}

function Figure({ label, note, children }: { label: string; note?: ReactNode; children: ReactNode }) {
  return (
    <Paper withBorder p="sm" bg="var(--surface)">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text size="xl" fw={650} className="number">
        {children}
      </Text>
      <Text size="xs" c="dimmed" mih={18}>
        {note}
      </Text>
    </Paper>
  );
}

/** Watts, or kilowatts where there are many. */
function Power({ watts }: { watts: number }) {
  const format = useFormat();
  return watts >= 10_000 ? `${format.number(watts / 1000, 1)} kW` : `${format.number(watts)} W`;
}

function FleetMap() {
  const { t } = useTranslation("fleet");
  const shell = useTranslation("shell").t;
  const format = useFormat();
  const navigate = useNavigate();
  const { query, state } = useFleetFilter();
  const [chosen, choose] = useUrlState(MAP_DEFAULTS);
  const metric: Metric = METRICS.find((word) => word === chosen.metric) ?? "state";
  const by: PartitionWord = PARTITIONS.find((word) => word === chosen.by) ?? "rack";
  const { data, error, refetch } = useQuery({
    queryKey: ["fleet", "map", query, state, metric, by],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/fleet/map", { params: { query: { ...query, state, metric, by } }, signal })),
    refetchInterval: INTERVAL_MS,
    placeholderData: (before) => before,
  });
  const map = useMemo(
    () =>
      data &&
      heatCells(data, {
        none: t("none"),
        state: (word) => shell(`states.${word}`),
        value: (value, of) => `${format.reading(value)} ${UNITS[of]}`,
        unknown: shell("states.unknown"),
      }),
    [data, t, shell, format],
  );
  return (
    <Paper withBorder p="md" bg="var(--surface)" component="section" aria-labelledby="map-title">
      <Group justify="space-between" mb="sm" gap="sm">
        <Title order={2} size="h5" id="map-title">
          {t("map.title")}
        </Title>
        <Group gap="sm">
          <SegmentedControl
            size="xs"
            aria-label={t("map.metric")}
            value={metric}
            onChange={(value) => choose({ metric: value })}
            data={METRICS.map((value) => ({ value, label: t(`metrics.${value}`) }))}
          />
          <Select
            size="xs"
            w={150}
            aria-label={t("map.by")}
            allowDeselect={false}
            value={by}
            onChange={(value) => choose({ by: value ?? "rack" })}
            data={PARTITIONS.map((value) => ({ value, label: t(`by.${value}`) }))}
          />
        </Group>
      </Group>
      {error && !data && <Failed error={error} onRetry={() => void refetch()} />}
      {!data && !error && <LoadingRows rows={5} />}
      {map && map.cells.length === 0 && (
        <Text c="dimmed" ta="center" py="lg">
          {t("noMatch")}
        </Text>
      )}
      {map && map.cells.length > 0 && (
        <>
          <HeatMap
            label={t("map.title")}
            cells={map.cells}
            onOpen={(cell) => void navigate(`/servers/${cell.id}`)}
          />
          {map.range && <Scale low={map.range[0]} high={map.range[1]} unit={UNITS[metric]} />}
        </>
      )}
    </Paper>
  );
}

/** What the colours of a scale mean. */
function Scale({ low, high, unit }: { low: number; high: number; unit: string }) {
  const format = useFormat();
  const steps = [0, 1 / 7, 2 / 7, 3 / 7, 4 / 7, 5 / 7, 6 / 7, 1];
  return (
    <Group gap={8} mt="sm" wrap="nowrap">
      <Text size="xs" className="number">
        {format.reading(low)} {unit}
      </Text>
      <svg width={8 * 18} height={10} aria-hidden>
        {steps.map((share, index) => (
          <rect key={share} x={index * 18} width={18} height={10} fill={scaleColor(share)} />
        ))}
      </svg>
      <Text size="xs" className="number">
        {format.reading(high)} {unit}
      </Text>
    </Group>
  );
}

function Worst() {
  const { t } = useTranslation("fleet");
  const format = useFormat();
  const { query, state } = useFleetFilter();
  const { data } = useQuery({
    queryKey: ["fleet", "worst", query, state],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/fleet/servers", { params: { query: { ...query, state, limit: WORST } }, signal })),
    refetchInterval: INTERVAL_MS,
    placeholderData: (before) => before,
  });
  const items = data?.items ?? [];
  return (
    <Paper withBorder p="md" bg="var(--surface)" component="section" aria-labelledby="worst-title">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5" id="worst-title">
          {t("worst.title")}
        </Title>
        <Anchor component={Link} to={{ pathname: "/servers", search: location.search }} size="sm">
          {t("worst.all")}
        </Anchor>
      </Group>
      {!data && <LoadingRows rows={WORST} />}
      {data && items.length === 0 && <Text c="dimmed">{t("noMatch")}</Text>}
      <Stack gap={0} component="ul" p={0} m={0} style={{ listStyle: "none" }}>
        {items.map((server) => (
          <Group key={server.id} component="li" gap="md" py={6} wrap="nowrap" style={{ borderTop: "1px solid var(--mantine-color-default-border)" }}>
            <Box w={120} display="flex" style={{ flexShrink: 0 }}>
              <StateBadge state={server.state} size="small" />
            </Box>
            <Anchor component={Link} to={`/servers/${server.id}`} size="sm" truncate style={{ flex: 1 }}>
              {server.name}
            </Anchor>
            <Text size="sm" c="dimmed" truncate visibleFrom="sm" w={200}>
              {[server.site, server.rack].filter((part) => part !== "").join(" / ")}
            </Text>
            <Text size="sm" className="number" w={130} ta="right">
              {t("alertCount", { count: server.critical_alerts + server.warning_alerts + server.other_alerts })}
            </Text>
            <Text size="sm" className="number" w={80} ta="right" visibleFrom="sm">
              {server.watts === null || server.watts === undefined ? "–" : `${format.reading(server.watts)} W`}
            </Text>
          </Group>
        ))}
      </Stack>
    </Paper>
  );
}
