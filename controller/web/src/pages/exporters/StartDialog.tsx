/** How to start an exporter: a token that is shown once, the commands, and whether it has come. */
import { Alert, Button, Group, Modal, Stack, Text } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useChange } from "@/api/change";
import { api, take } from "@/api/client";
import { Copyable } from "@/components/Copyable";
import { Failed } from "@/components/states";
import { ChannelDetails } from "./ChannelState";
import { type Exporter, startCommands } from "./channel";

export function StartDialog({ exporter, onClose }: { exporter: Exporter; onClose(): void }) {
  const { t } = useTranslation("exporters");
  const { t: shell } = useTranslation("shell");
  return (
    <Modal opened onClose={onClose} title={t("start.title", { name: exporter.name })} size="xl" closeOnClickOutside={false} closeButtonProps={{ "aria-label": shell("close") }}>
      <StartSteps exporter={exporter} />
      <Group justify="flex-end" mt="md">
        <Button onClick={onClose}>{shell("close")}</Button>
      </Group>
    </Modal>
  );
}

export function StartSteps({ exporter }: { exporter: Exporter }) {
  const { t } = useTranslation("exporters");
  const make = useChange(["tokens"], () =>
    take(api.POST("/api/v1/tokens", { body: { name: `exporter ${exporter.name}`, kind: "exporter", exporter_id: exporter.id, scopes: [] } })),
  );
  return (
    <Stack>
      <Text size="sm">{t("start.intro")}</Text>
      {make.data ? (
        <Alert color="yellow" icon={<IconKey aria-hidden />} title={t("start.once")}>
          <Copyable text={make.data.token} label={t("start.token")} />
        </Alert>
      ) : (
        <Group>
          <Button leftSection={<IconKey size={16} aria-hidden />} loading={make.isPending} onClick={() => make.mutate(undefined)}>
            {t("start.make")}
          </Button>
        </Group>
      )}
      {make.error && <Failed error={make.error} />}
      <Text size="sm">{t("start.commands")}</Text>
      <Copyable text={startCommands(location.origin, exporter.url)} label={t("start.commandsLabel")} />
      <Text size="sm" c="dimmed">
        {t("start.encryption")}
      </Text>
      <ChannelDetails exporter={exporter} />
    </Stack>
  );
}
