/** Servers as they are stored: add, change, many at once, files. */
import { Alert, Anchor, Badge, Button, Group, Menu, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconDownload, IconPencil, IconPlugConnected, IconPlus, IconSearch, IconTrash } from "@tabler/icons-react";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useChange } from "@/api/change";
import { choicesOf, nameOf, useCredentials, useExporters, useGroups } from "@/api/choices";
import { api, take } from "@/api/client";
import { useMay } from "@/api/session";
import { tell, tellDone } from "@/app/tell";
import { useConfirm } from "@/components/confirm";
import { type Column, DataTable } from "@/components/DataTable";
import { PageTitle } from "@/components/PageTitle";
import { RowActions } from "@/components/RowActions";
import { useRows } from "@/components/rows";
import { Empty } from "@/components/states";
import { useUrlState } from "@/components/url";
import { useFormat } from "@/i18n/format";
import type { Target } from "./BulkDialog";
import { changeMany } from "./bulk";
import { exportUrl, FILTER, filterOf, isFiltered, orderOf } from "./filter";
import { InventoryTabs } from "./InventoryTabs";
import type { Server } from "./server";

const ServerDialog = lazy(() => import("./ServerDialog"));
const BulkDialog = lazy(() => import("./BulkDialog"));
const ConnectionTest = lazy(() => import("./ConnectionTest"));

/** Typing is waited for. */
const TYPING_MS = 250;
/** Deleting so many has to be typed. */
const MANY = 10;

