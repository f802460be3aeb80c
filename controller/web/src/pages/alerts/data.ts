/** Questions about alerts, and what is done with them. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";
import { tell } from "@/app/tell";
import type { Alert } from "./matching";

/** Most alerts that the page groups and filters by itself. */
export const MAX_ACTIVE = 5000;
const BATCH = 1000;

export interface Active {
  alerts: Alert[];
  total: number;
}

/** All that fire now, the newest first. */
export async function fetchActive(signal: AbortSignal): Promise<Active> {
  const alerts: Alert[] = [];
  let total = 0;
  do {
    // Where the next page begins is known when this one is there.
    // oxlint-disable-next-line no-await-in-loop
    const page = await take(
      api.GET("/api/v1/alerts", {
        params: { query: { state: "firing", offset: alerts.length, limit: BATCH } },
        signal,
      }),
    );
    alerts.push(...page.items);
    total = page.total;
    if (page.items.length < BATCH) {
      break;
    }
  } while (alerts.length < Math.min(total, MAX_ACTIVE));
  return { alerts, total };
}

/** Filters of the history as the address bar has them. */
export const HISTORY_DEFAULTS = {
  search: "",
  state: "",
  severity: "",
  alertname: "",
  server: "",
  group: "",
  assignee: "",
  acknowledged: "",
  notified: "",
  range: "7d",
  from: "",
  to: "",
  sort: "starts_at",
  order: "desc",
};

export type HistoryState = Record<keyof typeof HISTORY_DEFAULTS, string>;

export const RANGES: Record<string, number> = { "24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400, "90d": 90 * 86_400 };

type Query = {
  state?: Schema<"AlertState">;
  severity?: string;
  alertname?: string;
  server_id?: number;
  group_id?: number;
  assignee?: string;
  acknowledged?: boolean;
  notified?: boolean;
  since?: string;
  until?: string;
  search?: string;
};

function isState(word: string): word is Schema<"AlertState"> {
  return word === "firing" || word === "resolved" || word === "expired";
}

function number(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function yesNo(text: string): boolean | undefined {
  return text === "yes" ? true : text === "no" ? false : undefined;
}

function moment(text: string): string | undefined {
  const at = new Date(text);
  return text !== "" && Number.isFinite(at.getTime()) ? at.toISOString() : undefined;
}

/** What the controller is asked for filters. Whole minutes, so that it is the same question for a while. */
export function historyQuery(state: HistoryState, now: number): Query {
  const seconds = RANGES[state.range];
  const minute = Math.floor(now / 60_000) * 60_000;
  const isCustom = state.range === "custom";
  return {
    state: isState(state.state) ? state.state : undefined,
    severity: state.severity || undefined,
    alertname: state.alertname || undefined,
    server_id: number(state.server),
    group_id: number(state.group),
    assignee: state.assignee || undefined,
    acknowledged: yesNo(state.acknowledged),
    notified: yesNo(state.notified),
    since: isCustom ? moment(state.from) : seconds === undefined ? undefined : new Date(minute - seconds * 1000).toISOString(),
    until: isCustom ? moment(state.to) : undefined,
    search: state.search.trim() || undefined,
  };
}

/** Where the same as a file is. */
export function exportPath(query: Query, format: "csv" | "json"): string {
  const params = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) {
      params.set(name, String(value));
    }
  }
  return `/api/v1/alerts/export?${params}`;
}

/** Changes of alerts. Everything about alerts is asked anew afterwards. */
export function useAlertActions() {
  const queries = useQueryClient();
  const onSettled = () => queries.invalidateQueries({ queryKey: ["alerts"] });
  const acknowledge = useMutation({
    mutationFn: async ({ ids, comment }: { ids: number[]; comment: string }) => {
      for (const id of ids) {
        // One after the other: hundreds at once would be in everybody's way.
        // oxlint-disable-next-line no-await-in-loop
        await take(api.POST("/api/v1/alerts/{id}/acknowledge", { params: { path: { id } }, body: { comment } }));
      }
    },
    onSettled,
    onError: tell,
  });
  const takeBack = useMutation({
    mutationFn: (id: number) => take(api.DELETE("/api/v1/alerts/{id}/acknowledge", { params: { path: { id } } })),
    onSettled,
    onError: tell,
  });
  const assign = useMutation({
    mutationFn: ({ id, assignee }: { id: number; assignee: string | null }) =>
      take(api.PUT("/api/v1/alerts/{id}/assignee", { params: { path: { id } }, body: { assignee } })),
    onSettled,
  });
  const comment = useMutation({
    mutationFn: ({ id, text }: { id: number; text: string }) =>
      take(api.POST("/api/v1/alerts/{id}/comments", { params: { path: { id } }, body: { text } })),
    onSettled,
  });
  return { acknowledge, takeBack, assign, comment };
}
