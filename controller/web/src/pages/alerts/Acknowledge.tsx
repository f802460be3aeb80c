/** Takes notice of one alert or of several, with a word about it. */
import { Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { tellDone } from "@/app/tell";
import { useAlertActions } from "./data";
import type { Alert } from "./matching";

/** Longest comment that the controller takes. */
export const MAX_COMMENT = 4096;

export function Acknowledge({ alerts, onClose }: { alerts: Alert[]; onClose(): void }) {
  const { t } = useTranslation("alerts");
  const shell = useTranslation("shell").t;
  const { acknowledge } = useAlertActions();
  const [comment, setComment] = useState("");
  const name = alerts[0]?.alertname ?? "";
  const submit = () =>
    acknowledge.mutate(
      { ids: alerts.map(({ id }) => id), comment: comment.trim() },
      {
        onSuccess: () => {
          void tellDone(t("acknowledge.done", { count: alerts.length }));
          onClose();
        },
      },
    );
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("acknowledge.title", { count: alerts.length, name })}
      closeButtonProps={{ "aria-label": shell("close") }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Stack>
          <Text size="sm">{t("acknowledge.text")}</Text>
          <Textarea
            label={t("acknowledge.comment")}
            value={comment}
            onChange={(event) => setComment(event.currentTarget.value)}
            maxLength={MAX_COMMENT}
            autosize
            minRows={2}
            maxRows={8}
            data-autofocus
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {shell("cancel")}
            </Button>
            <Button type="submit" loading={acknowledge.isPending}>
              {t("acknowledge.action")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
