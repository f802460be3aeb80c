/** Thresholds: what they are measured in, and where one comes from. */
import type { Schema } from "@/api/client";

export type Override = Schema<"ThresholdOverride">;
export type OverrideBody = Schema<"OverrideBody">;
export type SensorThresholds = Schema<"SensorThresholds">;
export type Kind = Schema<"ThresholdKind">;
export type Effective = Schema<"EffectiveThreshold">;

/** Kinds with the unit of their metric. A ratio is shown as it is stored: 0 to 1. */
export const UNITS: Record<Kind, string> = {
  temperature: "°C",
  fan_speed: "rpm",
  fan_ratio: "",
  voltage: "V",
  current: "A",
  power: "W",
  other: "",
};

export const KINDS = Object.keys(UNITS) as Kind[];
export const BOUNDS = ["upper", "lower"] as const;
export const LEVELS = ["warning", "critical"] as const;

/** The four thresholds in the order in which they lie: from the lowest to the highest. */
export const COLUMNS = [
  { bound: "lower", level: "critical" },
  { bound: "lower", level: "warning" },
  { bound: "upper", level: "warning" },
  { bound: "upper", level: "critical" },
] as const;

export function thresholdAt(sensor: SensorThresholds, bound: Effective["bound"], level: Effective["level"]): Effective | undefined {
  return sensor.thresholds.find((one) => one.bound === bound && one.level === level);
}

/** How it stands with a value by the thresholds that hold. */
export function judge(sensor: SensorThresholds): "ok" | "warning" | "critical" | "unknown" {
  const { value } = sensor;
  if (value === null || value === undefined) {
    return "unknown";
  }
  const isBeyond = (one: Effective) =>
    one.value !== null && one.value !== undefined && (one.bound === "upper" ? value >= one.value : value <= one.value);
  const beyond = sensor.thresholds.filter(isBeyond);
  if (beyond.some(({ level }) => level === "critical")) {
    return "critical";
  }
  return beyond.length > 0 ? "warning" : "ok";
}

export interface OverrideForm extends Record<string, unknown> {
  kind: Kind;
  bound: (typeof BOUNDS)[number];
  level: (typeof LEVELS)[number];
  /** Empty: there is to be none. */
  value: string;
  server_id: string;
  group_id: string;
  model: string;
  site: string;
  sensor: string;
  sensor_is_regex: boolean;
  description: string;
}

export const NEW_OVERRIDE: OverrideForm = {
  kind: "temperature",
  bound: "upper",
  level: "warning",
  value: "",
  server_id: "",
  group_id: "",
  model: "",
  site: "",
  sensor: "",
  sensor_is_regex: false,
  description: "",
};

export function formOf(override: Override): OverrideForm {
  return {
    ...NEW_OVERRIDE,
    kind: override.kind,
    bound: override.bound,
    level: override.level,
    value: override.value === null || override.value === undefined ? "" : String(override.value),
    server_id: override.server_id ? String(override.server_id) : "",
    group_id: override.group_id ? String(override.group_id) : "",
    model: override.model,
    site: override.site,
    sensor: override.sensor,
    sensor_is_regex: override.sensor_is_regex,
    description: override.description,
  };
}

export function overrideBody(form: OverrideForm): OverrideBody {
  return {
    kind: form.kind,
    bound: form.bound,
    level: form.level,
    value: form.value.trim() === "" ? null : Number(form.value),
    server_id: form.server_id === "" ? null : Number(form.server_id),
    group_id: form.group_id === "" ? null : Number(form.group_id),
    model: form.model.trim(),
    site: form.site.trim(),
    sensor: form.sensor,
    sensor_is_regex: form.sensor_is_regex,
    description: form.description,
  };
}
