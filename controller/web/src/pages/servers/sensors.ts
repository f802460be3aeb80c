/** Shapes of sensors for the page of a server. */
import type { Schema } from "@/api/client";
import type { MatrixSeries } from "@/components/chart/data";

export type Sensor = Schema<"Sensor">;
export type Kind = Sensor["metric_type"];

/** Kinds in the order in which they are shown. */
export const KINDS: readonly Kind[] = ["temperature", "fan_speed", "power", "voltage", "current", "other"];

/** Sensors by kind; kinds of which there are none are absent. */
export function byKind(sensors: readonly Sensor[]): [Kind, Sensor[]][] {
  return KINDS.map((kind): [Kind, Sensor[]] => [kind, sensors.filter((sensor) => sensor.metric_type === kind)]).filter(
    ([, members]) => members.length > 0,
  );
}

const RANK: Record<string, number> = { critical: 0, warning: 1, ok: 2 };

/** The worst state of any sensor. */
export function worstOf(sensors: readonly Sensor[]): "critical" | "warning" | "ok" | "unknown" {
  let worst: "critical" | "warning" | "ok" | "unknown" = "unknown";
  for (const { status } of sensors) {
    if (status && (worst === "unknown" || (RANK[status] ?? 3) < (RANK[worst] ?? 3))) {
      worst = status;
    }
  }
  return worst;
}

/** What tells a sensor's series from others of the same server. */
export function seriesKey(metric: string, sensorId: string, name: string): string {
  return JSON.stringify([metric, sensorId, name]);
}

/** The key of a series that Prometheus answers with. */
export function keyOfSeries({ metric }: MatrixSeries): string {
  return seriesKey(metric.__name__ ?? "", metric.id ?? "", metric.name ?? "");
}

/** The key of a sensor. The whole machine's power has neither number nor name there. */
export function keyOfSensor({ metric, sensor_id, name }: Sensor): string {
  return metric.startsWith("ipmi_dcmi") ? seriesKey(metric, "", "") : seriesKey(metric, sensor_id, name);
}

/**
 * Lines by the keys of their sensors. A server that moves to another group or rack
 * has other series from then on: they are one line.
 */
export function linesByKey(all: readonly MatrixSeries[], values: readonly (number | null)[][]): Map<string, (number | null)[]> {
  const lines = new Map<string, (number | null)[]>();
  for (const [index, series] of all.entries()) {
    const key = keyOfSeries(series);
    const line = values[index] ?? [];
    const before = lines.get(key);
    lines.set(key, before ? before.map((value, place) => value ?? line[place] ?? null) : line);
  }
  return lines;
}

/** A text as a string of PromQL. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** An expression for all values of these sensors of a server. */
export function selector(server: number, sensors: readonly Sensor[]): string {
  const metrics = [...new Set(sensors.map(({ metric }) => metric))].toSorted();
  return `{__name__=~${quoted(metrics.join("|"))},server_id=${quoted(String(server))}}`;
}

export interface Zone {
  from: number;
  to: number;
  level: "ok" | "warning" | "critical";
}

export interface Bar {
  zones: Zone[];
  /** Place of the value, from 0 to 1. */
  at: number;
}

/**
 * The value among its thresholds, with everything between 0 and 1; nothing when there
 * are none that mean anything: some BMCs say 0 for all of them.
 */
export function thresholdBar(value: number, thresholds: Schema<"Thresholds">): Bar | undefined {
  const lowCritical = thresholds.lower_critical ?? thresholds.lower_non_recoverable ?? undefined;
  const highCritical = thresholds.upper_critical ?? thresholds.upper_non_recoverable ?? undefined;
  const lowWarning = thresholds.lower_non_critical ?? lowCritical;
  const highWarning = thresholds.upper_non_critical ?? highCritical;
  const limits = [lowCritical, lowWarning, highWarning, highCritical].filter((limit) => limit !== undefined);
  const isOrdered = limits.every((limit, index) => index === 0 || (limits[index - 1] ?? limit) <= limit);
  if (limits.length === 0 || !isOrdered || (limits.length > 1 && limits[0] === limits.at(-1) && limits[0] === 0)) {
    return undefined;
  }
  const least = Math.min(value, ...limits);
  const greatest = Math.max(value, ...limits);
  const pad = (greatest - least || Math.abs(value) || 1) * 0.12;
  const from = least - pad;
  const span = greatest + pad - from;
  const place = (of: number) => (of - from) / span;
  const zones: Zone[] = [];
  let last = 0;
  const until = (limit: number | undefined, level: Zone["level"]) => {
    if (limit !== undefined && place(limit) > last) {
      zones.push({ from: last, to: place(limit), level });
      last = place(limit);
    }
  };
  until(lowCritical, "critical");
  until(lowWarning, "warning");
  until(highWarning ?? highCritical ?? greatest + pad, "ok");
  until(highCritical, "warning");
  if (last < 1) {
    zones.push({ from: last, to: 1, level: highCritical === undefined ? (highWarning === undefined ? "ok" : "warning") : "critical" });
  }
  return { zones, at: place(value) };
}
