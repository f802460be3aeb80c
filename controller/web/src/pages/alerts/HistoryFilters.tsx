/** Filters of the history and of the figures. They live in the address bar. */
import { Badge, Button, CloseButton, Group, Select, Stack, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "@/api/client";
import { HISTORY_DEFAULTS, type HistoryState, RANGES } from "./data";

const DEBOUNCE_MS = 250;
const STATES = ["firing", "resolved", "expired"];
const SEVERITIES = ["critical", "warning", "info"];

interface Props {
  state: HistoryState;
  onChange(change: Partial<HistoryState>): void;
  children?: ReactNode;
}

export function HistoryFilters({ state, onChange, children }: Props) {
  const { t } = useTranslation("alerts");
  const shell = useTranslation("shell").t;
  const { data: groups } = useQuery({
    queryKey: ["groups", "names"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/groups", { params: { query: { limit: 1000 } }, signal })),
  });
  const choice = (name: keyof HistoryState, values: string[], word: (value: string) => string) => (
    <Select
      label={t(`filters.${name}`)}
      w={150}
      placeholder={t("filters.any")}
      clearable
      clearButtonProps={{ "aria-label": t("filters.clear", { name: t(`filters.${name}`) }) }}
      value={state[name] || null}
      data={values.map((value) => ({ value, label: word(value) }))}
      onChange={(value) => onChange({ [name]: value ?? "" })}
    />
  );
  const isFiltered = Object.entries(HISTORY_DEFAULTS).some(
    ([name, value]) => name !== "sort" && name !== "order" && state[name as keyof HistoryState] !== value,
  );
  return (
    <Stack gap="xs">
      <Group gap="sm" align="flex-end">
        <SearchField key={state.search === "" ? "empty" : "some"} value={state.search} onChange={(search) => onChange({ search })} />
        <Select
          label={t("filters.range")}
          w={150}
          allowDeselect={false}
          value={state.range}
          data={[...Object.keys(RANGES), "all", "custom"].map((value) => ({ value, label: t(`ranges.${value}`) }))}
          onChange={(value) => onChange({ range: value ?? HISTORY_DEFAULTS.range })}
        />
        {state.range === "custom" &&
          (["from", "to"] as const).map((end) => (
            <TextInput
              key={end}
              type="datetime-local"
              label={t(`filters.${end}`)}
              value={state[end]}
              onChange={(event) => onChange({ [end]: event.currentTarget.value })}
            />
          ))}
        {choice("state", STATES, (value) => t(`alertStates.${value}`))}
        {choice("severity", SEVERITIES, (value) => shell(`severities.${value}`))}
        {choice("acknowledged", ["yes", "no"], (value) => t(`yesNo.${value}`))}
        {choice("notified", ["yes", "no"], (value) => t(`yesNo.${value}`))}
        {(groups?.total ?? 0) > 0 && (
          <Select
            label={t("filters.group")}
            w={170}
            placeholder={t("filters.any")}
            clearable
            clearButtonProps={{ "aria-label": t("filters.clear", { name: t("filters.group") }) }}
            searchable
            value={state.group || null}
            data={(groups?.items ?? []).map(({ id, name }) => ({ value: String(id), label: name }))}
            onChange={(value) => onChange({ group: value ?? "" })}
          />
        )}
        {isFiltered && (
          <Button variant="subtle" onClick={() => onChange(HISTORY_DEFAULTS)}>
            {shell("table.clear")}
          </Button>
        )}
        {children}
      </Group>
      <Group gap={6}>
        {(["alertname", "server", "assignee"] as const).map((name) =>
          state[name] === "" ? null : (
            <Badge
              key={name}
              variant="outline"
              tt="none"
              size="lg"
              rightSection={
                <CloseButton size={24} iconSize={14} onClick={() => onChange({ [name]: "" })} aria-label={t("filters.clear", { name: t(`filters.${name}`) })} />
              }
            >
              {t("filters.is", { name: t(`filters.${name}`), value: state[name] })}
            </Badge>
          ),
        )}
      </Group>
    </Stack>
  );
}

function SearchField({ value, onChange }: { value: string; onChange(value: string): void }) {
  const { t } = useTranslation("alerts");
  const [text, setText] = useState(value);
  const later = useDebouncedCallback(onChange, DEBOUNCE_MS);
  return (
    <TextInput
      label={t("filters.search")}
      placeholder={t("filters.searchHint")}
      w={230}
      value={text}
      leftSection={<IconSearch size={15} aria-hidden />}
      onChange={(event) => {
        setText(event.currentTarget.value);
        later(event.currentTarget.value);
      }}
      autoComplete="off"
    />
  );
}
