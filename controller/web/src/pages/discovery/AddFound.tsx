/** Makes servers of what a scan found, after showing what would become. */
import { Alert, List, Select, SimpleGrid, Switch, TagsInput, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useChange } from "@/api/change";
import { useCredentials, useExporters, useGroups } from "@/api/choices";
import { api, type Schema, take } from "@/api/client";
import { tellDone } from "@/app/tell";
import { FormDialog } from "@/components/FormDialog";
import { useFormat } from "@/i18n/format";

interface Form extends Record<string, unknown> {
  name_prefix: string;
  credential: string | null;
  group: string | null;
  exporter: string | null;
  site: string;
  tags: string[];
  monitoring_enabled: boolean;
}

/** Lines that are shown of a preview. */
const SHOWN = 8;

const names = (items: { name: string }[] | undefined) => (items ?? []).map(({ name }) => name);

export function AddFound({ id, addresses, onClose }: { id: number; addresses?: string[]; onClose(isDone: boolean): void }) {
  const { t } = useTranslation("discovery");
  const format = useFormat();
  const [report, setReport] = useState<Schema<"ImportReport">>();
  const credentials = useCredentials();
  const groups = useGroups();
  const exporters = useExporters();
  const form = useForm<Form>({
    initialValues: { name_prefix: "bmc-", credential: null, group: null, exporter: null, site: "", tags: [], monitoring_enabled: true },
    onValuesChange: () => setReport(undefined),
  });
  const add = useChange(["servers", "groups", "discovery"], ({ isDry, values }: { isDry: boolean; values: Form }) =>
    take(
      api.POST("/api/v1/discovery/{id}/import", {
        params: { path: { id } },
        body: { ...values, site: values.site || null, addresses: addresses ?? null, dry_run: isDry, partial: true },
      }),
    ),
  );
  const clear = { clearable: true, clearButtonProps: { "aria-label": t("clear") } };
  return (
    <FormDialog
      title={addresses ? t("add", { count: addresses.length, formatted: format.number(addresses.length) }) : t("addAll")}
      form={form}
      size="xl"
      action={report ? t("make", { count: report.created, formatted: format.number(report.created) }) : t("preview")}
      onClose={() => onClose(false)}
      onSave={async (values) => {
        const told = await add.mutateAsync({ isDry: report === undefined, values });
        if (told.dry_run) {
          setReport(told);
        } else {
          void tellDone(t("made", { count: told.created, formatted: format.number(told.created) }));
          onClose(true);
        }
      }}
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput label={t("prefix")} description={t("prefixHint")} {...form.getInputProps("name_prefix")} />
        <Select label={t("credential")} description={t("credentialHint")} data={names(credentials)} searchable {...clear} {...form.getInputProps("credential")} />
        <Select label={t("group")} data={names(groups)} searchable {...clear} {...form.getInputProps("group")} />
        <Select label={t("exporter")} placeholder={t("automatic")} data={names(exporters)} searchable {...clear} {...form.getInputProps("exporter")} />
        <TextInput label={t("site")} {...form.getInputProps("site")} />
        <TagsInput label={t("tags")} {...form.getInputProps("tags")} />
      </SimpleGrid>
      <Switch label={t("monitored")} {...form.getInputProps("monitoring_enabled", { type: "checkbox" })} />
      {report && (
        <Alert color={report.failed > 0 ? "yellow" : "brand"} title={t("report", { created: format.number(report.created), failed: format.number(report.failed) })} role="status">
          <List size="sm">
            {report.lines.slice(0, SHOWN).map(({ line, name, errors }) => (
              <List.Item key={line}>
                {name}
                {errors?.map(({ field, message }) => (
                  <Text key={field} span size="sm" lang="en" c="dimmed">
                    {` ${field} ${message}`}
                  </Text>
                ))}
              </List.Item>
            ))}
          </List>
          {report.lines.length > SHOWN && <Text size="sm">{t("more", { count: report.lines.length - SHOWN, formatted: format.number(report.lines.length - SHOWN) })}</Text>}
        </Alert>
      )}
    </FormDialog>
  );
}
