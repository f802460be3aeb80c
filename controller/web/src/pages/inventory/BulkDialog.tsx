/** Changes many servers at once, after showing what would become of them. */
import { Alert, Button, List, Select, SimpleGrid, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconInfoCircle } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useChange } from "@/api/change";
import { choicesOf, useCredentials, useExporters, useGroups } from "@/api/choices";
import type { Schema } from "@/api/client";
import { tellDone } from "@/app/tell";
import { FormDialog } from "@/components/FormDialog";
import { useFormat } from "@/i18n/format";
import { type Bulk, type BulkForm, bulkChanges, changeMany, EMPTY_CHANGES, NONE } from "./bulk";
import { parseLabels } from "./server";

/** Which servers: by number, or all that a filter lets through. */
export type Target = Pick<Bulk, "ids" | "filter" | "expected_count"> & { count: number };

/** Names that are shown of those that change. */
const SHOWN = 8;

export default function BulkDialog({ target, onClose }: { target: Target; onClose(isDone: boolean): void }) {
  const { t } = useTranslation("inventory");
  const format = useFormat();
  const { count, ...which } = target;
  const [report, setReport] = useState<Schema<"BulkReport">>();
  const form = useForm<BulkForm>({
    initialValues: EMPTY_CHANGES,
    validate: { set_labels: (value) => (parseLabels(value) === undefined ? t("form.labelsWrong") : null) },
    onValuesChange: () => setReport(undefined),
  });
  const change = useChange(["servers", "groups"], changeMany);
  const changes = bulkChanges(form.values);
  const isNothing = Object.keys(changes).length === 0;
  const choices = (items: { value: string; label: string }[]) => [{ value: NONE, label: t("bulk.none") }, ...items];
  const groups = choices(choicesOf(useGroups()));
  const credentials = choices(choicesOf(useCredentials()));
  const exporters = choices(choicesOf(useExporters()));
  const keep = { placeholder: t("bulk.keep"), clearable: true, clearButtonProps: { "aria-label": t("clear") } };
  return (
    <FormDialog
      title={t("bulk.title", { count, formatted: format.number(count) })}
      form={form}
      size="xl"
      action={report ? t("bulk.apply", { count: report.changed, formatted: format.number(report.changed) }) : t("bulk.preview")}
      onClose={() => onClose(false)}
      onSave={async () => {
        if (isNothing) {
          return;
        }
        const told = await change.mutateAsync({ ...which, changes, dry_run: report === undefined });
        if (told.dry_run) {
          setReport(told);
        } else {
          void tellDone(t("bulk.done", { count: told.changed, formatted: format.number(told.changed) }));
          onClose(true);
        }
      }}
      more={
        report && (
          <Button variant="subtle" mr="auto" onClick={() => setReport(undefined)}>
            {t("bulk.back")}
          </Button>
        )
      }
    >
      <Text size="sm" c="dimmed">
        {t("bulk.hint")}
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Select label={t("monitoring")} data={[{ value: "on", label: t("on") }, { value: "off", label: t("off") }]} {...keep} {...form.getInputProps("monitoring")} />
        <Select label={t("group")} data={groups} searchable {...keep} {...form.getInputProps("group")} />
        <Select label={t("credential")} data={credentials} searchable {...keep} {...form.getInputProps("credential")} />
        <Select label={t("exporter")} data={exporters} searchable {...keep} {...form.getInputProps("exporter")} />
        <TextInput label={t("site")} placeholder={t("bulk.keep")} {...form.getInputProps("site")} />
        <TextInput label={t("rack")} placeholder={t("bulk.keep")} {...form.getInputProps("rack")} />
        <TagsInput label={t("bulk.addTags")} {...form.getInputProps("add_tags")} />
        <TagsInput label={t("bulk.removeTags")} {...form.getInputProps("remove_tags")} />
        <Textarea label={t("bulk.setLabels")} description={t("form.labelsHint")} placeholder="owner=storage" autosize minRows={1} spellCheck={false} {...form.getInputProps("set_labels")} />
        <TagsInput label={t("bulk.removeLabels")} description={t("bulk.removeLabelsHint")} {...form.getInputProps("remove_labels")} />
      </SimpleGrid>
      {report && (
        <Alert color="brand" icon={<IconInfoCircle aria-hidden />} title={t("bulk.report", { changed: format.number(report.changed), unchanged: format.number(report.unchanged) })} role="status">
          <List size="sm">
            {report.servers
              .filter(({ outcome }) => outcome !== "unchanged")
              .slice(0, SHOWN)
              .map(({ id, name }) => (
                <List.Item key={id}>{name}</List.Item>
              ))}
          </List>
          {report.changed > SHOWN && <Text size="sm">{t("bulk.more", { count: report.changed - SHOWN, formatted: format.number(report.changed - SHOWN) })}</Text>}
        </Alert>
      )}
    </FormDialog>
  );
}
