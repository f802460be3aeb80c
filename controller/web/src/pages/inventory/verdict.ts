/** What a connection test found, put together from what each part says. */
import type { Schema } from "@/api/client";

type Collected = Schema<"Collected">;

/** What is to be told, and the key of its text below `test.verdicts`. */
export type Verdict =
  | "works"
  | "partly"
  | "exporterSilent"
  | "exporterNotReady"
  | "exporterRefuses"
  | "unreachable"
  | "noSuite"
  | "logInRefused"
  | "nothingRead"
  | Reason;

/** Why a log-in failed, in the exporter's words; see "Errors" of docs/metrics.md. */
export const REASONS = [
  "silent",
  "network",
  "login_refused",
  "misbehaved",
  "no_slots",
  "unknown_user",
  "wrong_password",
  "wrong_key",
  "privilege_refused",
  "no_common_suite",
  "no_common_auth_type",
  "activation_ignored",
] as const;

export type Reason = (typeof REASONS)[number];

/** What a BMC said to questions that need no log-in. */
export type Answered = { suites: number[] | undefined } | "silent" | "unknown";

/** Cipher suites that exporters offer unless a profile says otherwise. */
const DEFAULT_SUITES = new Set([17, 3]);

const COLLECTOR_FAILED = /: the collector failed/;

/** The exporter's own word for the failure, where it is told. */
export function reasonOf(errors: readonly string[]): Reason | undefined {
  const words = new Set(errors.flatMap((error) => error.split(/[^a-z_]+/)));
  // A word like `network` may be part of a sentence: only words on their own count.
  return REASONS.find(
    (reason) => words.has(reason) && (reason.includes("_") || errors.some((error) => error.includes(`${reason}:`))),
  );
}

/** What is wrong, as exactly as it is known. */
export function judge(collected: Collected, answered: Answered): Verdict {
  if (collected.status === "success") {
    return "works";
  }
  if (collected.status === "partial_success") {
    return "partly";
  }
  const errors = collected.errors ?? [];
  const exporter = errors.find((error) => error.startsWith("the exporter "));
  if (exporter !== undefined) {
    if (/status (400|403|503)/.test(exporter)) {
      return "exporterNotReady";
    }
    return /does not answer/.test(exporter) ? "exporterSilent" : "exporterRefuses";
  }
  const reason = reasonOf(errors);
  if (reason !== undefined) {
    return reason;
  }
  if (!errors.some((error) => COLLECTOR_FAILED.test(error))) {
    return "nothingRead";
  }
  if (answered === "silent") {
    return "unreachable";
  }
  if (answered === "unknown") {
    return "nothingRead";
  }
  const { suites } = answered;
  return suites && suites.length > 0 && !suites.some((suite) => DEFAULT_SUITES.has(suite)) ? "noSuite" : "logInRefused";
}

/** Collectors that failed, by name. */
export function failedCollectors(errors: readonly string[] | undefined): string[] {
  return (errors ?? []).filter((error) => COLLECTOR_FAILED.test(error)).map((error) => error.slice(0, error.indexOf(":")));
}
