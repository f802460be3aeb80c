/** How it stands with an exporter's configuration, asked for each by itself. */
import { Group, Skeleton, Stack, Text, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, take } from "@/api/client";
import { Moment } from "@/components/Moment";
import { StateBadge } from "@/components/StateBadge";
import { CHANNEL_STATES, channelWord, type Exporter } from "./channel";

/** Nobody tells of an exporter that stays away. */
const INTERVAL_MS = 10_000;

function useChannel(id: number) {
  return useQuery({
    queryKey: ["exporters", id],
    queryFn: ({ signal }) => take(api.GET("/api/v1/exporters/{id}", { params: { path: { id } }, signal })),
    refetchInterval: INTERVAL_MS,
  });
}

/** In a table. */
export function ChannelState({ exporter }: { exporter: Exporter }) {
  const { t } = useTranslation("exporters");
  const { data } = useChannel(exporter.id);
  if (!data) {
    return <Skeleton height={14} width={90} />;
  }
  const word = channelWord(exporter.enabled, data.channel);
  return (
    <Tooltip label={data.channel?.error ?? t(`channel.${word}.text`)} multiline maw={380}>
      <span tabIndex={-1}>
        <StateBadge state={CHANNEL_STATES[word]} label={t(`channel.${word}.title`)} size="small" />
      </span>
    </Tooltip>
  );
}

/** With all that is known. */
export function ChannelDetails({ exporter }: { exporter: Exporter }) {
  const { t } = useTranslation("exporters");
  const { data } = useChannel(exporter.id);
  if (!data) {
    return <Skeleton height={60} />;
  }
  const { channel } = data;
  const word = channelWord(exporter.enabled, channel);
  return (
    <Stack gap={6} aria-live="polite">
      <StateBadge state={CHANNEL_STATES[word]} label={t(`channel.${word}.title`)} />
      <Text size="sm">{t(`channel.${word}.text`)}</Text>
      {channel?.error && (
        <Text size="sm" ff="monospace" lang="en">
          {channel.error}
        </Text>
      )}
      {channel && (
        <Group gap="lg">
          <Text size="sm" c="dimmed" component="div">
            {t("lastSeen")} <Moment at={channel.last_seen_at} form="relative" />
          </Text>
          {channel.exporter_version && (
            <Text size="sm" c="dimmed">
              {t("version", { version: channel.exporter_version })}
            </Text>
          )}
        </Group>
      )}
    </Stack>
  );
}
