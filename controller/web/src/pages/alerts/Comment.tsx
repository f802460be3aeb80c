/** Writes something about an episode. */
import { Button, Group, Stack, Textarea } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { asProblem } from "@/api/problem";
import { MAX_COMMENT } from "./Acknowledge";
import { useAlertActions } from "./data";

export function Comment({ id }: { id: number }) {
  const { t } = useTranslation("alerts");
  const [text, setText] = useState("");
  const { comment } = useAlertActions();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        comment.mutate({ id, text: text.trim() }, { onSuccess: () => setText("") });
      }}
    >
      <Stack gap="xs" mt="sm">
        <Textarea
          label={t("comment.label")}
          value={text}
          maxLength={MAX_COMMENT}
          onChange={(event) => setText(event.currentTarget.value)}
          error={comment.error ? asProblem(comment.error).message : undefined}
          autosize
          minRows={2}
          maxRows={10}
        />
        <Group justify="flex-end">
          <Button type="submit" size="xs" disabled={text.trim() === ""} loading={comment.isPending}>
            {t("comment.action")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
