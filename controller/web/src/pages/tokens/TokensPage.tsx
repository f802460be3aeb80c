/** Tokens of programs. A token's text is shown once, when it is made. */
import { Alert, Badge, Button, Group, Modal, MultiSelect, Select, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconKey, IconPlus, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChange } from "@/api/change";
import { choicesOf, idOf, nameOf, useExporters } from "@/api/choices";
import { api, type Schema, take } from "@/api/client";
import { useMay } from "@/api/session";
import { tell, tellDone } from "@/app/tell";
import { useConfirm } from "@/components/confirm";
import { Copyable } from "@/components/Copyable";
import { type Column, DataTable } from "@/components/DataTable";
import { FormDialog } from "@/components/FormDialog";
import { Moment } from "@/components/Moment";
import { PageTitle } from "@/components/PageTitle";
import { RowActions } from "@/components/RowActions";
import { useRows } from "@/components/rows";
import { AdministrationTabs } from "../administration/AdministrationTabs";
import { endIn, isOver, type Kind, MADE, SCOPES, type Token } from "./token";

export default function TokensPage() {
  const { t } = useTranslation("tokens");
  const confirm = useConfirm();
  const isAdmin = useMay("admin");
  const exporters = useExporters();
  const { data: users } = useQuery({
    queryKey: ["users", "all"],
    enabled: isAdmin,
    queryFn: ({ signal }) => take(api.GET("/api/v1/users", { params: { query: { limit: 1000, sort: "name" } }, signal })),
  });
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<Schema<"CreatedToken">>();
  const rows = useRows(["tokens", "list"], ({ offset, limit, signal }) =>
    take(api.GET("/api/v1/tokens", { params: { query: { offset, limit } }, signal })),
  );
  const remove = useChange(["tokens"], (id: number) => take(api.DELETE("/api/v1/tokens/{id}", { params: { path: { id } } })));
  const askRemove = async ({ id, name, kind }: Token) => {
    const what = name || t(`kinds.${kind}.title`);
    if (await confirm({ title: t("remove.title", { name: what }), text: t("remove.text"), action: t("remove.action"), isDangerous: true })) {
      await remove.mutateAsync(id).then(() => void tellDone(t("remove.done", { name: what })), tell);
    }
  };
  const columns = useMemo<Column<Token>[]>(
    () => [
      { id: "name", header: t("name"), width: "minmax(150px, 1.5fr)", cell: ({ name }) => name || "–" },
      {
        id: "kind",
        header: t("kind"),
        width: "minmax(140px, 1fr)",
        cell: ({ kind, exporter_id: exporter }) => (exporter ? t("exporterOf", { name: nameOf(exporters, exporter) }) : t(`kinds.${kind}.title`)),
      },
      ...(isAdmin ? [{ id: "user", header: t("whose"), cell: ({ user_id: id }: Token) => users?.items.find((user) => user.id === id)?.username ?? "–" }] : []),
      { id: "scopes", header: t("scopes"), width: "minmax(150px, 1.5fr)", cell: ({ scopes }) => <span title={scopes.join(", ")}>{scopes.join(", ") || t("everything")}</span> },
      { id: "created", header: t("created"), width: "120px", cell: ({ created_at: at }) => <Moment at={at} form="relative" /> },
      { id: "used", header: t("used"), width: "120px", cell: ({ last_used_at: at }) => <Moment at={at} form="relative" /> },
      {
        id: "ends",
        header: t("ends"),
        width: "130px",
        cell: (token) =>
          isOver(token) ? (
            <Badge color="gray" variant="default" tt="none">
              {t("over")}
            </Badge>
          ) : token.expires_at ? (
            <Moment at={token.expires_at} form="relative" />
          ) : (
            t("never")
          ),
      },
      {
        id: "actions",
        header: t("actions"),
        width: "80px",
        align: "right",
        cell: (token) => <RowActions of={token.name} actions={[{ label: t("remove.action"), icon: IconTrash, run: () => void askRemove(token), isDangerous: true }]} />,
      },
    ],
    // oxlint-disable-next-line react/exhaustive-deps -- what it asks with is stable
    [t, exporters, isAdmin, users],
  );
  return (
    <>
      <PageTitle title={t("title")} state={isAdmin ? t("hintAll") : t("hint")}>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setMaking(true)}>
          {t("add")}
        </Button>
      </PageTitle>
      <AdministrationTabs />
      <DataTable label={t("title")} columns={columns} rows={rows} rowId={({ id }) => id} rowName={({ name }) => name} height="calc(100vh - 250px)" />
      {isMaking && (
        <TokenDialog
          onClose={(token) => {
            setMaking(false);
            setMade(token);
          }}
        />
      )}
      {made && <MadeToken made={made} onClose={() => setMade(undefined)} />}
    </>
  );
}

