/** The head of a page: its name, how things stand in one line, and what to do. */
import { Group, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

export function PageTitle({ title, state, children }: { title: string; state?: ReactNode; children?: ReactNode }) {
  const { t } = useTranslation("shell");
  useDocumentTitle(`${title} · ${t("product")}`);
  return (
    <Group justify="space-between" align="flex-start" mb="md" gap="sm">
      <Stack gap={0}>
        <Title order={1} size="h3">
          {title}
        </Title>
        {state !== undefined && (
          <Text c="dimmed" size="sm" component="div">
            {state}
          </Text>
        )}
      </Stack>
      {children && <Group gap="xs">{children}</Group>}
    </Group>
  );
}
