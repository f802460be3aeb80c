/** How a scan is, with its progress while it runs. */
import { Badge, Group, Progress, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Schema } from "@/api/client";
import { useFormat } from "@/i18n/format";
import { percentOf } from "./networks";

export type Job = Schema<"Job">;

const COLOURS: Record<Job["state"], string> = { running: "brand", finished: "brand", cancelled: "gray", failed: "red" };

export function JobState({ job }: { job: Job }) {
  const { t } = useTranslation("discovery");
  const format = useFormat();
  if (job.state !== "running") {
    return (
      <Badge color={COLOURS[job.state]} variant="light" tt="none">
        {t(`states.${job.state}`)}
      </Badge>
    );
  }
  const percent = percentOf(job);
  return (
    <Group gap="xs" wrap="nowrap" miw={140}>
      <Progress.Root size="lg" flex={1}>
        <Progress.Section value={percent} aria-label={t("progress")} />
      </Progress.Root>
      <Text size="xs" className="number">
        {format.percent(percent / 100)}
      </Text>
    </Group>
  );
}
