/** Tokens: what kinds there are, and when one ends. */
import type { Schema } from "@/api/client";

export type Token = Schema<"Token">;
export type Kind = Token["kind"];

/** Kinds that are made by hand; all others come from a log-in. */
export const MADE: Kind[] = ["api", "discovery", "inlet", "exporter"];

/** What a token may be limited to; the controller refuses others by name. */
export const SCOPES = [
  "alerts:read",
  "alerts:write",
  "audit:read",
  "backups:download",
  "backups:read",
  "backups:write",
  "credentials:read",
  "credentials:write",
  "discovery:read",
  "discovery:write",
  "events:read",
  "exporters:read",
  "exporters:write",
  "metrics:read",
  "monitoring:read",
  "monitoring:write",
  "rules:read",
  "rules:write",
  "servers:read",
  "servers:write",
  "sync:read",
  "sync:write",
  "users:read",
  "users:write",
];

const DAY_MS = 24 * 3600 * 1000;

/** The moment so many days from now; none for a token that does not end. */
export function endIn(days: string, now: number = Date.now()): string | null {
  return days === "" ? null : new Date(now + Number(days) * DAY_MS).toISOString();
}

/** Whether it does not work any more. */
export function isOver({ expires_at: end }: Pick<Token, "expires_at">, now: number = Date.now()): boolean {
  return end !== null && end !== undefined && new Date(end).getTime() <= now;
}
