/** The question that `useConfirm` asks. */
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Question } from "./confirm";

interface Props {
  question: Question;
  isOpen: boolean;
  onAnswer(isSure: boolean): void;
}

export default function ConfirmDialog({ question, isOpen, onAnswer }: Props) {
  const { t } = useTranslation("shell");
  return (
    <Modal
      opened={isOpen}
      onClose={() => onAnswer(false)}
      title={question.title}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <Body key={question.title} question={question} onAnswer={onAnswer} />
    </Modal>
  );
}

function Body({ question: { text, typed: wanted, isDangerous, action }, onAnswer }: Omit<Props, "isOpen">) {
  const { t } = useTranslation("shell");
  const [typed, setTyped] = useState("");
  return (
    <Stack>
      <Text component="div">{text}</Text>
      {wanted !== undefined && (
        <TextInput
          label={t("confirm.type", { word: wanted })}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
        />
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={() => onAnswer(false)}>
          {t("cancel")}
        </Button>
        <Button
          color={isDangerous ? "red" : undefined}
          disabled={wanted !== undefined && typed !== wanted}
          onClick={() => onAnswer(true)}
        >
          {action}
        </Button>
      </Group>
    </Stack>
  );
}