export default function InventoryPage() {
  const { t } = useTranslation("inventory");
  const { t: shell } = useTranslation("shell");
  const format = useFormat();
  const confirm = useConfirm();
  const may = useMay("operator");
  const [filter, setFilter] = useUrlState(FILTER);
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const [edited, setEdited] = useState<Server | "new">();
  const [tested, setTested] = useState<Server>();
  const [bulk, setBulk] = useState<Target>();
  const groups = useGroups();
  const credentials = useCredentials();
  const exporters = useExporters();
  const query = useMemo(() => ({ ...filterOf(filter), ...orderOf(filter) }), [filter]);
  const rows = useRows(["servers", "list", query], ({ offset, limit, signal }) =>
    take(api.GET("/api/v1/servers", { params: { query: { ...query, offset, limit } }, signal })),
  );
  const search = useDebouncedCallback((text: string) => setFilter({ search: text }), TYPING_MS);
  const remove = useChange(["servers", "groups"], (id: number) => take(api.DELETE("/api/v1/servers/{id}", { params: { path: { id } } })));
  const removeMany = useChange(["servers", "groups"], changeMany);
  const total = rows.total ?? 0;
  const isAll = total > chosen.size && chosen.size > 0;

  const askRemove = async (server: Server) => {
    const isSure = await confirm({
      title: t("remove.title", { name: server.name }),
      text: t("remove.text", { name: server.name, address: server.address }),
      action: shell("delete"),
      isDangerous: true,
    });
    if (isSure) {
      await remove.mutateAsync(server.id).then(() => void tellDone(t("remove.done", { name: server.name })), tell);
    }
  };
  const askRemoveMany = async ({ count, ...which }: Target) => {
    const isSure = await confirm({
      title: t("remove.many", { count, formatted: format.number(count) }),
      text: t("remove.manyText"),
      action: shell("delete"),
      isDangerous: true,
      typed: count >= MANY ? String(count) : undefined,
    });
    if (isSure) {
      try {
        const { changed } = await removeMany.mutateAsync({ ...which, expected_count: count, delete: true });
        setChosen(new Set());
        void tellDone(t("remove.manyDone", { count: changed, formatted: format.number(changed) }));
      } catch (error) {
        void tell(error);
      }
    }
  };

  const columns = useMemo<Column<Server>[]>(() => {
    const shown: Column<Server>[] = [
      {
        id: "name",
        header: t("name"),
        sort: "name",
        width: "minmax(190px, 1fr)",
        cell: (server) => (
          <Anchor component={Link} to={`/servers/${server.id}`} size="sm">
            {server.name}
          </Anchor>
        ),
      },
      {
        id: "address",
        header: t("address"),
        sort: "address",
        width: "160px",
        cell: ({ address, port }) => <span className="number">{`${address}:${port}`}</span>,
      },
      { id: "group", header: t("group"), width: "90px", cell: ({ group_id }) => nameOf(groups, group_id) },
      ...(may ? [{ id: "credential", header: t("credential"), width: "95px", cell: ({ credential_id }: Server) => (credential_id === null || credential_id === undefined ? <Badge color="yellow" variant="light" tt="none">{t("missing")}</Badge> : nameOf(credentials, credential_id)) }] : []),
      { id: "exporter", header: t("exporter"), width: "95px", cell: ({ exporter_id }) => (exporter_id === null || exporter_id === undefined ? t("form.automatic") : nameOf(exporters, exporter_id)) },
      { id: "site", header: t("siteRack"), sort: "site", width: "120px", cell: ({ site, rack }) => [site, rack].filter(Boolean).join(" / ") || "–" },
      { id: "monitoring", header: t("monitoring"), width: "100px", cell: ({ monitoring_enabled }) => <Badge variant={monitoring_enabled ? "light" : "default"} tt="none">{monitoring_enabled ? t("on") : t("off")}</Badge> },
    ];
    if (may) {
      shown.push({
        id: "actions",
        header: t("actions"),
        width: "106px",
        align: "right",
        cell: (server) => (
          <RowActions
            of={server.name}
            actions={[
              { label: t("test.action"), icon: IconPlugConnected, run: () => setTested(server) },
              { label: shell("edit"), icon: IconPencil, run: () => setEdited(server) },
              { label: shell("delete"), icon: IconTrash, run: () => void askRemove(server), isDangerous: true },
            ]}
          />
        ),
      });
    }
    return shown;
    // oxlint-disable-next-line react/exhaustive-deps -- what it asks with is stable
  }, [t, shell, may, groups, credentials, exporters]);

  const byIds: Target = { ids: [...chosen], count: chosen.size };
  const byFilter: Target = { filter: filterOf(filter), expected_count: total, count: total };
  return (
    <>
      <PageTitle title={t("title")} state={rows.total === undefined ? undefined : t("state", { count: total, formatted: format.number(total) })}>
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
        {may && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEdited("new")}>
            {t("form.add")}
          </Button>
        )}
      </PageTitle>
      <InventoryTabs />
      <Group mb="sm" gap="xs" role="search" aria-label={t("filters")}>
        <TextInput
          key={filter.search === "" ? "empty" : "search"}
          defaultValue={filter.search}
          onChange={(event) => search(event.currentTarget.value)}
          placeholder={t("searchHint")}
          aria-label={t("searchHint")}
          leftSection={<IconSearch size={15} aria-hidden />}
          w={260}
        />
        <FilterSelect label={t("group")} data={choicesOf(groups)} value={filter.group} onChange={(group) => setFilter({ group })} />
        {may && <FilterSelect label={t("credential")} data={choicesOf(credentials)} value={filter.credential} onChange={(credential) => setFilter({ credential })} />}
        <FilterSelect label={t("exporter")} data={choicesOf(exporters)} value={filter.exporter} onChange={(exporter) => setFilter({ exporter })} />
        <FilterSelect
          label={t("monitoring")}
          data={[
            { value: "on", label: t("on") },
            { value: "off", label: t("off") },
          ]}
          value={filter.monitoring}
          onChange={(monitoring) => setFilter({ monitoring })}
        />
        {isFiltered(filter) && (
          <Button variant="subtle" onClick={() => setFilter({ search: "", group: "", credential: "", exporter: "", site: "", monitoring: "" })}>
            {shell("table.clear")}
          </Button>
        )}
      </Group>
      {may && chosen.size > 0 && (
        <Alert color="brand" variant="light" mb="sm" p="xs" role="region" aria-label={t("bulk.region")}>
          <Group gap="xs">
            <Button size="xs" variant="default" onClick={() => setBulk(byIds)}>
              {t("bulk.change", { count: chosen.size, formatted: format.number(chosen.size) })}
            </Button>
            <Button size="xs" variant="default" color="red" onClick={() => void askRemoveMany(byIds)}>
              {t("bulk.remove", { count: chosen.size, formatted: format.number(chosen.size) })}
            </Button>
            {isAll && (
              <>
                <Button size="xs" variant="subtle" onClick={() => setBulk(byFilter)}>
                  {t("bulk.changeAll", { count: total, formatted: format.number(total) })}
                </Button>
                <Button size="xs" variant="subtle" color="red" onClick={() => void askRemoveMany(byFilter)}>
                  {t("bulk.removeAll", { count: total, formatted: format.number(total) })}
                </Button>
              </>
            )}
            <Button size="xs" variant="subtle" ml="auto" onClick={() => setChosen(new Set())}>
              {t("bulk.forget")}
            </Button>
          </Group>
        </Alert>
      )}
      <DataTable
        label={t("title")}
        columns={columns}
        rows={rows}
        rowId={(server) => server.id}
        rowName={(server) => server.name}
        onOpen={may ? (server: Server) => setEdited(server) : undefined}
        sorting={{
          by: orderOf(filter).sort,
          isDescending: filter.order === "desc",
          onChange: (sort, isDescending) => setFilter({ sort, order: isDescending ? "desc" : "" }),
        }}
        selection={may ? { ids: chosen, onChange: setChosen } : undefined}
        height="calc(100vh - 330px)"
        empty={
          isFiltered(filter) ? (
            <Empty title={shell("table.noMatch")} />
          ) : (
            <Empty title={t("empty.title")} text={t("empty.text")}>
              {may && (
                <Group mt="sm">
                  <Button onClick={() => setEdited("new")}>{t("form.add")}</Button>
                  <Button component={Link} to="/inventory/import" variant="default">
                    {t("tabs.import")}
                  </Button>
                  <Button component={Link} to="/inventory/discovery" variant="default">
                    {t("tabs.discovery")}
                  </Button>
                </Group>
              )}
            </Empty>
          )
        }
      />
      <Suspense>
        {edited && <ServerDialog server={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} onTest={setTested} />}
        {tested && <ConnectionTest server={tested} onClose={() => setTested(undefined)} />}
        {bulk && (
          <BulkDialog
            target={bulk}
            onClose={(isDone) => {
              setBulk(undefined);
              if (isDone) {
                setChosen(new Set());
              }
            }}
          />
        )}
      </Suspense>
    </>
  );
}

function FilterSelect({ label, data, value, onChange }: { label: string; data: { value: string; label: string }[]; value: string; onChange(value: string): void }) {
  const { t } = useTranslation("inventory");
  return (
    <Select
      placeholder={label}
      aria-label={label}
      data={data}
      value={value || null}
      onChange={(next) => onChange(next ?? "")}
      searchable
      clearable
      clearButtonProps={{ "aria-label": t("clear") }}
      w={160}
    />
  );
}
