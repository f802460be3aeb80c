/** Asks for everything that the chains are made of. There is no one question for it. */
import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, take } from "@/api/client";
import { useUser } from "@/api/session";
import { useNow } from "@/components/now";
import { byServer, type Chain, chainOf, type Exporter, type Known, type Server } from "./chain";

/** Most servers that are loaded. */
export const MAX_SERVERS = 20_000;
const BATCH = 1000;
const REFETCH_MS = 60_000;

/** When each server last answered: now, and otherwise within the last hours. */
const ANSWERED = 'max by (server_id) (timestamp(ipmi_up{collector="ipmi",server_id!=""} == 1))';
const ANSWERED_BEFORE = `max by (server_id) (max_over_time((timestamp(ipmi_up{collector="ipmi",server_id!=""} == 1))[6h:5m]))`;

async function fetchServers(signal: AbortSignal): Promise<{ servers: Server[]; total: number }> {
  const servers: Server[] = [];
  let total = 0;
  do {
    // Where the next page begins is known when this one is there.
    // oxlint-disable-next-line no-await-in-loop
    const page = await take(
      api.GET("/api/v1/servers", { params: { query: { offset: servers.length, limit: BATCH, sort: "id" } }, signal }),
    );
    servers.push(...page.items);
    total = page.total;
    if (page.items.length < BATCH) {
      break;
    }
  } while (servers.length < Math.min(total, MAX_SERVERS));
  return { servers, total };
}

async function fetchAnswered(signal: AbortSignal): Promise<Map<number, number>> {
  const ask = (query: string) => take(api.GET("/api/v1/monitoring/prometheus/query", { params: { query: { query } }, signal }));
  const [before, now] = await Promise.all([ask(ANSWERED_BEFORE), ask(ANSWERED)]);
  return new Map([...byServer(before), ...byServer(now)]);
}

export function useChains() {
  const user = useUser();
  const now = useNow();
  const seesAll = user.group_ids === null || user.group_ids === undefined;
  const servers = useQuery({ queryKey: ["servers", "coverage"], queryFn: ({ signal }) => fetchServers(signal) });
  const answered = useQuery({
    queryKey: ["monitoring", "answered"],
    queryFn: ({ signal }) => fetchAnswered(signal),
    refetchInterval: REFETCH_MS,
  });
  const health = useQuery({
    queryKey: ["monitoring", "health"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/monitoring/health", { signal })),
    refetchInterval: REFETCH_MS,
  });
  const exporters = useQuery({
    queryKey: ["exporters", "all"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/exporters", { params: { query: { limit: BATCH } }, signal })),
  });
  const details = useQueries({
    queries: (exporters.data?.items ?? [])
      .filter(({ enabled }) => enabled)
      .map(({ id }) => ({
        queryKey: ["exporters", "one", id],
        queryFn: ({ signal }: { signal: AbortSignal }) =>
          take(api.GET("/api/v1/exporters/{id}", { params: { path: { id } }, signal })),
        refetchInterval: REFETCH_MS,
      })),
  });
  const rules = useQuery({
    queryKey: ["rules", "list", { enabled: true }],
    queryFn: ({ signal }) => take(api.GET("/api/v1/rules", { params: { query: { enabled: true, limit: BATCH } }, signal })),
  });
  const sync = useQuery({
    queryKey: ["sync", "status"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/sync", { signal })),
  });
  const plan = useQuery({
    queryKey: ["sync", "blind spots"],
    queryFn: ({ signal }) =>
      take(api.POST("/api/v1/sync/plan", { params: { query: { artefact: "prometheus_targets" } }, signal })),
    // It names servers of all groups.
    enabled: seesAll,
  });
  const byId = new Map(details.map(({ data }) => [data?.id, data?.channel] as const));
  const known: Known = {
    blindSpots: plan.data && new Map(plan.data.artefacts.flatMap(({ blind_spots: spots }) => spots.map((spot) => [spot.server_id, spot.reason] as const))),
    exporters: exporters.data?.items.map(({ id, enabled }): Exporter => {
      const channel = byId.get(id);
      return { id, enabled, isConnected: channel?.is_connected, error: channel?.error ?? undefined };
    }),
    answered: answered.data,
    rules: rules.data && {
      count: rules.data.items.flatMap((group) => group.rules).filter(({ alert, enabled }) => alert && enabled !== false).length,
      areLive: (sync.data?.artefacts ?? [])
        .filter(({ artefact }) => artefact === "prometheus_rules")
        .every(({ state }) => state === "in_sync"),
    },
    alertmanager: health.data && {
      isConfigured: health.data.components.some(({ name, is_configured: isConfigured }) => name === "alertmanager" && isConfigured),
      isHealthy: health.data.alertmanager,
    },
    now,
  };
  // Made of a dozen answers: their text is what tells whether anything is new.
  const signature = JSON.stringify(known, (_, value: unknown) => (value instanceof Map ? [...value] : value));
  const loaded = servers.data?.servers;
  const chains = useMemo<Chain[] | undefined>(
    () => loaded?.map((server) => chainOf(server, known)),
    // oxlint-disable-next-line react/exhaustive-deps
    [loaded, signature],
  );
  const failed = [answered, health, exporters, rules, sync, plan].find(({ error }) => error !== null);
  return {
    chains,
    total: servers.data?.total ?? 0,
    error: servers.error,
    /** Why some links are not known. */
    partly: failed?.error ?? null,
    retry: () => void Promise.all([servers, answered, health, exporters, rules, sync, plan].map(({ refetch }) => refetch())),
  };
}
