/** Everything that happened to an episode, the newest last. */
import { Box, Group, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Moment } from "@/components/Moment";
import { useFormat } from "@/i18n/format";
import { type AlertEvent, detailText } from "./life";

export function Events({ events }: { events: AlertEvent[] }) {
  return (
    <Stack gap={0} component="ol" m={0} p={0}>
      {numbered(events).map(({ key, event }) => (
        <Event key={key} event={event} />
      ))}
    </Stack>
  );
}

/** With keys: two of a kind may have the same moment. */
function numbered(events: AlertEvent[]) {
  return events.map((event, index) => ({ key: `${event.kind} ${event.at} ${index}`, event }));
}

function Event({ event }: { event: AlertEvent }) {
  const { t } = useTranslation("alerts");
  const more = useMore(event);
  return (
    <Box component="li" display="block" py={5}>
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <Text size="sm" c="dimmed" w={170} flex="none">
          <Moment at={event.at} />
        </Text>
        <Stack gap={2} flex={1} miw={0}>
          <Text size="sm" fw={550}>
            {event.actor ? t("events.by", { what: t(`events.${event.kind}`), who: event.actor }) : t(`events.${event.kind}`)}
          </Text>
          {more && (
            <Text size="sm" style={{ overflowWrap: "anywhere", whiteSpace: "pre-line" }}>
              {more}
            </Text>
          )}
        </Stack>
      </Group>
    </Box>
  );
}

/** What there is to say besides the kind, in the reader's language as far as it has words of ours. */
function useMore(event: AlertEvent): string | undefined {
  const { t } = useTranslation("alerts");
  const format = useFormat();
  const text = (name: string) => detailText(event, name);
  switch (event.kind) {
    case "notified": {
      const status = text("status");
      return t("events.toReceiver", {
        receiver: text("receiver") ?? "",
        status: status ? t(`alertStates.${status}`, { defaultValue: status }) : "",
      });
    }
    case "silenced":
      return text("silences") && t("events.bySilences", { ids: text("silences") });
    case "inhibited":
      return text("inhibited_by") && t("events.byAlerts", { ids: text("inhibited_by") });
    case "assigned":
      return text("assignee") ?? t("facts.nobody");
    case "resolved":
      return text("reason") && t(`reasons.${text("reason")}`);
    case "expired":
    case "reconstructed": {
      const [from, to] = [text("gap_from"), text("gap_until")];
      return from && to ? t("events.gap", { from: format.time(from), to: format.time(to) }) : undefined;
    }
    default:
      return text("text");
  }
}
