/** The life of an episode: its stages in a line, and what kept it from people. */
import type { Schema } from "@/api/client";

export type AlertLife = Schema<"AlertLife">;
export type AlertEvent = Schema<"AlertEvent">;
export type EventKind = AlertEvent["kind"];

export const STAGES = ["pending", "firing", "notified", "acknowledged", "ended"] as const;
export type Stage = (typeof STAGES)[number];

export interface StageTime {
  stage: Stage;
  /** When it came so far; absent when it has not, or nobody knows. */
  at: string | undefined;
  /** Seconds since the stage before that is known. */
  after: number | undefined;
}

function firstOf(events: readonly AlertEvent[], kind: EventKind): string | undefined {
  return events.find((event) => event.kind === kind)?.at;
}

/** The five stages with when each was reached, in the order of their times. */
export function stages(life: AlertLife): StageTime[] {
  const times: Record<Stage, string | undefined> = {
    pending: firstOf(life.events, "pending"),
    firing: life.starts_at,
    notified: firstOf(life.events, "notified"),
    acknowledged: life.acknowledged_at ?? undefined,
    ended: life.state === "firing" ? undefined : (life.ends_at ?? firstOf(life.events, "expired")),
  };
  let before: string | undefined;
  const reached = STAGES.filter((stage) => times[stage] !== undefined).toSorted((a, b) =>
    (times[a] ?? "").localeCompare(times[b] ?? ""),
  );
  const line = reached.map((stage) => {
    const at = times[stage];
    const after = at !== undefined && before !== undefined ? (Date.parse(at) - Date.parse(before)) / 1000 : undefined;
    before = at;
    return { stage, at, after };
  });
  const missing = STAGES.filter((stage) => times[stage] === undefined && stage !== "pending");
  return [...line, ...missing.map((stage) => ({ stage, at: undefined, after: undefined }))];
}

/** Seconds that an episode lasted, or lasts so far. */
export function lasted(alert: { starts_at: string; ends_at?: string | null }, now: number): number {
  return Math.max(0, ((alert.ends_at ? Date.parse(alert.ends_at) : now) - Date.parse(alert.starts_at)) / 1000);
}

/** Why nobody was notified, as far as the journal knows. */
export type Hush = "silenced" | "inhibited" | "short" | "unknown";

export function hush(life: AlertLife): Hush | undefined {
  if (life.notified) {
    return undefined;
  }
  const last = life.events.findLast(({ kind }) => kind === "silenced" || kind === "inhibited" || kind === "unsuppressed");
  if (last?.kind === "silenced" || last?.kind === "inhibited") {
    return last.kind;
  }
  return life.state === "firing" ? "unknown" : "short";
}

/** A text out of what an event has besides its kind. Nothing in there is sure. */
export function detailText(event: AlertEvent, name: string): string | undefined {
  const { detail } = event;
  if (typeof detail !== "object" || detail === null || !Object.hasOwn(detail, name)) {
    return undefined;
  }
  const value = (detail as Record<string, unknown>)[name];
  if (Array.isArray(value)) {
    return value.map(String).join(", ");
  }
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The address, if it is one that a link may lead to. */
export function webAddress(text: string | undefined): string | undefined {
  return text !== undefined && /^https?:\/\//i.test(text) ? text : undefined;
}
