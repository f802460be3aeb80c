/** Search and choices by which servers are shown. */
import { Button, CloseButton, Group, Select, TextInput } from "@mantine/core";
import { IconFilterOff, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "@/api/client";
import { useShortcuts } from "@/app/shortcuts";
import type { FleetFilter } from "./filter";

/** Groups that the choice offers; more are found by the search. */
const MAX_GROUPS = 1000;

export function FilterBar({ filter, sites }: { filter: FleetFilter; sites: string[] }) {
  const { t } = useTranslation("fleet");
  const { values, set, setSearch, isFiltered, clear } = filter;
  const search = useRef<HTMLInputElement>(null);
  const { data: groups } = useQuery({
    queryKey: ["groups", "choice"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/groups", { params: { query: { limit: MAX_GROUPS } }, signal })),
  });
  // Typing is ahead of the address bar; links and the back button are behind nobody.
  useEffect(() => {
    if (search.current && document.activeElement !== search.current) {
      search.current.value = values.search;
    }
  }, [values.search]);
  const shortcuts = useMemo(
    () => [{ keys: "/", label: t("filter.search"), run: () => search.current?.focus() }],
    [t],
  );
  useShortcuts(shortcuts);
  const places = useMemo(() => [...new Set([...sites, values.site])].filter((site) => site !== ""), [sites, values.site]);
  return (
    <Group gap="xs" role="search">
      <TextInput
        ref={search}
        defaultValue={values.search}
        onChange={(event) => setSearch(event.currentTarget.value)}
        placeholder={t("filter.placeholder")}
        aria-label={t("filter.search")}
        leftSection={<IconSearch size={16} aria-hidden />}
        rightSection={
          values.search !== "" && (
            <CloseButton
              size="sm"
              aria-label={t("filter.clearSearch")}
              onClick={() => {
                set({ search: "" });
                if (search.current) {
                  search.current.value = "";
                }
              }}
            />
          )
        }
        w={{ base: "100%", xs: 260 }}
      />
      {(groups?.items.length ?? 0) > 0 && (
        <Select
          aria-label={t("filter.group")}
          placeholder={t("filter.group")}
          data={groups?.items.map(({ id, name }) => ({ value: String(id), label: name }))}
          value={values.group || null}
          onChange={(group) => set({ group: group ?? "" })}
          searchable
          clearable
          clearButtonProps={{ "aria-label": t("filter.clear") }}
          w={180}
        />
      )}
      {places.length > 0 && (
        <Select
          aria-label={t("filter.site")}
          placeholder={t("filter.site")}
          data={places}
          value={values.site || null}
          onChange={(site) => set({ site: site ?? "" })}
          searchable
          clearable
          clearButtonProps={{ "aria-label": t("filter.clear") }}
          w={180}
        />
      )}
      {isFiltered && (
        <Button
          variant="subtle"
          size="sm"
          leftSection={<IconFilterOff size={16} aria-hidden />}
          onClick={() => {
            clear();
            if (search.current) {
              search.current.value = "";
            }
          }}
        >
          {t("filter.clear")}
        </Button>
      )}
    </Group>
  );
}
