/** A text that is made to be taken along: a token, a command. */
import { ActionIcon, Box, CopyButton, Group, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import classes from "./Copyable.module.css";

export function Copyable({ text, label }: { text: string; label: string }) {
  const { t } = useTranslation("shell");
  return (
    <Group gap={4} wrap="nowrap" align="flex-start">
      <Box component="pre" className={classes.text} tabIndex={0} aria-label={label}>
        {text}
      </Box>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? t("copied") : t("copy")}>
            <ActionIcon variant="default" size={34} onClick={copy} aria-label={`${t("copy")}: ${label}`}>
              {copied ? <IconCheck size={17} aria-hidden /> : <IconCopy size={17} aria-hidden />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Group>
  );
}
