/** Adds or changes a credential profile. */
import { Checkbox, Fieldset, PasswordInput, Select, SimpleGrid, Stack, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { ifMatch, useChange } from "@/api/change";
import { api, take } from "@/api/client";
import { tellDone } from "@/app/tell";
import { FormDialog } from "@/components/FormDialog";
import { bodyOf, type Credential, type CredentialForm, formOf, parseSettings } from "./credential";

/** Bytes that a BMC takes, by generation. */
const KEY = /^[0-9a-fA-F]{40}$/;

export function CredentialDialog({ credential, onClose }: { credential?: Credential; onClose(saved?: Credential): void }) {
  const { t } = useTranslation("credentials");
  const form = useForm<CredentialForm>({
    initialValues: formOf(credential),
    validate: {
      name: (value) => (value.trim() === "" ? t("needed") : null),
      k_g: (value) => (value === "" || KEY.test(value) ? null : t("keyWrong")),
      settings: (value) => (parseSettings(value) === undefined ? t("settingsWrong") : null),
    },
  });
  const save = useChange(["credentials"], (values: CredentialForm) => {
    const body = bodyOf(values);
    return credential
      ? take(api.PUT("/api/v1/credentials/{id}", { params: { path: { id: credential.id } }, body, headers: ifMatch(credential) }))
      : take(api.POST("/api/v1/credentials", { body }));
  });
  const show = { "aria-label": t("show") };
  return (
    <FormDialog
      title={credential ? t("edit", { name: credential.name }) : t("add")}
      form={form}
      onClose={() => onClose()}
      onSave={async (values) => {
        const saved = await save.mutateAsync(values);
        void tellDone(t("saved", { name: values.name }));
        onClose(saved);
      }}
    >
      <TextInput label={t("name")} description={t("nameHint")} withAsterisk data-autofocus autoComplete="off" {...form.getInputProps("name")} />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput label={t("username")} description={t("usernameHint")} autoComplete="off" spellCheck={false} {...form.getInputProps("username")} />
        <Stack gap={6}>
          <PasswordInput
            label={t("password")}
            description={credential?.password_set ? t("stays") : t("passwordHint")}
            autoComplete="new-password"
            visibilityToggleButtonProps={show}
            disabled={form.values.withoutPassword}
            {...form.getInputProps("password")}
          />
          {credential?.password_set && <Checkbox label={t("removePassword")} {...form.getInputProps("withoutPassword", { type: "checkbox" })} />}
        </Stack>
        <Select label={t("driver")} allowDeselect={false} data={(["LAN_2_0", "LAN"] as const).map((value) => ({ value, label: t(`drivers.${value}`) }))} {...form.getInputProps("driver")} />
        <Select
          label={t("privilege")}
          allowDeselect={false}
          data={["", "user", "operator", "admin"].map((value) => ({ value, label: t(`privileges.${value || "lowest"}`) }))}
          {...form.getInputProps("privilege")}
        />
      </SimpleGrid>
      <Textarea label={t("description")} autosize minRows={1} {...form.getInputProps("description")} />
      <Fieldset legend={t("more")}>
        <Stack>
          <PasswordInput
            label={t("key")}
            description={credential?.k_g_set ? t("stays") : t("keyHint")}
            autoComplete="off"
            visibilityToggleButtonProps={show}
            disabled={form.values.withoutKey}
            {...form.getInputProps("k_g")}
          />
          {credential?.k_g_set && <Checkbox label={t("removeKey")} {...form.getInputProps("withoutKey", { type: "checkbox" })} />}
          <Textarea
            label={t("settings")}
            description={t("settingsHint")}
            placeholder={'{"collectors": ["bmc", "ipmi", "chassis"]}'}
            autosize
            minRows={2}
            maxRows={12}
            spellCheck={false}
            ff="monospace"
            {...form.getInputProps("settings")}
          />
        </Stack>
      </Fieldset>
    </FormDialog>
  );
}
