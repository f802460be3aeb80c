/** Changes one's own password. All other log-ins of the user end. */
import { PasswordInput, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { useChange } from "@/api/change";
import { api, take } from "@/api/client";
import { tellDone } from "@/app/tell";
import { FormDialog } from "@/components/FormDialog";

/** Least bytes that the controller takes. */
const LEAST = 10;

export function PasswordDialog({ onClose }: { onClose(isDone: boolean): void }) {
  const { t } = useTranslation("administration");
  const form = useForm({
    initialValues: { current_password: "", new_password: "", again: "" },
    validate: {
      current_password: (value) => (value === "" ? t("password.needed") : null),
      new_password: (value) => (new TextEncoder().encode(value).length < LEAST ? t("password.short", { least: LEAST }) : null),
      again: (value, values) => (value === values.new_password ? null : t("password.differs")),
    },
  });
  const change = useChange([], ({ current_password, new_password }: { current_password: string; new_password: string }) =>
    take(api.POST("/api/v1/auth/password", { body: { current_password, new_password } })),
  );
  const show = { "aria-label": t("password.show") };
  return (
    <FormDialog
      title={t("password.title")}
      form={form}
      size="md"
      onClose={() => onClose(false)}
      onSave={async (values) => {
        await change.mutateAsync(values);
        void tellDone(t("password.done"));
        onClose(true);
      }}
    >
      <Text size="sm">{t("password.text")}</Text>
      <PasswordInput label={t("password.current")} autoComplete="current-password" data-autofocus visibilityToggleButtonProps={show} {...form.getInputProps("current_password")} />
      <PasswordInput label={t("password.new")} description={t("password.short", { least: LEAST })} autoComplete="new-password" visibilityToggleButtonProps={show} {...form.getInputProps("new_password")} />
      <PasswordInput label={t("password.again")} autoComplete="new-password" visibilityToggleButtonProps={show} {...form.getInputProps("again")} />
    </FormDialog>
  );
}
