/** Which servers are shown: the same words in the address bar of all pages of the fleet. */
import { useDebouncedCallback } from "@mantine/hooks";
import { useMemo } from "react";
import type { paths } from "@/api/schema";
import { STATES, type State } from "@/components/StateBadge";
import { useUrlState } from "@/components/url";

type Query = NonNullable<paths["/api/v1/fleet/servers"]["get"]["parameters"]["query"]>;
export type ServerState = NonNullable<Query["state"]>;
export type FleetQuery = Pick<Query, "search" | "group_id" | "site" | "rack" | "manufacturer">;

const DEFAULTS = { search: "", state: "", group: "", site: "", rack: "", manufacturer: "" };
/** Time after the last key before the search is asked for. */
const TYPING_MS = 250;

export type FilterValues = typeof DEFAULTS;

/** What the interface takes of it; what is not a number is no group. */
export function toQuery(values: FilterValues): FleetQuery {
  const group = Number(values.group);
  return {
    search: values.search || undefined,
    group_id: Number.isInteger(group) && group > 0 ? group : undefined,
    site: values.site || undefined,
    rack: values.rack || undefined,
    manufacturer: values.manufacturer || undefined,
  };
}

/** The state of the address bar, if it is one. */
export function toState(word: string): ServerState | undefined {
  const state = STATES.find((known: State) => known === word);
  return state === undefined || state === "maintenance" ? undefined : state;
}

export function useFleetFilter() {
  const [values, set] = useUrlState(DEFAULTS);
  const query = useMemo(() => toQuery(values), [values]);
  const setSearch = useDebouncedCallback((search: string) => set({ search }), TYPING_MS);
  const isFiltered = Object.values(values).some((value) => value !== "");
  return {
    values,
    query,
    state: toState(values.state),
    set,
    setSearch,
    isFiltered,
    clear: () => set(DEFAULTS),
  };
}

export type FleetFilter = ReturnType<typeof useFleetFilter>;
