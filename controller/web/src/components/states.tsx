/** What is shown instead of content: nothing there, not there yet, not to be had. */
import { Alert, Box, Button, Center, Group, Loader, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconInbox, IconReload } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { asProblem } from "@/api/problem";

/** Content is on its way. */
export function Loading() {
  const { t } = useTranslation("shell", { useSuspense: false });
  return (
    <Center mih={200} role="status">
      <Loader aria-hidden />
      <span className="visually-hidden">{t("loading")}</span>
    </Center>
  );
}

/** Rows on their way, in the height that they will have. */
export function LoadingRows({ rows = 8, height = 36 }: { rows?: number; height?: number }) {
  const { t } = useTranslation("shell");
  return (
    <Stack gap={6} role="status" aria-label={t("loading")}>
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={height - 6} />
      ))}
    </Stack>
  );
}

/** There is nothing, and what to do about it. */
export function Empty({ title, text, icon, children }: { title: string; text?: string; icon?: ReactNode; children?: ReactNode }) {
  return (
    <Center mih={200} p="xl">
      <Stack align="center" gap="xs" maw={460}>
        <Box c="dimmed" aria-hidden>
          {icon ?? <IconInbox size={40} stroke={1.3} />}
        </Box>
        <Title order={2} size="h4" ta="center">
          {title}
        </Title>
        {text && (
          <Text c="dimmed" ta="center">
            {text}
          </Text>
        )}
        {children}
      </Stack>
    </Center>
  );
}

/** It went wrong: what, and what to do. The controller's own words are English. */
export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation("shell");
  const problem = asProblem(error);
  const word = problemWord(problem.status);
  return (
    <Alert
      role="alert"
      color="red"
      variant="light"
      icon={<IconAlertTriangle aria-hidden />}
      title={t(`problem.${word}.title`)}
      maw={760}
    >
      <Stack gap="xs">
        <Text size="sm">{t(`problem.${word}.text`)}</Text>
        {problem.message && (
          <Text size="sm" lang="en" ff="monospace" style={{ overflowWrap: "anywhere" }}>
            {problem.message}
          </Text>
        )}
        {onRetry && (
          <Group>
            <Button size="xs" variant="default" leftSection={<IconReload size={15} aria-hidden />} onClick={onRetry}>
              {t("retry")}
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  );
}

const WORDS: Record<number, string> = {
  0: "offline",
  400: "invalid",
  401: "unauthorized",
  403: "forbidden",
  404: "missing",
  409: "conflict",
  412: "changed",
  422: "invalid",
  429: "tooMany",
  502: "upstream",
  503: "busy",
  504: "upstream",
};

/** The word of the catalogue for a status. */
export function problemWord(status: number): string {
  return WORDS[status] ?? "other";
}
