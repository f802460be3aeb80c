/** Adds or changes one server. */
import { Button, Fieldset, NumberInput, Select, SimpleGrid, Switch, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { ifMatch, useChange } from "@/api/change";
import { choicesOf, useCredentials, useExporters, useGroups } from "@/api/choices";
import { api, take } from "@/api/client";
import { tellDone } from "@/app/tell";
import { FormDialog } from "@/components/FormDialog";
import { bodyOf, formOf, parseLabels, type Server, type ServerForm } from "./server";

interface Props {
  /** None: a new one. */
  server?: Server;
  onClose(): void;
  /** Asks to test the connection of what was saved. */
  onTest?(server: Server): void;
}

export default function ServerDialog({ server, onClose, onTest }: Props) {
  const { t } = useTranslation("inventory");
  const groups = useGroups();
  const credentials = useCredentials();
  const exporters = useExporters();
  const wantsTest = useRef(false);
  const form = useForm<ServerForm>({
    initialValues: formOf(server),
    validate: {
      name: (value) => (value.trim() === "" ? t("form.needed") : null),
      address: (value) => (value.trim() === "" ? t("form.needed") : null),
      labels: (value) => (parseLabels(value) === undefined ? t("form.labelsWrong") : null),
    },
  });
  const save = useChange(["servers"], async (values: ServerForm) => {
    const body = bodyOf(values);
    return server
      ? take(api.PUT("/api/v1/servers/{id}", { params: { path: { id: server.id } }, body, headers: ifMatch(server) }))
      : take(api.POST("/api/v1/servers", { body }));
  });
  return (
    <FormDialog
      title={server ? t("form.edit", { name: server.name }) : t("form.add")}
      form={form}
      size="xl"
      onClose={onClose}
      onSave={async (values) => {
        const saved = (await save.mutateAsync(values)) as Server;
        void tellDone(t("form.saved", { name: values.name }));
        onClose();
        if (wantsTest.current) {
          onTest?.(saved);
        }
      }}
      more={
        onTest && (
          <Button type="submit" variant="default" mr="auto" onClick={() => (wantsTest.current = true)}>
            {t("form.saveAndTest")}
          </Button>
        )
      }
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput label={t("name")} withAsterisk data-autofocus autoComplete="off" {...form.getInputProps("name")} />
        <SimpleGrid cols={2}>
          <TextInput label={t("address")} withAsterisk autoComplete="off" spellCheck={false} placeholder="192.0.2.10" {...form.getInputProps("address")} />
          <NumberInput label={t("port")} min={1} max={65535} allowDecimal={false} hideControls {...form.getInputProps("port")} />
        </SimpleGrid>
        <Select
          label={t("credential")}
          description={t("form.credentialHint")}
          data={choicesOf(credentials)}
          searchable
          clearable
          clearButtonProps={{ "aria-label": t("clear") }}
          {...form.getInputProps("credential_id")}
        />
        <Select
          label={t("exporter")}
          description={t("form.exporterHint")}
          placeholder={t("form.automatic")}
          data={choicesOf(exporters)}
          searchable
          clearable
          clearButtonProps={{ "aria-label": t("clear") }}
          {...form.getInputProps("exporter_id")}
        />
        <Select
          label={t("group")}
          data={choicesOf(groups)}
          searchable
          clearable
          clearButtonProps={{ "aria-label": t("clear") }}
          {...form.getInputProps("group_id")}
        />
        <SimpleGrid cols={2}>
          <TextInput label={t("site")} {...form.getInputProps("site")} />
          <TextInput label={t("rack")} {...form.getInputProps("rack")} />
        </SimpleGrid>
      </SimpleGrid>
      <Switch label={t("form.monitored")} description={t("form.monitoredHint")} {...form.getInputProps("monitoring_enabled", { type: "checkbox" })} />
      <Fieldset legend={t("form.more")}>
        <SimpleGrid cols={{ base: 1, sm: 3 }}>
          <TextInput label={t("manufacturer")} {...form.getInputProps("manufacturer")} />
          <TextInput label={t("model")} {...form.getInputProps("model")} />
          <TextInput label={t("serial")} {...form.getInputProps("serial_number")} />
        </SimpleGrid>
        <SimpleGrid cols={{ base: 1, sm: 2 }} mt="sm">
          <TagsInput label={t("tags")} description={t("form.tagsHint")} {...form.getInputProps("tags")} />
          <Textarea label={t("labels")} description={t("form.labelsHint")} placeholder="owner=storage" autosize minRows={1} maxRows={6} spellCheck={false} {...form.getInputProps("labels")} />
        </SimpleGrid>
        <Textarea label={t("description")} autosize minRows={1} maxRows={5} mt="sm" {...form.getInputProps("description")} />
      </Fieldset>
    </FormDialog>
  );
}
