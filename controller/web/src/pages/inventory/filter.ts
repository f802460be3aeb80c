/** The filter of the list of servers: in the address bar, and as the interface takes it. */
export const FILTER = {
  search: "",
  group: "",
  credential: "",
  exporter: "",
  site: "",
  monitoring: "",
  sort: "name",
  order: "",
};

export type Filter = Record<keyof typeof FILTER, string>;

const SORTS = ["id", "name", "address", "manufacturer", "site", "updated_at"] as const;

export interface ServerFilter {
  search?: string;
  group_id?: number;
  credential_id?: number;
  exporter_id?: number;
  site?: string;
  monitoring_enabled?: boolean;
}

const number = (text: string) => (/^\d+$/.test(text) ? Number(text) : undefined);

/** What is absent does not filter. */
export function filterOf(filter: Filter): ServerFilter {
  return {
    search: filter.search || undefined,
    group_id: number(filter.group),
    credential_id: number(filter.credential),
    exporter_id: number(filter.exporter),
    site: filter.site || undefined,
    monitoring_enabled: filter.monitoring === "" ? undefined : filter.monitoring === "on",
  };
}

/** The order; by name when the address bar says something else. */
export function orderOf(filter: Filter): { sort: (typeof SORTS)[number]; descending: boolean } {
  return {
    sort: SORTS.find((sort) => sort === filter.sort) ?? "name",
    descending: filter.order === "desc",
  };
}

/** Whether anything filters. */
export function isFiltered(filter: Filter): boolean {
  return Object.values(filterOf(filter)).some((value) => value !== undefined);
}

/** Where the list is to be had as a file. */
export function exportUrl(filter: Filter, format: "csv" | "json"): string {
  const params = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(filterOf(filter))) {
    if (value !== undefined) {
      params.set(name, String(value));
    }
  }
  return `/api/v1/servers/export?${params.toString()}`;
}
