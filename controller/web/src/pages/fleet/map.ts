/** The controller's map of the fleet as cells. */
import type { Schema } from "@/api/client";
import type { HeatCell } from "@/components/heat/layout";

export const METRICS = ["state", "watts", "inlet", "cpu", "fan"] as const;
export type Metric = (typeof METRICS)[number];

export const PARTITIONS = ["group", "site", "rack", "model"] as const;
export type PartitionWord = (typeof PARTITIONS)[number];

export const UNITS: Record<Metric, string> = { state: "", watts: "W", inlet: "°C", cpu: "°C", fan: "RPM" };

interface Words {
  /** For servers that belong to no part. */
  none: string;
  state(word: string): string;
  value(value: number, metric: Metric): string;
  unknown: string;
}

/** Cells with their colours, and the range of values when there is one. */
export function heatCells(map: Schema<"FleetMap">, words: Words): { cells: HeatCell[]; range: [number, number] | undefined } {
  const known = map.values.filter((value): value is number => typeof value === "number");
  const low = known.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = known.reduce((greatest, value) => Math.max(greatest, value), Number.NEGATIVE_INFINITY);
  const span = high - low;
  const cells = map.ids.map((id, index): HeatCell => {
    const state = map.states[index] ?? "unknown";
    const value = map.values[index];
    const group = map.parts[map.part_of[index] ?? -1] || words.none;
    const name = map.names[index] ?? "";
    if (map.metric === "state") {
      return { id, name, group, tone: state, text: words.state(state) };
    }
    if (typeof value !== "number") {
      return { id, name, group, tone: null, text: words.unknown };
    }
    // Where all are the same, none is high.
    const tone = span > 0 ? (value - low) / span : 0;
    return { id, name, group, tone, text: words.value(value, map.metric) };
  });
  return { cells, range: known.length > 0 ? [low, high] : undefined };
}
