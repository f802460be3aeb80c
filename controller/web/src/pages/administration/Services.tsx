/** Whether the servers that monitoring stands on answer: asked now, and every half minute. */
import { Button, Group, Paper, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconReload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, type Schema, take } from "@/api/client";
import { Moment } from "@/components/Moment";
import { type State, StateBadge } from "@/components/StateBadge";
import { Failed, LoadingRows } from "@/components/states";
import { componentState } from "./components";

const INTERVAL_MS = 30_000;

export function useHealth() {
  return useQuery({
    queryKey: ["health"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/monitoring/health", { signal })),
    refetchInterval: INTERVAL_MS,
  });
}

export function Services() {
  const { t } = useTranslation("administration");
  const { data, error, refetch, isFetching, dataUpdatedAt } = useHealth();
  if (!data) {
    return error ? <Failed error={error} onRetry={() => void refetch()} /> : <LoadingRows rows={3} height={80} />;
  }
  return (
    <Stack gap="sm" aria-live="polite">
      <Group>
        <Button size="xs" variant="default" loading={isFetching} leftSection={<IconReload size={15} aria-hidden />} onClick={() => void refetch()}>
          {t("services.test")}
        </Button>
        <Text size="sm" c="dimmed" component="div">
          {t("services.tested")} <Moment at={new Date(dataUpdatedAt).toISOString()} form="relative" />
        </Text>
      </Group>
      {error && <Failed error={error} />}
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
        {data.components.map((component) => (
          <Service key={component.name} component={component} />
        ))}
      </SimpleGrid>
    </Stack>
  );
}

function Service({ component }: { component: Schema<"Component"> }) {
  const { t } = useTranslation("administration");
  const { kind, name, word } = componentState(component);
  const states: Record<typeof word, State> = { well: "ok", ill: "critical", absent: "off" };
  return (
    <Paper withBorder p="md" bg="var(--surface)">
      <Stack gap={6}>
        <Text fw={600}>{kind === "exporter" ? t("services.exporter", { name }) : t(`services.${kind}`)}</Text>
        <Group>
          <StateBadge state={states[word]} label={t(`services.${word}`)} size="small" />
        </Group>
        {component.message && (
          <Text size="sm" ff="monospace" lang="en">
            {component.message}
          </Text>
        )}
        {word === "absent" && (
          <Text size="sm" c="dimmed">
            {t(`services.absentHints.${kind}`)}
          </Text>
        )}
      </Stack>
    </Paper>
  );
}
