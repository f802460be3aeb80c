/** Credential profiles: how exporters log in to BMCs. Secrets are written, never read. */
import { Anchor, Badge, Button } from "@mantine/core";
import { IconPencil, IconPlus, IconTrash } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useChange } from "@/api/change";
import { api, take } from "@/api/client";
import { useMay } from "@/api/session";
import { tell, tellDone } from "@/app/tell";
import { useConfirm } from "@/components/confirm";
import { type Column, DataTable } from "@/components/DataTable";
import { Moment } from "@/components/Moment";
import { PageTitle } from "@/components/PageTitle";
import { RowActions } from "@/components/RowActions";
import { useRows } from "@/components/rows";
import { Empty } from "@/components/states";
import { useFormat } from "@/i18n/format";
import { InventoryTabs } from "../inventory/InventoryTabs";
import type { Credential } from "./credential";
import { CredentialDialog } from "./CredentialDialog";

export default function CredentialsPage() {
  const { t } = useTranslation("credentials");
  const { t: shell } = useTranslation("shell");
  const format = useFormat();
  const confirm = useConfirm();
  const may = useMay("admin");
  const [edited, setEdited] = useState<Credential | "new">();
  const rows = useRows(["credentials", "list"], ({ offset, limit, signal }) =>
    take(api.GET("/api/v1/credentials", { params: { query: { sort: "name", offset, limit } }, signal })),
  );
  const remove = useChange(["credentials"], (id: number) => take(api.DELETE("/api/v1/credentials/{id}", { params: { path: { id } } })));
  const askRemove = async (credential: Credential) => {
    const { name } = credential;
    if (await confirm({ title: t("remove.title", { name }), text: t("remove.text"), action: shell("delete"), isDangerous: true })) {
      await remove.mutateAsync(credential.id).then(() => void tellDone(t("remove.done", { name })), tell);
    }
  };
  const columns = useMemo<Column<Credential>[]>(
    () => [
      { id: "name", header: t("name"), width: "minmax(150px, 1.2fr)", cell: ({ name }) => name },
      { id: "username", header: t("username"), cell: ({ username }) => username || t("nullUser") },
      {
        id: "secrets",
        header: t("secrets"),
        width: "minmax(170px, 1fr)",
        cell: ({ password_set: hasPassword, k_g_set: hasKey }) => (
          <>
            <Badge variant={hasPassword ? "light" : "default"} tt="none">
              {hasPassword ? t("hasPassword") : t("noPassword")}
            </Badge>
            {hasKey && (
              <Badge variant="light" tt="none" ml={4}>
                K_g
              </Badge>
            )}
          </>
        ),
      },
      { id: "driver", header: t("driver"), width: "110px", cell: ({ driver }) => t(`drivers.${driver}`) },
      { id: "privilege", header: t("privilege"), width: "130px", cell: ({ privilege }) => t(`privileges.${privilege ?? "lowest"}`) },
      {
        id: "servers",
        header: t("servers"),
        width: "120px",
        align: "right",
        cell: ({ id, server_count: count }) => <Anchor component={Link} size="sm" to={`/inventory?credential=${id}`}>{t("count", { count, formatted: format.number(count) })}</Anchor>,
      },
      { id: "updated", header: t("updated"), width: "130px", cell: ({ updated_at: at }) => <Moment at={at} form="relative" /> },
      ...(may
        ? [
            {
              id: "actions",
              header: t("actions"),
              width: "90px",
              align: "right" as const,
              cell: (credential: Credential) => (
                <RowActions
                  of={credential.name}
                  actions={[
                    { label: shell("edit"), icon: IconPencil, run: () => setEdited(credential) },
                    { label: shell("delete"), icon: IconTrash, run: () => void askRemove(credential), isDangerous: true },
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
        onOpen={may ? (credential: Credential) => setEdited(credential) : undefined}
        height="calc(100vh - 250px)"
        empty={
          <Empty title={t("empty.title")} text={t("empty.text")}>
            {add}
          </Empty>
        }
      />
      {edited && <CredentialDialog credential={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} />}
    </>
  );
}
