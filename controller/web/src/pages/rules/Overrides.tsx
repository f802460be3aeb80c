/** Thresholds that hold instead of the machines' own. */
import { ActionIcon, Button, Group, Select, Stack, Text } from "@mantine/core";
import { IconPencil, IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "@/api/client";
import { tell } from "@/app/tell";
import { useConfirm } from "@/components/confirm";
import { type Column, DataTable } from "@/components/DataTable";
import { Moment } from "@/components/Moment";
import { useRows } from "@/components/rows";
import { ServerSelect } from "@/components/ServerSelect";
import { SeverityBadge } from "@/components/StateBadge";
import { Empty } from "@/components/states";
import { useUrlState } from "@/components/url";
import { useFormat } from "@/i18n/format";
import { OverrideDialog } from "./OverrideDialog";
import { useMayChangeRules } from "./RulesPage";
import { KINDS, type Kind, type Override, UNITS } from "./thresholds";

const DEFAULTS = { kind: "", server: "" };

export function Overrides() {
  const { t } = useTranslation("rules");
  const shell = useTranslation("shell").t;
  const format = useFormat();
  const mayChange = useMayChangeRules();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const [{ kind, server }, setUrl] = useUrlState(DEFAULTS);
  const [edited, setEdited] = useState<Override | "new" | null>(null);
  const query = useMemo(
    () => ({
      kind: KINDS.find((one) => one === kind),
      server_id: server === "" ? undefined : Number(server),
    }),
    [kind, server],
  );
  const rows = useRows<Override>(["thresholds", "list", query], ({ offset, limit, signal }) =>
    take(api.GET("/api/v1/thresholds", { params: { query: { ...query, offset, limit } }, signal })),
  );
  const { data: groups } = useQuery({
    queryKey: ["groups", "names"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/groups", { params: { query: { limit: 1000 } }, signal })),
  });
  const remove = useMutation({
    mutationFn: ({ id, version }: Override) =>
      take(api.DELETE("/api/v1/thresholds/{id}", { params: { path: { id } }, headers: { "If-Match": `"v${version}"` } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["thresholds"] }),
    onError: tell,
  });
  const columns = useMemo<Column<Override>[]>(() => {
    const groupName = (id: number) => groups?.items.find((group) => group.id === id)?.name ?? `#${id}`;
    return [
      { id: "kind", header: t("overrides.kind"), width: "140px", cell: (row) => t(`kinds.${row.kind}`) },
      { id: "level", header: t("columns.severity"), width: "120px", cell: (row) => <SeverityBadge severity={row.level} size="small" /> },
      {
        id: "value",
        header: t("overrides.value"),
        width: "150px",
        align: "right",
        cell: (row) =>
          row.value === null || row.value === undefined
            ? t("overrides.none")
            : t(`overrides.at.${row.bound}`, { value: `${format.reading(row.value)} ${UNITS[row.kind]}`.trim() }),
      },
      {
        id: "where",
        header: t("overrides.where"),
        width: "minmax(220px, 2fr)",
        cell: (row) => {
          const parts = [
            row.server_id ? <ServerName key="server" id={row.server_id} /> : null,
            row.group_id ? t("overrides.ofGroup", { name: groupName(row.group_id) }) : null,
            row.model ? t("overrides.ofModel", { name: row.model }) : null,
            row.site ? t("overrides.atSite", { name: row.site }) : null,
          ].filter((part) => part !== null);
          return parts.length === 0 ? t("overrides.everywhere") : <Group gap="sm">{parts}</Group>;
        },
      },
      {
        id: "sensor",
        header: t("overrides.sensor"),
        width: "minmax(140px, 1fr)",
        cell: (row) => (row.sensor === "" ? t("overrides.anySensor") : row.sensor_is_regex ? `~ ${row.sensor}` : row.sensor),
      },
      { id: "description", header: t("fields.description"), width: "minmax(140px, 1.4fr)", cell: (row) => <span title={row.description}>{row.description}</span> },
      { id: "updated", header: t("overrides.updated"), width: "150px", cell: (row) => <Moment at={row.updated_at} form="short" /> },
      ...(mayChange
        ? [
            {
              id: "actions",
              header: t("overrides.actions"),
              width: "90px",
              cell: (row: Override) => (
                <Group gap={4} wrap="nowrap">
                  <ActionIcon variant="subtle" color="gray" onClick={() => setEdited(row)} aria-label={t("overrides.edit", { id: row.id })}>
                    <IconPencil size={16} />
                  </ActionIcon>
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    aria-label={t("overrides.remove", { id: row.id })}
                    onClick={async () => {
                      const question = {
                        title: t("overrides.removeTitle", { kind: t(`kinds.${row.kind}`) }),
                        text: t("overrides.removeText"),
                        action: shell("delete"),
                        isDangerous: true,
                      };
                      if (await confirm(question)) {
                        remove.mutate(row);
                      }
                    }}
                  >
                    <IconTrash size={16} />
                  </ActionIcon>
                </Group>
              ),
            },
          ]
        : []),
    ];
  }, [t, shell, format, groups, mayChange, confirm, remove]);
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed" maw={800}>
        {t("overrides.text")}
      </Text>
      <Group gap="sm" align="flex-end">
        <Select
          label={t("overrides.kind")}
          placeholder={t("filters.any")}
          clearable
          clearButtonProps={{ "aria-label": t("filters.clear", { name: t("overrides.kind") }) }}
          w={180}
          value={kind || null}
          data={KINDS.map((one: Kind) => ({ value: one, label: t(`kinds.${one}`) }))}
          onChange={(value) => setUrl({ kind: value ?? "" })}
        />
        <ServerSelect
          label={t("overrides.server")}
          placeholder={t("filters.any")}
          value={server}
          onChange={(value) => setUrl({ server: value })}
          clearLabel={t("filters.clear", { name: t("overrides.server") })}
          width={240}
        />
        {mayChange && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEdited("new")}>
            {t("overrides.new")}
          </Button>
        )}
      </Group>
      <DataTable
        label={t("views.overrides")}
        columns={columns}
        rows={rows}
        rowId={(row) => row.id}
        rowName={(row) => `${t(`kinds.${row.kind}`)} ${row.sensor}`}
        onOpen={mayChange ? (row) => setEdited(row) : undefined}
        empty={<Empty title={t("overrides.empty")} text={t("overrides.emptyText")} />}
        height="calc(100vh - 340px)"
      />
      {edited && <OverrideDialog override={edited === "new" ? undefined : edited} groups={groups?.items ?? []} onClose={() => setEdited(null)} />}
    </Stack>
  );
}

export function ServerName({ id }: { id: number }) {
  const { data } = useQuery({
    queryKey: ["servers", "one", String(id)],
    queryFn: ({ signal }) => take(api.GET("/api/v1/servers/{id}", { params: { path: { id } }, signal })),
  });
  return <span>{data?.name ?? `#${id}`}</span>;
}