interface Form extends Record<string, unknown> {
  name: string;
  kind: Kind;
  exporter_id: string | null;
  scopes: string[];
  days: string;
}

function TokenDialog({ onClose }: { onClose(made?: Schema<"CreatedToken">): void }) {
  const { t } = useTranslation("tokens");
  const isAdmin = useMay("admin");
  const exporters = useExporters();
  const form = useForm<Form>({
    initialValues: { name: "", kind: "api", exporter_id: null, scopes: [], days: "90" },
    validate: {
      name: (value) => (value.trim() === "" ? t("needed") : null),
      exporter_id: (value, { kind }) => (kind === "exporter" && value === null ? t("needed") : null),
    },
  });
  const make = useChange(["tokens"], ({ name, kind, exporter_id, scopes, days }: Form) =>
    take(
      api.POST("/api/v1/tokens", {
        body: {
          name,
          kind,
          exporter_id: kind === "exporter" ? idOf(exporter_id) : null,
          scopes: kind === "api" ? scopes : [],
          expires_at: endIn(days),
        },
      }),
    ),
  );
  const { kind } = form.values;
  return (
    <FormDialog title={t("add")} form={form} action={t("make")} onClose={() => onClose()} onSave={async (values) => onClose(await make.mutateAsync(values))}>
      <TextInput label={t("name")} description={t("nameHint")} withAsterisk data-autofocus autoComplete="off" {...form.getInputProps("name")} />
      <Select
        label={t("kind")}
        description={t(`kinds.${kind}.text`)}
        allowDeselect={false}
        data={(isAdmin ? MADE : MADE.slice(0, 1)).map((value) => ({ value, label: t(`kinds.${value}.title`) }))}
        {...form.getInputProps("kind")}
      />
      {kind === "exporter" && <Select label={t("exporter")} withAsterisk data={choicesOf(exporters)} searchable {...form.getInputProps("exporter_id")} />}
      {kind === "api" && (
        <MultiSelect label={t("scopes")} description={t("scopesHint")} data={SCOPES} searchable clearable clearButtonProps={{ "aria-label": t("clear") }} {...form.getInputProps("scopes")} />
      )}
      <Select
        label={t("ends")}
        allowDeselect={false}
        data={["7", "30", "90", "365", ""].map((days) => ({ value: days, label: days === "" ? t("never") : t("inDays", { count: Number(days) }) }))}
        {...form.getInputProps("days")}
      />
    </FormDialog>
  );
}

function MadeToken({ made, onClose }: { made: Schema<"CreatedToken">; onClose(): void }) {
  const { t } = useTranslation("tokens");
  const { t: shell } = useTranslation("shell");
  return (
    <Modal opened onClose={onClose} title={t("made", { name: made.name })} size="lg" closeOnClickOutside={false} closeOnEscape={false} closeButtonProps={{ "aria-label": shell("close") }}>
      <Stack>
        <Alert color="yellow" icon={<IconKey aria-hidden />} title={t("once")}>
          <Copyable text={made.token} label={t("text")} />
        </Alert>
        <Text size="sm">{t("use")}</Text>
        <Copyable text={`curl -H "Authorization: Bearer $TOKEN" ${location.origin}/api/v1/servers`} label={t("example")} />
        <Group justify="flex-end">
          <Button onClick={onClose}>{t("kept")}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
