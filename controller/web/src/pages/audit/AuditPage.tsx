/** The audit trail: who changed what, whether it is whole, and as a file. */
import { Alert, Badge, Button, Code, Drawer, Group, Menu, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconDownload, IconSearch, IconShieldCheck, IconShieldX } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schema, take } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { Moment } from "@/components/Moment";
import { PageTitle } from "@/components/PageTitle";
import { useRows } from "@/components/rows";
import { Empty, Failed } from "@/components/states";
import { useUrlState } from "@/components/url";
import { useFormat } from "@/i18n/format";
import { AdministrationTabs } from "../administration/AdministrationTabs";
import { differences, exportUrl, FILTER, type Filter, filterOf, RANGES } from "./filter";

type Entry = Schema<"AuditEntry">;

const TYPING_MS = 250;

export default function AuditPage() {
  const { t } = useTranslation("audit");
  const { t: shell } = useTranslation("shell");
  const format = useFormat();
  const [filter, setFilter] = useUrlState(FILTER);
  const [opened, setOpened] = useState<Entry>();
  const query = useMemo(() => filterOf(filter), [filter]);
  const rows = useRows(["audit", query], ({ offset, limit, signal }) =>
    take(api.GET("/api/v1/audit", { params: { query: { ...query, offset, limit } }, signal })),
  );
  const verify = useMutation({ mutationFn: () => take(api.POST("/api/v1/audit/verify")) });
  const isFiltered = Object.values(filter).some((value) => value !== "");
  const columns = useMemo<Column<Entry>[]>(
    () => [
      { id: "number", header: t("number"), width: "80px", align: "right", cell: ({ sequence }) => <span className="number">{sequence}</span> },
      { id: "at", header: t("at"), width: "220px", cell: ({ at }) => <Moment at={at} /> },
      { id: "actor", header: t("actor"), width: "minmax(120px, 1fr)", cell: ({ actor }) => actor },
      { id: "action", header: t("action"), width: "minmax(150px, 1fr)", cell: ({ action }) => <Code>{action}</Code> },
      { id: "resource", header: t("resource"), width: "minmax(140px, 1fr)", cell: ({ resource }) => resource },
      { id: "source", header: t("source"), width: "140px", cell: ({ source }) => source ?? "–" },
    ],
    [t],
  );
  return (
    <>
      <PageTitle title={t("title")} state={t("hint")}>
        <Button variant="default" leftSection={<IconShieldCheck size={16} aria-hidden />} loading={verify.isPending} onClick={() => verify.mutate()}>
          {t("verify")}
        </Button>
        <Menu>
          <Menu.Target>
            <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />}>
              {t("export")}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item component="a" href={exportUrl(filter, "csv")} download>
              CSV
            </Menu.Item>
            <Menu.Item component="a" href={exportUrl(filter, "json")} download>
              JSON
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </PageTitle>
      <AdministrationTabs />
      {verify.error && <Failed error={verify.error} />}
      {verify.data && <Verified result={verify.data} />}
      <Group mb="sm" gap="xs" role="search" aria-label={t("filters")}>
        <Field name="search" filter={filter} onChange={setFilter} wide />
        <Field name="actor" filter={filter} onChange={setFilter} />
        <Field name="action" filter={filter} onChange={setFilter} />
        <Field name="resource" filter={filter} onChange={setFilter} />
        <Select
          aria-label={t("range")}
          allowDeselect={false}
          data={["", ...Object.keys(RANGES)].map((value) => ({ value, label: value === "" ? t("always") : t("last", { range: shell(`range.${value}`) }) }))}
          value={filter.range}
          onChange={(range) => setFilter({ range: range ?? "" })}
          w={150}
        />
        {isFiltered && (
          <Button variant="subtle" onClick={() => setFilter(FILTER)}>
            {shell("table.clear")}
          </Button>
        )}
      </Group>
      <DataTable
        label={t("title")}
        columns={columns}
        rows={rows}
        rowId={({ sequence }) => sequence}
        rowName={({ action, resource, actor }) => `${action} ${resource} ${actor}`}
        onOpen={(entry: Entry) => setOpened(entry)}
        height="calc(100vh - 310px)"
        empty={<Empty title={isFiltered ? shell("table.noMatch") : shell("table.empty")} />}
      />
      <Drawer opened={opened !== undefined} onClose={() => setOpened(undefined)} position="right" size="lg" title={opened && t("entry", { number: format.number(opened.sequence) })} closeButtonProps={{ "aria-label": shell("close") }}>
        {opened && <Details entry={opened} />}
      </Drawer>
    </>
  );
}

function Field({ name, filter, onChange, wide }: { name: "search" | "actor" | "action" | "resource"; filter: Filter; onChange(change: Partial<Filter>): void; wide?: boolean }) {
  const { t } = useTranslation("audit");
  const change = useDebouncedCallback((text: string) => onChange({ [name]: text.trim() }), TYPING_MS);
  const label = name === "search" ? t("search") : t(name);
  return (
    <TextInput
      key={filter[name] === "" ? "empty" : "filled"}
      defaultValue={filter[name]}
      onChange={(event) => change(event.currentTarget.value)}
      placeholder={label}
      aria-label={label}
      leftSection={wide ? <IconSearch size={15} aria-hidden /> : undefined}
      w={wide ? 220 : 140}
    />
  );
}

function Verified({ result }: { result: Schema<"Verification"> }) {
  const { t } = useTranslation("audit");
  const format = useFormat();
  const Icon = result.intact ? IconShieldCheck : IconShieldX;
  return (
    <Alert mb="sm" role="status" color={result.intact ? "brand" : "red"} icon={<Icon aria-hidden />} title={result.intact ? t("intact") : t("broken", { number: result.broken_at })}>
      {t("entries", { count: result.entries, formatted: format.number(result.entries) })}
      {result.what && (
        <Text size="sm" lang="en">
          {result.what}
        </Text>
      )}
    </Alert>
  );
}

function Details({ entry }: { entry: Entry }) {
  const { t } = useTranslation("audit");
  const changes = differences(entry.before, entry.after);
  return (
    <Stack>
      <Group gap="xs">
        <Badge tt="none" variant="light">
          {entry.action}
        </Badge>
        <Text size="sm">{entry.resource}</Text>
      </Group>
      <Text size="sm" component="div">
        {entry.actor} · {entry.source ?? "–"} · <Moment at={entry.at} />
      </Text>
      {changes.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t("nothing")}
        </Text>
      ) : (
        <Table withTableBorder>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("field")}</Table.Th>
              <Table.Th>{t("before")}</Table.Th>
              <Table.Th>{t("after")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {changes.map(({ field, before, after }) => (
              <Table.Tr key={field}>
                <Table.Td>{field}</Table.Td>
                <Table.Td style={{ overflowWrap: "anywhere" }}>{before || "–"}</Table.Td>
                <Table.Td style={{ overflowWrap: "anywhere" }}>{after || "–"}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <Text size="xs" c="dimmed" ff="monospace" style={{ overflowWrap: "anywhere" }}>
        SHA-256 {entry.hash}
      </Text>
    </Stack>
  );
}
