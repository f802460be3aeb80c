/** Servers out of a file: looked at first, line by line, then taken over. */
import { Alert, Badge, Button, FileButton, Group, Paper, Select, Stack, Switch, Text, Textarea } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconFileUpload, IconListCheck } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useChange } from "@/api/change";
import { useMay } from "@/api/session";
import { type Column, DataTable } from "@/components/DataTable";
import { PageTitle } from "@/components/PageTitle";
import { useAllRows } from "@/components/rows";
import { Failed } from "@/components/states";
import { useFormat } from "@/i18n/format";
import { InventoryTabs } from "../inventory/InventoryTabs";
import { effects, inOrder, type Line, type Options, type Report, SAMPLE, send } from "./importFile";

/** Texts longer than this are not shown in the field, only kept. */
const SHOWN_CHARACTERS = 200_000;

export default function ImportPage() {
  const { t } = useTranslation("imports");
  const format = useFormat();
  const isAdmin = useMay("admin");
  const [text, setText] = useState("");
  const [file, setFile] = useState<string>();
  const [options, setOptions] = useState<Options>({ mode: "upsert", partial: false, create_groups: false });
  const check = useMutation({ mutationFn: () => send(text, options, true) });
  const apply = useChange(["servers", "groups", "credentials"], () => send(text, options, false));
  const changed = () => {
    check.reset();
    apply.reset();
  };
  const set = (change: Partial<Options>) => {
    setOptions({ ...options, ...change });
    changed();
  };
  const read = async (chosen: File | null) => {
    if (chosen) {
      setText(await chosen.text());
      setFile(chosen.name);
      changed();
    }
  };
  const isLarge = text.length > SHOWN_CHARACTERS;
  const report = apply.data ?? check.data;
  const canApply = check.data !== undefined && apply.data === undefined && effects(check.data) > 0 && (options.partial || check.data.failed === 0);
  return (
    <>
      <PageTitle title={t("title")} state={t("hint")} />
      <InventoryTabs />
      <Stack>
        <Paper withBorder p="md" bg="var(--surface)">
          <Stack>
            <Group>
              <FileButton onChange={(chosen) => void read(chosen)} accept=".csv,.json,text/csv,application/json">
                {(props) => (
                  <Button {...props} variant="default" leftSection={<IconFileUpload size={16} aria-hidden />}>
                    {t("choose")}
                  </Button>
                )}
              </FileButton>
              {file !== undefined && (
                <Text size="sm">
                  {file} · {format.bytes(text.length)}
                </Text>
              )}
              <Button
                variant="subtle"
                onClick={() => {
                  setText(SAMPLE);
                  setFile(undefined);
                  changed();
                }}
              >
                {t("sample")}
              </Button>
            </Group>
            {isLarge ? (
              <Text size="sm" c="dimmed">
                {t("large")}
              </Text>
            ) : (
              <Textarea
                label={t("content")}
                description={t("columns")}
                placeholder={SAMPLE}
                value={text}
                onChange={(event) => {
                  setText(event.currentTarget.value);
                  changed();
                }}
                autosize
                minRows={6}
                maxRows={14}
                spellCheck={false}
                ff="monospace"
              />
            )}
            <Group align="flex-end" gap="lg">
              <Select
                label={t("mode")}
                allowDeselect={false}
                data={(["upsert", "create", "update"] as const).map((value) => ({ value, label: t(`modes.${value}`) }))}
                value={options.mode}
                onChange={(mode) => set({ mode: (mode ?? "upsert") as Options["mode"] })}
                w={280}
              />
              <Switch label={t("partial")} checked={options.partial} onChange={(event) => set({ partial: event.currentTarget.checked })} />
              {isAdmin && <Switch label={t("createGroups")} checked={options.create_groups} onChange={(event) => set({ create_groups: event.currentTarget.checked })} />}
              <Button ml="auto" disabled={text.trim() === ""} loading={check.isPending} onClick={() => check.mutate()} leftSection={<IconListCheck size={16} aria-hidden />}>
                {t("check")}
              </Button>
            </Group>
          </Stack>
        </Paper>
        {check.error && <Failed error={check.error} />}
        {apply.error && <Failed error={apply.error} />}
        {report && (
          <Outcome report={report}>
            {canApply && (
              <Button loading={apply.isPending} onClick={() => apply.mutate(undefined)}>
                {t("apply", { count: effects(report), formatted: format.number(effects(report)) })}
              </Button>
            )}
            {apply.data && (
              <Button component={Link} to="/inventory" variant="default">
                {t("toServers")}
              </Button>
            )}
          </Outcome>
        )}
      </Stack>
    </>
  );
}

const COLOURS: Record<Line["outcome"], string> = { created: "brand", updated: "brand", unchanged: "gray", error: "red" };

function Outcome({ report, children }: { report: Report; children: React.ReactNode }) {
  const { t } = useTranslation("imports");
  const format = useFormat();
  const [isErrorsOnly, setErrorsOnly] = useState(false);
  const lines = useMemo(() => inOrder(report.lines, isErrorsOnly), [report, isErrorsOnly]);
  const rows = useAllRows(lines, null, () => {});
  const columns = useMemo<Column<Line>[]>(
    () => [
      { id: "line", header: t("line"), width: "80px", align: "right", cell: ({ line }) => <span className="number">{line}</span> },
      { id: "name", header: t("name"), width: "minmax(160px, 1fr)", cell: ({ name }) => name || "–" },
      {
        id: "outcome",
        header: t("outcome"),
        width: "140px",
        cell: ({ outcome }) => (
          <Badge color={COLOURS[outcome]} variant="light" tt="none">
            {t(`outcomes.${outcome}`)}
          </Badge>
        ),
      },
      {
        id: "errors",
        header: t("errors"),
        width: "minmax(280px, 3fr)",
        cell: ({ errors }) => {
          const said = (errors ?? []).map(({ field, message }) => (field ? `${field}: ${message}` : message)).join("; ");
          return (
            <span lang="en" title={said}>
              {said || "–"}
            </span>
          );
        },
      },
    ],
    [t],
  );
  const isBad = report.failed > 0;
  const figures = { created: format.number(report.created), updated: format.number(report.updated), unchanged: format.number(report.unchanged), failed: format.number(report.failed) };
  return (
    <Stack gap="sm">
      <Alert
        role="status"
        color={isBad ? "yellow" : "brand"}
        icon={isBad ? <IconAlertTriangle aria-hidden /> : <IconCircleCheck aria-hidden />}
        title={t(report.applied ? "applied" : "checked", { count: report.rows, formatted: format.number(report.rows) })}
      >
        <Stack gap="xs">
          <Text size="sm">{t("figures", figures)}</Text>
          {isBad && !report.applied && <Text size="sm">{t("mend")}</Text>}
          {report.new_groups.length > 0 && <Text size="sm">{t("newGroups", { names: report.new_groups.join(", ") })}</Text>}
          {report.new_credentials.length > 0 && <Text size="sm">{t("newCredentials", { names: report.new_credentials.join(", ") })}</Text>}
          <Group>
            {children}
            {isBad && <Switch label={t("errorsOnly")} checked={isErrorsOnly} onChange={(event) => setErrorsOnly(event.currentTarget.checked)} />}
          </Group>
        </Stack>
      </Alert>
      <DataTable label={t("lines")} columns={columns} rows={rows} rowId={({ line }) => line} rowName={({ line, name }) => `${line} ${name}`} height="420px" />
    </Stack>
  );
}
