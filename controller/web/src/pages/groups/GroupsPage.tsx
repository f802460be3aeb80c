/** Groups of servers, by which users can be limited and alerts routed. */
import { Anchor, Button, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPencil, IconPlus, IconTrash } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ifMatch, useChange } from "@/api/change";
import { api, type Schema, take } from "@/api/client";
import { useMay } from "@/api/session";
import { tell, tellDone } from "@/app/tell";
import { useConfirm } from "@/components/confirm";
import { type Column, DataTable } from "@/components/DataTable";
import { FormDialog } from "@/components/FormDialog";
import { Moment } from "@/components/Moment";
import { PageTitle } from "@/components/PageTitle";
import { RowActions } from "@/components/RowActions";
import { useRows } from "@/components/rows";
import { Empty } from "@/components/states";
import { useFormat } from "@/i18n/format";
import { InventoryTabs } from "../inventory/InventoryTabs";

type Group = Schema<"Group">;

export default function GroupsPage() {
  const { t } = useTranslation("groups");
  const { t: shell } = useTranslation("shell");
  const format = useFormat();
  const confirm = useConfirm();
  const may = useMay("admin");
  const [edited, setEdited] = useState<Group | "new">();
  const rows = useRows(["groups", "list"], ({ offset, limit, signal }) =>
    take(api.GET("/api/v1/groups", { params: { query: { sort: "name", offset, limit } }, signal })),
  );
  const remove = useChange(["groups"], (id: number) => take(api.DELETE("/api/v1/groups/{id}", { params: { path: { id } } })));
  const askRemove = async (group: Group) => {
    if (await confirm({ title: t("remove.title", { name: group.name }), text: t("remove.text"), action: shell("delete"), isDangerous: true })) {
      await remove.mutateAsync(group.id).then(() => void tellDone(t("remove.done", { name: group.name })), tell);
    }
  };
  const columns = useMemo<Column<Group>[]>(
    () => [
      { id: "name", header: t("name"), width: "minmax(160px, 1fr)", cell: ({ name }) => name },
      { id: "description", header: t("description"), width: "minmax(200px, 2fr)", cell: ({ description }) => description || "–" },
      {
        id: "servers",
        header: t("servers"),
        width: "130px",
        align: "right",
        cell: ({ id, server_count: count }) => <Anchor component={Link} size="sm" to={`/inventory?group=${id}`}>{t("count", { count, formatted: format.number(count) })}</Anchor>,
      },
      { id: "updated", header: t("updated"), width: "150px", cell: ({ updated_at: at }) => <Moment at={at} form="relative" /> },
      ...(may
        ? [
            {
              id: "actions",
              header: t("actions"),
              width: "90px",
              align: "right" as const,
              cell: (group: Group) => (
                <RowActions
                  of={group.name}
                  actions={[
                    { label: shell("edit"), icon: IconPencil, run: () => setEdited(group) },
                    { label: shell("delete"), icon: IconTrash, run: () => void askRemove(group), isDangerous: true },
                  ]}
                />
              ),
            },
          ]
        : []),
    ],
    // oxlint-disable-next-line react/exhaustive-deps -- what it asks with is stable
    [t, shell, may, format],
  );
  const add = may && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEdited("new")}>
      {t("add")}
    </Button>
  );
  return (
    <>
      <PageTitle title={t("title")} state={t("hint")}>
        {add}
      </PageTitle>
      <InventoryTabs />
      <DataTable
        label={t("title")}
        columns={columns}
        rows={rows}
        rowId={({ id }) => id}
        rowName={({ name }) => name}
        onOpen={may ? (group: Group) => setEdited(group) : undefined}
        height="calc(100vh - 250px)"
        empty={
          <Empty title={t("empty.title")} text={t("empty.text")}>
            {add}
          </Empty>
        }
      />
      {edited && <GroupDialog group={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} />}
    </>
  );
}

function GroupDialog({ group, onClose }: { group?: Group; onClose(): void }) {
  const { t } = useTranslation("groups");
  const form = useForm({
    initialValues: { name: group?.name ?? "", description: group?.description ?? "" },
    validate: { name: (value) => (value.trim() === "" ? t("needed") : null) },
  });
  const save = useChange(["groups"], (body: { name: string; description: string }) =>
    group
      ? take(api.PUT("/api/v1/groups/{id}", { params: { path: { id: group.id } }, body, headers: ifMatch(group) }))
      : take(api.POST("/api/v1/groups", { body })),
  );
  return (
    <FormDialog
      title={group ? t("edit", { name: group.name }) : t("add")}
      form={form}
      onClose={onClose}
      onSave={async (values) => {
        await save.mutateAsync(values);
        void tellDone(t("saved", { name: values.name }));
        onClose();
      }}
    >
      <TextInput label={t("name")} description={t("nameHint")} withAsterisk data-autofocus {...form.getInputProps("name")} />
      <Textarea label={t("description")} autosize minRows={2} {...form.getInputProps("description")} />
    </FormDialog>
  );
}
