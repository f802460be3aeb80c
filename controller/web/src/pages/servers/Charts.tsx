/** The course of sensors, several together, over any range; last week behind it. */
import { Group, MultiSelect, Paper, Stack, Switch, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "@/api/client";
import { queryRange } from "@/api/prometheus";
import { Chart, type Mark, type Series } from "@/components/chart";
import { align, stepFor } from "@/components/chart/data";
import { RangePicker, useTimeRange } from "@/components/range";
import { severityState } from "@/components/StateBadge";
import { Empty, Failed, LoadingRows } from "@/components/states";
import { useUrlState } from "@/components/url";
import { currentLanguage } from "@/i18n";
import { byKind, keyOfSensor, linesByKey, type Kind, type Sensor, selector } from "./sensors";
import { annotation } from "./ServerAlerts";

const WEEK = 604_800;
/** Lines of one chart unless somebody chooses others: more cannot be told apart. */
const MAX_LINES = 6;
/** Marks of alerts. */
const MAX_MARKS = 100;
const REFRESH_MS = 30_000;

const DEFAULTS = { sensors: "", week: "" };

interface Props {
  server: number;
  sensors: Sensor[] | undefined;
  error: Error | null;
  onRetry(): void;
}

export default function Charts({ server, sensors, error, onRetry }: Props) {
  const { t } = useTranslation("servers");
  const range = useTimeRange();
  const [{ sensors: chosen, week }, set] = useUrlState(DEFAULTS);
  const valued = useMemo(() => (sensors ?? []).filter(({ value }) => typeof value === "number"), [sensors]);
  const picked = useMemo(() => new Set(chosen.split(",").filter((id) => id !== "")), [chosen]);
  const marks = useAlertMarks(server);
  if (error && !sensors) {
    return <Failed error={error} onRetry={onRetry} />;
  }
  if (!sensors) {
    return <LoadingRows rows={8} />;
  }
  if (valued.length === 0) {
    return <Empty title={t("noSensors.title")} text={t("noSensors.text")} />;
  }
  const own = valued.filter(({ id }) => picked.has(String(id)));
  return (
    <Stack>
      <Group gap="sm" align="flex-end">
        <RangePicker range={range} />
        <MultiSelect
          size="xs"
          aria-label={t("charts.choose")}
          placeholder={own.length === 0 ? t("charts.choose") : undefined}
          data={byKind(valued).map(([kind, members]) => ({
            group: t(`kinds.${kind}`),
            items: members.map(({ id, name, sensor_id: number }) => ({
              value: String(id),
              label: number ? `${name} (${number})` : name,
            })),
          }))}
          value={own.map(({ id }) => String(id))}
          onChange={(ids) => set({ sensors: ids.join(",") })}
          searchable
          clearable
          clearButtonProps={{ "aria-label": t("charts.clear") }}
          hidePickedOptions
          maxValues={12}
          miw={260}
          maw={620}
        />
        <Switch
          size="sm"
          label={t("charts.week")}
          checked={week === "1"}
          onChange={(event) => set({ week: event.currentTarget.checked ? "1" : "" })}
        />
      </Group>
      {own.length > 0 ? (
        <Course title={t("charts.chosen")} server={server} sensors={own} range={range} withWeek={week === "1"} marks={marks} height={320} />
      ) : (
        byKind(valued).map(([kind, members]: [Kind, Sensor[]]) => (
          <Course
            key={kind}
            title={t(`kinds.${kind}`)}
            server={server}
            sensors={members.slice(0, MAX_LINES)}
            range={range}
            withWeek={week === "1"}
            marks={marks}
          />
        ))
      )}
    </Stack>
  );
}

interface CourseProps {
  title: string;
  server: number;
  sensors: Sensor[];
  range: ReturnType<typeof useTimeRange>;
  withWeek: boolean;
  marks: Mark[];
  height?: number;
}

function Course({ title, server, sensors, range, withWeek, marks, height = 220 }: CourseProps) {
  const { t } = useTranslation("servers");
  const step = stepFor(range.seconds);
  const query = selector(server, sensors);
  const { data, error, refetch } = useQuery({
    queryKey: ["fleet", "course", query, range.fixed, range.length, withWeek],
    queryFn: async ({ signal }) => {
      const end = Math.floor((range.fixed?.[1] ?? Date.now() / 1000) / step) * step;
      const start = Math.floor((range.fixed?.[0] ?? end - range.seconds) / step) * step;
      const [present, past] = await Promise.all([
        queryRange(query, { start, end, step }, signal),
        withWeek ? queryRange(query, { start: start - WEEK, end: end - WEEK, step }, signal) : [],
      ]);
      return { start, end, present, past };
    },
    refetchInterval: range.fixed ? false : REFRESH_MS,
    placeholderData: (before) => before,
  });
  const shown = useMemo(() => {
    if (!data) {
      return undefined;
    }
    const { start, end } = data;
    const { times, values } = align(data.present, start, end, step);
    const present = linesByKey(data.present, values);
    const past = linesByKey(data.past, align(data.past, start - WEEK, end - WEEK, step).values);
    const line = (lines: typeof present, sensor: Sensor) => lines.get(keyOfSensor(sensor)) ?? times.map(() => null);
    // Names that several have are told apart by their numbers.
    const names = sensors.map(({ name, sensor_id: number }) =>
      sensors.filter((other) => other.name === name).length > 1 ? `${name} (${number})` : name,
    );
    const series: Series[] = sensors.map((sensor, index) => ({
      label: names[index] ?? "",
      unit: sensor.unit ?? "",
      values: line(present, sensor),
    }));
    if (withWeek) {
      series.push(
        ...sensors.map((sensor, index) => ({
          label: t("charts.lastWeek", { name: names[index] ?? "" }),
          unit: sensor.unit ?? "",
          values: line(past, sensor),
          isDashed: true,
        })),
      );
    }
    return { times, series, range: [start, end] as [number, number] };
  }, [data, sensors, step, withWeek, t]);
  return (
    <Paper withBorder p="md" bg="var(--surface)" component="section" aria-label={title}>
      <Title order={2} size="h5">
        {title}
      </Title>
      {error && !data && <Failed error={error} onRetry={() => void refetch()} />}
      {!shown && !error && <LoadingRows rows={5} />}
      {shown && <Chart label={title} times={shown.times} series={shown.series} range={shown.range} marks={marks} onZoom={range.zoom} height={height} />}
    </Paper>
  );
}

/** Where alerts of the server began, for the time axis. */
function useAlertMarks(server: number): Mark[] {
  const { data } = useQuery({
    queryKey: ["alerts", "marks", server],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/alerts", { params: { query: { server_id: server, limit: MAX_MARKS } }, signal })),
  });
  return useMemo(
    () =>
      (data?.items ?? []).map((alert) => ({
        at: Date.parse(alert.starts_at) / 1000,
        label: annotation(alert.annotations, "summary", currentLanguage()) || alert.alertname,
        color: `var(--state-${severityState(alert.severity)})`,
      })),
    [data],
  );
}
