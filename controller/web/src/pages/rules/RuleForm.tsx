/** One rule as a form, and what it would have done. */
import { Group, Paper, SegmentedControl, Stack, Switch, Text, TextInput, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Schema } from "@/api/client";
import { StateBadge } from "@/components/StateBadge";
import { Backtest } from "./Backtest";
import { CodeEditor } from "./CodeEditor";
import { type RuleDraft, ruleOf } from "./draft";
import { Pairs } from "./Pairs";

const NOTHING: ReadonlyMap<string, string> = new Map();

interface Props {
  rule: RuleDraft;
  onChange?(rule: RuleDraft): void;
  errors: ReadonlyMap<string, string> | undefined;
  finding: Schema<"RuleFinding"> | undefined;
}

export function RuleForm({ rule, onChange, errors = NOTHING, finding }: Props) {
  const { t } = useTranslation("rules");
  const set = (change: Partial<RuleDraft>) => onChange?.({ ...rule, ...change });
  const isAlert = rule.kind === "alert";
  const isReadOnly = onChange === undefined;
  // What has not been written yet is not called wrong.
  const exprError = rule.expr === "" ? undefined : (errors.get("expr") ?? finding?.error ?? undefined);
  return (
    <>
      <Paper withBorder p="md" bg="var(--surface)" component="section" aria-label={rule.name || t("list.unnamed")}>
        <Stack gap="md">
          <Group align="flex-end" gap="md">
            <SegmentedControl
              aria-label={t("fields.kind")}
              value={rule.kind}
              disabled={isReadOnly}
              data={[
                { value: "alert", label: t("fields.alert") },
                { value: "record", label: t("fields.record") },
              ]}
              onChange={(kind) => set({ kind: kind === "record" ? "record" : "alert" })}
            />
            <Switch
              label={t("fields.ruleEnabled")}
              checked={rule.enabled}
              disabled={isReadOnly}
              onChange={(event) => set({ enabled: event.currentTarget.checked })}
              mb={6}
            />
          </Group>
          <Group align="flex-start" gap="md">
            <TextInput
              label={isAlert ? t("fields.alertName") : t("fields.metricName")}
              value={rule.name}
              readOnly={isReadOnly}
              onChange={(event) => set({ name: event.currentTarget.value })}
              error={rule.name === "" ? undefined : errors.get(rule.kind)}
              flex="1 1 240px"
              spellCheck={false}
            />
            {isAlert && (
              <>
                <TextInput
                  label={t("fields.hold")}
                  description={t("fields.holdHint")}
                  inputWrapperOrder={["label", "input", "description", "error"]}
                  placeholder="5m"
                  value={rule.hold}
                  readOnly={isReadOnly}
                  onChange={(event) => set({ hold: event.currentTarget.value })}
                  error={errors.get("for")}
                  w={170}
                />
                <TextInput
                  label={t("fields.keepFiring")}
                  description={t("fields.keepFiringHint")}
                  inputWrapperOrder={["label", "input", "description", "error"]}
                  placeholder="0s"
                  value={rule.keepFiring}
                  readOnly={isReadOnly}
                  onChange={(event) => set({ keepFiring: event.currentTarget.value })}
                  error={errors.get("keep_firing_for")}
                  w={190}
                />
              </>
            )}
          </Group>
          <Stack gap={6}>
            <CodeEditor
              label={t("fields.expr")}
              language="promql"
              value={rule.expr}
              onChange={onChange && ((expr) => set({ expr }))}
              error={exprError}
            />
            {finding?.series !== undefined && finding.series !== null && (
              <Text size="sm" c="dimmed" role="status">
                {isAlert ? t("judging.would", { count: finding.series }) : t("judging.selects", { count: finding.series })}
              </Text>
            )}
            {finding?.warnings.map((warning) => (
              <span key={warning} lang="en">
                <StateBadge state="warning" label={warning} size="small" />
              </span>
            ))}
          </Stack>
          <Pairs title={t("fields.labels")} pairs={rule.labels} onChange={onChange && ((labels) => set({ labels }))} errorOf={(name) => errors.get(`labels.${name}`)} />
          {isAlert && (
            <Pairs
              title={t("fields.annotations")}
              pairs={rule.annotations}
              onChange={onChange && ((annotations) => set({ annotations }))}
              errorOf={(name) => errors.get(`annotations.${name}`)}
            />
          )}
        </Stack>
      </Paper>
      {isAlert && (
        <Paper withBorder p="md" bg="var(--surface)" component="section" aria-label={t("backtest.title")}>
          <Title order={2} size="h5" mb="xs">
            {t("backtest.title")}
          </Title>
          <Backtest rule={ruleOf(rule)} />
        </Paper>
      )}
    </>
  );
}
