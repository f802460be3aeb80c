/** The filters that hold, each to be turned round or taken away, and one more in words. */
import { ActionIcon, Box, Group, Text, TextInput, UnstyledButton } from "@mantine/core";
import { IconFilter, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { formatMatcher, negate, parseMatcher } from "./matching";
import { useMatchers } from "./useMatchers";
import classes from "./MatcherBar.module.css";

export function MatcherBar() {
  const { t } = useTranslation("alerts");
  const { matchers, add, remove, replace } = useMatchers();
  const [text, setText] = useState("");
  const [isWrong, setWrong] = useState(false);
  return (
    <Box className={classes.bar}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const matcher = parseMatcher(text);
          setWrong(matcher === undefined);
          if (matcher) {
            add(matcher);
            setText("");
          }
        }}
      >
        <TextInput
          label={t("filter.label")}
          placeholder={t("filter.placeholder")}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setWrong(false);
          }}
          error={isWrong ? t("filter.wrong") : undefined}
          leftSection={<IconFilter size={15} aria-hidden />}
          autoComplete="off"
          spellCheck={false}
        />
      </form>
      {matchers.length > 0 && (
        <Group gap={6} mt={6} component="ul" className={classes.list} aria-label={t("filter.active")}>
          {matchers.map((matcher) => {
            const name = formatMatcher(matcher);
            return (
              <li key={name} className={classes.chip}>
                <UnstyledButton
                  className={classes.text}
                  onClick={() => replace(matcher, negate(matcher))}
                  aria-label={t("filter.negate", { name })}
                  title={t("filter.negate", { name })}
                >
                  <Text size="sm" component="span">
                    {name}
                  </Text>
                </UnstyledButton>
                <ActionIcon
                  size={24}
                  variant="transparent"
                  color="gray"
                  onClick={() => remove(matcher)}
                  aria-label={t("filter.remove", { name })}
                >
                  <IconX size={14} />
                </ActionIcon>
              </li>
            );
          })}
        </Group>
      )}
    </Box>
  );
}
