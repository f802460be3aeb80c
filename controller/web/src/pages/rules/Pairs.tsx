/** Names with values: labels and annotations. */
import { ActionIcon, Button, Group, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Pair } from "./draft";

interface Props {
  title: string;
  pairs: Pair[];
  /** Absent for who may only read. */
  onChange?(pairs: Pair[]): void;
  /** What is wrong, by name. */
  errorOf(name: string): string | undefined;
}

export function Pairs({ title, pairs, onChange, errorOf }: Props) {
  const { t } = useTranslation("rules");
  const set = (index: number, pair: Pair) => onChange?.(pairs.map((old, at) => (at === index ? pair : old)));
  return (
    <Stack gap={6} role="group" aria-label={title}>
      <Text size="sm" fw={600} component="div">
        {title}
      </Text>
      {numbered(pairs).map(({ key, index, name, value }) => (
        <Group key={key} gap={6} align="flex-start" wrap="nowrap">
          <TextInput
            aria-label={t("pairs.name", { title, number: index + 1 })}
            placeholder={t("pairs.namePlaceholder")}
            value={name}
            readOnly={!onChange}
            onChange={(event) => set(index, [event.currentTarget.value, value])}
            w={170}
            flex="none"
            spellCheck={false}
          />
          <Textarea
            aria-label={t("pairs.value", { title, name: name || String(index + 1) })}
            value={value}
            readOnly={!onChange}
            onChange={(event) => set(index, [name, event.currentTarget.value])}
            error={errorOf(name)}
            autosize
            minRows={1}
            maxRows={6}
            flex={1}
            spellCheck={false}
          />
          {onChange && (
            <ActionIcon
              variant="subtle"
              color="gray"
              size={34}
              onClick={() => onChange(pairs.filter((_, at) => at !== index))}
              aria-label={t("pairs.remove", { title, name: name || String(index + 1) })}
            >
              <IconTrash size={16} />
            </ActionIcon>
          )}
        </Group>
      ))}
      {pairs.length === 0 && !onChange && <Text c="dimmed">–</Text>}
      {onChange && (
        <Group>
          <Button
            size="compact-sm"
            variant="subtle"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={() => onChange([...pairs, ["", ""]])}
            aria-label={t("pairs.addTo", { title })}
          >
            {t("pairs.add")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

/** The place is the key: names change while one writes, and may be there twice. */
function numbered(pairs: Pair[]) {
  return pairs.map(([name, value], index) => ({ key: `pair ${index}`, index, name, value }));
}
