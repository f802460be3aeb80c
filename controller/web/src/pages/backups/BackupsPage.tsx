/** Backups: what is there, one more now, whether one is whole, and how to restore. */
import { Alert, Button, Group, SegmentedControl, Stack, Text, Title } from "@mantine/core";
import { IconArchive, IconDownload, IconInfoCircle, IconShieldCheck, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChange } from "@/api/change";
import { api, type Schema, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { tell, tellDone } from "@/app/tell";
import { useConfirm } from "@/components/confirm";
import { Copyable } from "@/components/Copyable";
import { type Column, DataTable } from "@/components/DataTable";
import { Moment } from "@/components/Moment";
import { PageTitle } from "@/components/PageTitle";
import { RowActions } from "@/components/RowActions";
import { useAllRows, useRows } from "@/components/rows";
import { StateBadge } from "@/components/StateBadge";
import { Empty, Failed } from "@/components/states";
import { useFormat } from "@/i18n/format";
import { AdministrationTabs } from "../administration/AdministrationTabs";

type Backup = Schema<"Backup">;
type Run = Schema<"Page_Run">["items"][number];

export default function BackupsPage() {
  const { t } = useTranslation("backups");
  const { t: shell } = useTranslation("shell");
  const format = useFormat();
  const confirm = useConfirm();
  const [kind, setKind] = useState<Run["kind"]>("backup");
  const [verified, setVerified] = useState<{ name: string; result: Schema<"BackupVerification"> }>();
  const { data, error, refetch } = useQuery({
    queryKey: ["backups"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/backups", { signal })),
  });
  const rows = useAllRows(data?.items, error, () => void refetch());
  const make = useChange(["backups"], () => take(api.POST("/api/v1/backups")));
  const remove = useChange(["backups"], (name: string) => take(api.DELETE("/api/v1/backups/{name}", { params: { path: { name } } })));
  const verify = useChange([], (name: string) => take(api.POST("/api/v1/backups/{name}/verify", { params: { path: { name } } })));
  const askRemove = async (name: string) => {
    if (await confirm({ title: t("remove.title", { name }), text: t("remove.text"), action: shell("delete"), isDangerous: true })) {
      await remove.mutateAsync(name).then(() => void tellDone(t("remove.done", { name })), tell);
    }
  };
  const look = async (name: string) => {
    setVerified(undefined);
    try {
      setVerified({ name, result: await verify.mutateAsync(name) });
    } catch (failure) {
      void tell(failure);
    }
  };
  const columns = useMemo<Column<Backup>[]>(
    () => [
      { id: "name", header: t("name"), width: "minmax(260px, 2fr)", cell: ({ name }) => name },
      { id: "made", header: t("made"), width: "230px", cell: ({ created_at: at }) => <Moment at={at} /> },
      { id: "size", header: t("size"), width: "120px", align: "right", cell: ({ bytes }) => format.bytes(bytes) },
      {
        id: "actions",
        header: t("actions"),
        width: "116px",
        align: "right",
        cell: ({ name }) => (
          <RowActions
            of={name}
            actions={[
              { label: t("verify"), icon: IconShieldCheck, run: () => void look(name) },
              { label: t("download"), icon: IconDownload, run: () => location.assign(`/api/v1/backups/${encodeURIComponent(name)}/download`) },
              { label: shell("delete"), icon: IconTrash, run: () => void askRemove(name), isDangerous: true },
            ]}
          />
        ),
      },
    ],
    // oxlint-disable-next-line react/exhaustive-deps -- what it asks with is stable
    [t, shell, format],
  );
  const isOff = error !== null && asProblem(error).status === 409;
  return (
    <>
      <PageTitle title={t("title")} state={t("hint")}>
        {!isOff && (
          <Button
            leftSection={<IconArchive size={16} aria-hidden />}
            loading={make.isPending}
            onClick={() => make.mutate(undefined, { onSuccess: ({ name }) => void tellDone(t("done", { name })), onError: tell })}
          >
            {t("make")}
          </Button>
        )}
      </PageTitle>
      <AdministrationTabs />
      <Stack>
        {verified && <Verified {...verified} />}
        {isOff ? (
          <Empty title={t("off.title")} text={t("off.text")} />
        ) : (
          <DataTable label={t("title")} columns={columns} rows={rows} rowId={({ name }) => name} rowName={({ name }) => name} height="300px" empty={<Empty title={t("empty.title")} text={t("empty.text")} />} />
        )}
        <Alert color="brand" variant="light" icon={<IconInfoCircle aria-hidden />} title={t("restore.title")}>
          <Stack gap="xs">
            <Text size="sm">{t("restore.text")}</Text>
            <Copyable text="ipmi_controller admin restore FILE --config CONFIGURATION" label={t("restore.command")} />
            <Text size="sm">{t("restore.key")}</Text>
          </Stack>
        </Alert>
        <section aria-label={t("runs.title")}>
          <Group justify="space-between" mb="xs">
            <Title order={2} size="h5">
              {t("runs.title")}
            </Title>
            <SegmentedControl
              size="xs"
              aria-label={t("runs.kind")}
              data={(["backup", "snapshot"] as const).map((value) => ({ value, label: t(`runs.kinds.${value}`) }))}
              value={kind}
              onChange={(value) => setKind(value as Run["kind"])}
            />
          </Group>
          <Runs kind={kind} />
        </section>
      </Stack>
    </>
  );
}

function Verified({ name, result }: { name: string; result: Schema<"BackupVerification"> }) {
  const { t } = useTranslation("backups");
  const format = useFormat();
  return (
    <Alert role="status" color={result.intact ? "brand" : "red"} icon={<IconShieldCheck aria-hidden />} title={t(result.intact ? "intact" : "broken", { name })}>
      {t("figures", { rows: format.number(result.rows), entries: format.number(result.audit_entries) })}
      {result.problems.map((problem) => (
        <Text key={problem} size="sm" lang="en">
          {problem}
        </Text>
      ))}
    </Alert>
  );
}

function Runs({ kind }: { kind: Run["kind"] }) {
  const { t } = useTranslation("backups");
  const format = useFormat();
  const rows = useRows(["backups", "runs", kind], ({ offset, limit, signal }) =>
    take(api.GET("/api/v1/backups/runs", { params: { query: { kind, offset, limit } }, signal })),
  );
  const columns = useMemo<Column<Run>[]>(
    () => [
      { id: "state", header: t("runs.state"), width: "130px", cell: ({ is_ok: isOk }) => <StateBadge state={isOk ? "ok" : "critical"} label={t(isOk ? "runs.ok" : "runs.failed")} size="small" /> },
      { id: "started", header: t("runs.started"), width: "230px", cell: ({ started_at: at }) => <Moment at={at} /> },
      { id: "lasted", header: t("runs.lasted"), width: "110px", align: "right", cell: ({ started_at: from, ended_at: to }) => format.duration((Date.parse(to) - Date.parse(from)) / 1000) },
      {
        id: "detail",
        header: t("runs.detail"),
        width: "minmax(240px, 1fr)",
        cell: ({ detail, name }) => (
          <span lang="en" title={detail}>
            {detail || name}
          </span>
        ),
      },
    ],
    [t, format],
  );
  if (rows.error) {
    return <Failed error={rows.error} onRetry={rows.retry} />;
  }
  return <DataTable label={t("runs.title")} columns={columns} rows={rows} rowId={({ id }) => id} rowName={({ name }) => name} height="240px" />;
}
