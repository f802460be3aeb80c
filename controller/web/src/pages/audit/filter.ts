/** The filter of the audit trail: in the address bar, and as the interface takes it. */
export const FILTER = { search: "", actor: "", action: "", resource: "", source: "", range: "" };

export type Filter = Record<keyof typeof FILTER, string>;

/** Hours back, by word. */
export const RANGES: Record<string, number> = { "1h": 1, "24h": 24, "7d": 168, "30d": 720 };

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** What is absent does not filter. The beginning is a whole minute, so that the question stays the same for a while. */
export function filterOf(filter: Filter, now: number = Date.now()) {
  const hours = RANGES[filter.range];
  const since = hours === undefined ? undefined : new Date(Math.floor((now - hours * HOUR_MS) / MINUTE_MS) * MINUTE_MS).toISOString();
  return {
    search: filter.search || undefined,
    actor: filter.actor || undefined,
    action: filter.action || undefined,
    resource: filter.resource || undefined,
    source: filter.source || undefined,
    since,
  };
}

/** Where the trail is to be had as a file. */
export function exportUrl(filter: Filter, format: "csv" | "json"): string {
  const params = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(filterOf(filter))) {
    if (value !== undefined) {
      params.set(name, value);
    }
  }
  return `/api/v1/audit/export?${params.toString()}`;
}

/** One field that an entry changed. */
export interface Difference {
  field: string;
  before: string;
  after: string;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

const text = (value: unknown) => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value));

/** Fields that every change changes. */
const ALWAYS = new Set(["updated_at", "version"]);

/** What an entry changed, field by field. */
export function differences(before: unknown, after: unknown): Difference[] {
  if (!isObject(before) && !isObject(after)) {
    return before === undefined && after === undefined ? [] : [{ field: "", before: text(before ?? undefined), after: text(after ?? undefined) }];
  }
  const [old, now] = [isObject(before) ? before : {}, isObject(after) ? after : {}];
  const isChange = isObject(before) && isObject(after);
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((field) => !isChange || (!ALWAYS.has(field) && text(old[field]) !== text(now[field])))
    .map((field) => ({ field, before: text(old[field]), after: text(now[field]) }));
}
