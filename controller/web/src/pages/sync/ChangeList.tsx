/** Entries that come, go or change. */
import { Accordion, Group, Table, Text } from "@mantine/core";
import { IconMinus, IconPencil, IconPlus } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { type Change, changeKind, entryName, fieldChanges } from "./changes";

const ICONS = { added: IconPlus, removed: IconMinus, changed: IconPencil };

/** Most entries that the controller tells one by one. */
const MAX_TOLD = 200;

export function ChangeList({ changes }: { changes: Change[] }) {
  const { t } = useTranslation("sync");
  if (changes.length === 0) {
    return <Text c="dimmed">{t("changes.none")}</Text>;
  }
  return (
    <>
      <Accordion multiple chevronPosition="left">
        {numbered(changes).map(({ key, change }) => {
          const kind = changeKind(change);
          const Icon = ICONS[kind];
          return (
            <Accordion.Item key={key} value={key}>
              <Accordion.Control>
                <Group gap="xs">
                  <Icon size={16} aria-hidden />
                  <Text size="sm" fw={550} style={{ overflowWrap: "anywhere" }}>
                    {entryName(change)}
                  </Text>
                  <Text size="sm" c="dimmed">
                    {t(`changes.${kind}`)}
                  </Text>
                </Group>
              </Accordion.Control>
              <Accordion.Panel>
                <Table layout="fixed" aria-label={entryName(change)}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th w={180}>{t("changes.field")}</Table.Th>
                      <Table.Th>{t("changes.before")}</Table.Th>
                      <Table.Th>{t("changes.after")}</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {fieldChanges(change).map(({ field, before, after }) => (
                      <Table.Tr key={field} style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
                        <Table.Td>{field}</Table.Td>
                        <Table.Td>{before ?? "–"}</Table.Td>
                        <Table.Td>{after ?? "–"}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Accordion.Panel>
            </Accordion.Item>
          );
        })}
      </Accordion>
      {changes.length >= MAX_TOLD && (
        <Text size="sm" c="dimmed" mt="xs">
          {t("changes.cut", { count: MAX_TOLD })}
        </Text>
      )}
    </>
  );
}

function numbered(changes: Change[]) {
  return changes.map((change, index) => ({ key: `change-${index}`, change }));
}
