/** Which alerts are shown, and under which head. */
import type { Schema } from "@/api/client";

export type Alert = Schema<"Alert">;

export const OPERATORS = ["=~", "!~", "!=", "="] as const;
export type Operator = (typeof OPERATORS)[number];

/** What a label has to be, in the words of Alertmanager. */
export interface Matcher {
  name: string;
  operator: Operator;
  value: string;
}

const PATTERN = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$/s;

/** Reads `severity=critical`, `site=~"a|b"`; nothing when it is none. */
export function parseMatcher(text: string): Matcher | undefined {
  const [, name, operator, rest] = PATTERN.exec(text) ?? [];
  if (name === undefined || operator === undefined || rest === undefined) {
    return undefined;
  }
  const value = /^".*"$/s.test(rest) ? rest.slice(1, -1) : rest;
  const matcher = { name, operator: operator as Operator, value };
  return isRegex(matcher) && !regexOf(value) ? undefined : matcher;
}

export function formatMatcher({ name, operator, value }: Matcher): string {
  return `${name}${operator}${value}`;
}

function isRegex({ operator }: Matcher): boolean {
  return operator === "=~" || operator === "!~";
}

/** A pattern for the whole value, as Alertmanager has it. */
function regexOf(value: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${value})$`, "s");
  } catch {
    return undefined;
  }
}

const NEGATED: Record<Operator, Operator> = { "=": "!=", "!=": "=", "=~": "!~", "!~": "=~" };

/** The same matcher, for all others. */
export function negate(matcher: Matcher): Matcher {
  return { ...matcher, operator: NEGATED[matcher.operator] };
}

/** A function that says whether labels fit; a label that is absent is an empty one. */
export function compile(matchers: readonly Matcher[]): (labels: Record<string, string>) => boolean {
  const tests = matchers.map((matcher) => {
    const { name, operator, value } = matcher;
    const regex = isRegex(matcher) ? regexOf(value) : undefined;
    const isWanted = operator === "=" || operator === "=~";
    return (labels: Record<string, string>) => {
      const actual = labels[name] ?? "";
      return (regex ? regex.test(actual) : actual === value) === isWanted;
    };
  });
  return (labels) => tests.every((test) => test(labels));
}

/** Matchers with one more; one of the same text is not there twice. */
export function withMatcher(matchers: readonly Matcher[], more: Matcher): Matcher[] {
  const text = formatMatcher(more);
  return [...matchers.filter((matcher) => formatMatcher(matcher) !== text), more];
}

const SEVERITY_ORDER = ["critical", "warning", "info"];

/** How grave; 0 is worst. */
export function gravity(severity: string): number {
  const place = SEVERITY_ORDER.indexOf(severity);
  return place < 0 ? SEVERITY_ORDER.length : place;
}

export interface AlertGroup {
  /** Value of the label by which is grouped. */
  key: string;
  alerts: Alert[];
  /** The worst of its alerts. */
  severity: string;
  /** Labels that all of them have alike. */
  shared: [string, string][];
  /** How many nobody took notice of. */
  unacknowledged: number;
}

/** Labels that are equal on all alerts, by name. */
export function sharedLabels(alerts: readonly Alert[]): [string, string][] {
  const [first, ...others] = alerts;
  return Object.entries(first?.labels ?? {})
    .filter(([name, value]) => others.every(({ labels }) => labels[name] === value))
    .toSorted(([a], [b]) => a.localeCompare(b));
}

/** Alerts under heads by the value of a label: the gravest, then the largest first. */
export function groupAlerts(alerts: readonly Alert[], by: string): AlertGroup[] {
  const byKey = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const key = by === "" ? "" : (alert.labels[by] ?? "");
    const members = byKey.get(key);
    if (members) {
      members.push(alert);
    } else {
      byKey.set(key, [alert]);
    }
  }
  const groups = [...byKey].map(([key, members]) => {
    const sorted = members.toSorted(
      (a, b) => gravity(a.severity) - gravity(b.severity) || b.starts_at.localeCompare(a.starts_at),
    );
    return {
      key,
      alerts: sorted,
      severity: sorted[0]?.severity ?? "",
      shared: sharedLabels(sorted),
      unacknowledged: sorted.filter(({ acknowledged_at: at }) => !at).length,
    };
  });
  return groups.toSorted(
    (a, b) => gravity(a.severity) - gravity(b.severity) || b.alerts.length - a.alerts.length || a.key.localeCompare(b.key),
  );
}

/** Labels that tell one alert from another: not what the head says, not what the page says otherwise. */
export function ownLabels(alert: Alert, shared: readonly [string, string][]): [string, string][] {
  const names = new Set([...shared.map(([name]) => name), ...SHOWN_OTHERWISE]);
  return Object.entries(alert.labels)
    .filter(([name]) => !names.has(name))
    .toSorted(([a], [b]) => a.localeCompare(b));
}

const SHOWN_OTHERWISE = ["alertname", "severity", "server_name", "server_id"];
/** How Prometheus came to it; of use on the alert's own page only. */
const PLUMBING = new Set(["job", "instance", "server_id", "severity"]);

/** Labels without what is shown beside them anyway, and what helps nobody to choose. */
export function chipLabels(labels: readonly [string, string][], by: string): [string, string][] {
  return labels.filter(([name]) => name !== by && !PLUMBING.has(name));
}

/** An annotation in the reader's language, if the rule has one: `summary_zh`. */
export function annotation(alert: Pick<Alert, "annotations">, name: string, language: string): string | undefined {
  return alert.annotations[`${name}_${language}`] || alert.annotations[name] || undefined;
}

/** How often each value of some labels is there, for the list of filters. */
export function facets(alerts: readonly Alert[], names: readonly string[], most: number): [string, [string, number][]][] {
  return names.flatMap((name) => {
    const counts = new Map<string, number>();
    for (const { labels } of alerts) {
      const value = labels[name];
      if (value !== undefined && value !== "") {
        counts.set(value, (counts.get(value) ?? 0) + 1);
      }
    }
    const values = [...counts].toSorted(([a, m], [b, n]) => n - m || a.localeCompare(b)).slice(0, most);
    return counts.size > 1 ? [[name, values] satisfies [string, [string, number][]]] : [];
  });
}

/** Where the page of silences makes one for these labels. */
export function silencePath(labels: readonly (readonly [string, string])[]): string {
  const params = new URLSearchParams({ new: "1" });
  for (const [name, value] of labels) {
    params.append("matcher", formatMatcher({ name, operator: "=", value }));
  }
  return `/silences?${params}`;
}
