/** Adds or changes an exporter. */
import { NumberInput, SimpleGrid, Switch, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { ifMatch, useChange } from "@/api/change";
import { api, take } from "@/api/client";
import { tellDone } from "@/app/tell";
import { FormDialog } from "@/components/FormDialog";
import type { Exporter } from "./channel";

interface Form extends Record<string, unknown> {
  name: string;
  url: string;
  site: string;
  weight: number | string;
  enabled: boolean;
}

export function ExporterDialog({ exporter, onClose }: { exporter?: Exporter; onClose(saved?: Exporter): void }) {
  const { t } = useTranslation("exporters");
  const form = useForm<Form>({
    initialValues: {
      name: exporter?.name ?? "",
      url: exporter?.url ?? "",
      site: exporter?.site ?? "",
      weight: exporter?.weight ?? 100,
      enabled: exporter?.enabled ?? true,
    },
    validate: {
      name: (value) => (value.trim() === "" ? t("needed") : null),
      url: (value) => (/^https?:\/\/\S+$/.test(value.trim()) ? null : t("urlWrong")),
    },
  });
  const save = useChange(["exporters", "servers"], (values: Form) => {
    const body = { ...values, url: values.url.trim(), weight: Number(values.weight) };
    return exporter
      ? take(api.PUT("/api/v1/exporters/{id}", { params: { path: { id: exporter.id } }, body, headers: ifMatch(exporter) }))
      : take(api.POST("/api/v1/exporters", { body }));
  });
  return (
    <FormDialog
      title={exporter ? t("edit", { name: exporter.name }) : t("add")}
      form={form}
      onClose={() => onClose()}
      onSave={async (values) => {
        const saved = await save.mutateAsync(values);
        void tellDone(t("saved", { name: values.name }));
        onClose(saved);
      }}
    >
      <TextInput label={t("name")} description={t("nameHint")} withAsterisk data-autofocus autoComplete="off" {...form.getInputProps("name")} />
      <TextInput label={t("url")} description={t("urlHint")} placeholder="http://192.0.2.7:9290" withAsterisk spellCheck={false} {...form.getInputProps("url")} />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput label={t("site")} description={t("siteHint")} {...form.getInputProps("site")} />
        <NumberInput label={t("weight")} description={t("weightHint")} min={1} max={1000} allowDecimal={false} {...form.getInputProps("weight")} />
      </SimpleGrid>
      <Switch label={t("enabled")} description={t("enabledHint")} {...form.getInputProps("enabled", { type: "checkbox" })} />
    </FormDialog>
  );
}
