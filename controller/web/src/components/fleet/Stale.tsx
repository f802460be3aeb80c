/** Says that figures are old or missing, and why. */
import { Alert, Text } from "@mantine/core";
import { IconPlugConnectedX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

export function Stale({ problem }: { problem: string | null | undefined }) {
  const { t } = useTranslation("fleet");
  if (!problem) {
    return null;
  }
  return (
    <Alert color="yellow" variant="light" icon={<IconPlugConnectedX aria-hidden />} title={t("stale.title")} mb="md">
      <Text size="sm">{t("stale.text")}</Text>
      <Text size="sm" ff="monospace" lang="en" style={{ overflowWrap: "anywhere" }}>
        {problem}
      </Text>
    </Alert>
  );
}
