/** The rules of a group at the left, the one that is looked at beside it. */
import { Badge, Button, Group, NavLink, Paper, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconArrowDown, IconArrowUp, IconCopy, IconPlus, IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Schema } from "@/api/client";
import { useUrlState } from "@/components/url";
import { NEW_RULE, type RuleDraft } from "./draft";
import { RuleForm } from "./RuleForm";
import classes from "./RuleList.module.css";

const DEFAULTS = { rule: "0" };

interface Props {
  rules: RuleDraft[];
  /** Absent for who may only read. */
  onChange?(rules: RuleDraft[]): void;
  /** What is wrong, by place and field. */
  errors: Map<number, Map<string, string>>;
  validation: Schema<"Validation"> | undefined;
}

export function RuleList({ rules, onChange, errors, validation }: Props) {
  const { t } = useTranslation("rules");
  const [{ rule }, setUrl] = useUrlState(DEFAULTS);
  const at = Math.min(Math.max(Number(rule) || 0, 0), Math.max(rules.length - 1, 0));
  const current = rules[at];
  const go = (index: number) => setUrl({ rule: String(index) });
  const move = (step: number) => {
    const next = [...rules];
    const [moved] = next.splice(at, 1);
    if (moved) {
      next.splice(at + step, 0, moved);
      onChange?.(next);
      go(at + step);
    }
  };
  return (
    <div className={classes.columns}>
      <Paper withBorder bg="var(--surface)" component="nav" aria-label={t("list.title")} className={classes.list}>
        {placed(rules).map(({ key, index, one }) => {
          const found = validation?.rules[index];
          const isWrong = errors.has(index) || Boolean(found?.error);
          return (
            <NavLink
              key={key}
              component="button"
              type="button"
              active={index === at}
              aria-current={index === at}
              onClick={() => go(index)}
              label={one.name || t("list.unnamed")}
              description={one.enabled ? undefined : t("marks.disabled")}
              leftSection={isWrong ? <IconAlertTriangle size={16} aria-label={t("list.wrong")} color="var(--state-critical)" /> : undefined}
              rightSection={
                found?.series !== undefined && found.series !== null ? (
                  <Badge variant="default" tt="none" className="number" title={t("list.series", { count: found.series })}>
                    {found.series}
                    <span className="visually-hidden"> {t("list.series", { count: found.series })}</span>
                  </Badge>
                ) : undefined
              }
              className={classes.entry}
            />
          );
        })}
        {onChange && (
          <Button
            m="xs"
            size="xs"
            variant="default"
            leftSection={<IconPlus size={15} aria-hidden />}
            onClick={() => {
              onChange([...rules, NEW_RULE]);
              go(rules.length);
            }}
          >
            {t("list.add")}
          </Button>
        )}
      </Paper>
      {current ? (
        <Stack gap="sm" className={classes.form}>
          {onChange && (
            <Group gap="xs" justify="flex-end">
              <Button size="xs" variant="default" disabled={at === 0} onClick={() => move(-1)} leftSection={<IconArrowUp size={14} aria-hidden />}>
                {t("list.up")}
              </Button>
              <Button size="xs" variant="default" disabled={at === rules.length - 1} onClick={() => move(1)} leftSection={<IconArrowDown size={14} aria-hidden />}>
                {t("list.down")}
              </Button>
              <Button
                size="xs"
                variant="default"
                leftSection={<IconCopy size={14} aria-hidden />}
                onClick={() => {
                  onChange(rules.toSpliced(at + 1, 0, current));
                  go(at + 1);
                }}
              >
                {t("list.copy")}
              </Button>
              <Button
                size="xs"
                variant="default"
                leftSection={<IconTrash size={14} aria-hidden />}
                onClick={() => {
                  onChange(rules.toSpliced(at, 1));
                  go(Math.max(0, at - 1));
                }}
              >
                {t("list.remove")}
              </Button>
            </Group>
          )}
          <RuleForm
            key={at}
            rule={current}
            onChange={onChange ? (next) => onChange(rules.with(at, next)) : undefined}
            errors={errors.get(at)}
            finding={validation?.rules[at]}
          />
        </Stack>
      ) : (
        <Text c="dimmed">{t("list.empty")}</Text>
      )}
    </div>
  );
}

/** The place is the key: names change while one writes. */
function placed(rules: RuleDraft[]) {
  return rules.map((one, index) => ({ key: `rule ${index}`, index, one }));
}
