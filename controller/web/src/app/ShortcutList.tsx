/** All keys that do something now. */
import { Group, Kbd, Modal, Stack, Table, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Shortcut } from "./shortcuts";

export default function ShortcutList({ shortcuts, onClose }: { shortcuts: Shortcut[]; onClose(): void }) {
  const { t } = useTranslation("shell");
  return (
    <Modal opened onClose={onClose} title={t("shortcuts.title")} closeButtonProps={{ "aria-label": t("close") }} size="lg">
      <Stack>
        <Table>
          <Table.Tbody>
            {[{ keys: "Ctrl K", label: t("shortcuts.palette") }, ...shortcuts].map(({ keys, label }) => (
              <Table.Tr key={`${keys} ${label}`}>
                <Table.Td w={140}>
                  <Group gap={4} wrap="nowrap">
                    {keys.split(" ").map((key) => (
                      <Kbd key={key}>{key}</Kbd>
                    ))}
                  </Group>
                </Table.Td>
                <Table.Td>{label}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Text size="sm" c="dimmed">
          {t("shortcuts.hint")}
        </Text>
      </Stack>
    </Modal>
  );
}
