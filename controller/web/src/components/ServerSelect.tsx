/** Chooses a server by part of its name, address or model; the controller searches. */
import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { api, take } from "@/api/client";

const DEBOUNCE_MS = 200;
/** Servers that are offered at once. */
const MAX_OFFERED = 20;

interface Props {
  label: string;
  placeholder?: string;
  /** Number of the server; empty for none. */
  value: string;
  onChange(value: string): void;
  error?: ReactNode;
  clearLabel: string;
  width?: number;
}

export function ServerSelect({ label, placeholder, value, onChange, error, clearLabel, width }: Props) {
  const [search, setSearch] = useState("");
  const [asked] = useDebouncedValue(search.trim(), DEBOUNCE_MS);
  const { data } = useQuery({
    queryKey: ["servers", "select", asked],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/servers", { params: { query: { search: asked || undefined, limit: MAX_OFFERED } }, signal })),
    placeholderData: keepPreviousData,
  });
  const chosen = useQuery({
    queryKey: ["servers", "one", value],
    queryFn: ({ signal }) => take(api.GET("/api/v1/servers/{id}", { params: { path: { id: Number(value) } }, signal })),
    enabled: value !== "",
  });
  const offered = (data?.items ?? []).map(({ id, name }) => ({ value: String(id), label: name }));
  const isOffered = offered.some((one) => one.value === value);
  const own = value !== "" && !isOffered ? [{ value, label: chosen.data?.name ?? `#${value}` }] : [];
  return (
    <Select
      label={label}
      placeholder={placeholder}
      value={value || null}
      onChange={(next) => onChange(next ?? "")}
      data={[...own, ...offered]}
      searchable
      // The controller has searched already, in more than the name.
      filter={({ options }) => options}
      onSearchChange={(text) => setSearch(offered.some((one) => one.label === text) ? "" : text)}
      clearable
      clearButtonProps={{ "aria-label": clearLabel }}
      error={error}
      w={width}
    />
  );
}
