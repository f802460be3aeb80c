/** A form in a dialog: saves, and puts what is refused at its field. */
import { Button, Group, Modal, Stack } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Problem } from "@/api/problem";
import { applyProblem } from "./form";
import { Failed } from "./states";

interface Props<Values extends Record<string, unknown>> {
  title: string;
  form: UseFormReturnType<Values>;
  /** Does it; what it throws is shown. The caller closes the dialog. */
  onSave(values: Values): Promise<unknown>;
  onClose(): void;
  /** Word on the button; "Save" when absent. */
  action?: string;
  /** More buttons, left of it. */
  more?: ReactNode;
  size?: string;
  children: ReactNode;
}

/** Render it only while it is open: it begins anew each time. */
export function FormDialog<Values extends Record<string, unknown>>({
  title,
  form,
  onSave,
  onClose,
  action,
  more,
  size = "lg",
  children,
}: Props<Values>) {
  const { t } = useTranslation("shell");
  const [problem, setProblem] = useState<Problem>();
  const [isSaving, setSaving] = useState(false);
  const save = async (values: Values) => {
    setSaving(true);
    setProblem(undefined);
    try {
      await onSave(values);
    } catch (error) {
      setProblem(applyProblem(form, error));
    } finally {
      setSaving(false);
    }
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      size={size}
      // A click beside it must not throw away what was typed.
      closeOnClickOutside={false}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <form onSubmit={form.onSubmit((values) => void save(values))} noValidate aria-label={title}>
        <Stack>
          {children}
          {problem && <Failed error={problem} />}
          <Group justify="flex-end">
            {more}
            <Button variant="default" onClick={onClose}>
              {t("cancel")}
            </Button>
            <Button type="submit" loading={isSaving}>
              {action ?? t("save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
