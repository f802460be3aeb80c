/** What forms let one choose from: groups, credential profiles, exporters. */
import { useQuery } from "@tanstack/react-query";
import { api, take } from "./client";
import { useMay } from "./session";

/** Most rows that one answer has; who has more finds the others by number. */
const ALL = 1000;

export interface Choice {
  value: string;
  label: string;
}

interface Named {
  id: number;
  name: string;
}

/** Choices of a list; numbers are texts in forms. */
export function choicesOf(items: readonly Named[] | undefined): Choice[] {
  return (items ?? []).map(({ id, name }) => ({ value: String(id), label: name }));
}

/** The name behind a number; the number itself while it is not known. */
export function nameOf(items: readonly Named[] | undefined, id: number | null | undefined): string {
  if (id === null || id === undefined) {
    return "–";
  }
  return items?.find((item) => item.id === id)?.name ?? `#${id}`;
}

export function useGroups() {
  return useQuery({
    queryKey: ["groups", "all"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/groups", { params: { query: { limit: ALL, sort: "name" } }, signal })),
  }).data?.items;
}

/** For operators; viewers do not see profiles. */
export function useCredentials() {
  const may = useMay("operator");
  return useQuery({
    queryKey: ["credentials", "all"],
    enabled: may,
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/credentials", { params: { query: { limit: ALL, sort: "name" } }, signal })),
  }).data?.items;
}

export function useExporters() {
  return useQuery({
    queryKey: ["exporters", "all"],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/exporters", { params: { query: { limit: ALL, sort: "name" } }, signal })),
  }).data?.items;
}

/** The number that a field of a form has, none when it is empty. */
export function idOf(value: string | null): number | null {
  return value === null || value === "" ? null : Number(value);
}
