/** What publishing would change, what would become of alerts, and the word that lets it through. */
import { Alert, Button, Group, List, Stack, Text, Title } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, type Schema, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { useMay } from "@/api/session";
import { tell, tellDone } from "@/app/tell";
import { useConfirm } from "@/components/confirm";
import { DiffText } from "@/components/DiffText";
import { Labels } from "@/components/Labels";
import { StateBadge } from "@/components/StateBadge";
import { Failed, LoadingRows } from "@/components/states";
import { ChangeList } from "./ChangeList";
import type { Status } from "./changes";

interface Props {
  artefact: Status["artefact"];
  server: string;
  /** Of the desired state; with another one the plan is another. */
  revision: number;
  state: string;
}

export function Plan({ artefact, server, revision, state }: Props) {
  const { t } = useTranslation("sync");
  const confirm = useConfirm();
  const mayConfirm = useMay("operator");
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: ["sync", "plan", artefact, server, revision, state],
    queryFn: ({ signal }) => take(api.POST("/api/v1/sync/plan", { params: { query: { artefact, server } }, signal })),
  });
  const letThrough = useMutation({
    mutationFn: (seen: number) =>
      take(api.POST("/api/v1/sync/confirm", { params: { query: { artefact, server } }, body: { revision: seen } })),
    onSuccess: () => void tellDone(t("confirm.done")),
    onError: (problem) => {
      if (asProblem(problem).status !== 409) {
        void tell(problem);
      }
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["sync"] }),
  });
  if (!data) {
    return error ? <Failed error={error} onRetry={() => void refetch()} /> : <LoadingRows rows={4} />;
  }
  const plan = data.artefacts[0];
  if (!plan) {
    return null;
  }
  const changes = plan.added + plan.removed + plan.changed;
  const needsWord = plan.needs_confirmation || state === "failed" || state === "awaiting_confirmation";
  return (
    <Stack gap="md">
      <Text fw={600}>
        {changes === 0
          ? t("plan.nothing")
          : t("plan.summary", { added: plan.added, removed: plan.removed, changed: plan.changed, entries: plan.entries })}
      </Text>
      {plan.refusal && (
        <Alert color="red" title={t("plan.refusal")}>
          <span lang="en">{plan.refusal}</span>
        </Alert>
      )}
      {plan.objection && (
        <Alert color="yellow" title={t("plan.objection")}>
          <span lang="en">{plan.objection}</span>
        </Alert>
      )}
      {letThrough.error && asProblem(letThrough.error).status === 409 && (
        <Alert color="yellow" role="alert">
          {t("confirm.moved")}
        </Alert>
      )}
      {plan.warnings.map((warning) => (
        <span key={warning} lang="en">
          <StateBadge state="warning" label={warning} size="small" />
        </span>
      ))}
      {changes > 0 && (
        <>
          <Impact impact={plan.impact} />
          <Title order={3} size="h6">
            {t("plan.changes")}
          </Title>
          <ChangeList changes={plan.changes} />
        </>
      )}
      {plan.diff.text !== "" && (
        <>
          <Title order={3} size="h6">
            {t("plan.diff")}
          </Title>
          <DiffText text={plan.diff.text} label={t("plan.diff")} />
          {plan.diff.is_cut && <Text size="sm">{t("plan.cut")}</Text>}
        </>
      )}
      {plan.blind_spots.length > 0 && (
        <>
          <Title order={3} size="h6">
            {t("figures.blind")}
          </Title>
          <List size="sm">
            {plan.blind_spots.map(({ server_id: id, server_name: name, reason }) => (
              <List.Item key={id}>
                {name}: <span lang="en">{reason}</span>
              </List.Item>
            ))}
          </List>
        </>
      )}
      {mayConfirm && needsWord && changes > 0 && (
        <Group>
          <Button
            leftSection={<IconCheck size={16} aria-hidden />}
            loading={letThrough.isPending}
            onClick={async () => {
              const question = {
                title: t("confirm.title", { server }),
                text: t("confirm.text", { added: plan.added, removed: plan.removed, changed: plan.changed }),
                action: t("confirm.action"),
                isDangerous: plan.removed > 0,
              };
              if (await confirm(question)) {
                letThrough.mutate(data.revision);
              }
            }}
          >
            {t("confirm.action")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

/** Alerts of a set that are shown with their labels. */
const SHOWN = 8;

function Impact({ impact }: { impact: Schema<"ImpactBody"> }) {
  const { t } = useTranslation("sync");
  return (
    <Stack gap="xs">
      <Title order={3} size="h6">
        {t("impact.title")}
      </Title>
      {impact.unknown && (
        <Text size="sm">
          {t("impact.unknown")} <span lang="en">{impact.unknown}</span>
        </Text>
      )}
      {impact.ending.count + impact.beginning.count + impact.state_lost.length === 0 && !impact.unknown && (
        <Text size="sm" c="dimmed">
          {t("impact.none")}
        </Text>
      )}
      {(["ending", "beginning"] as const).map((kind) =>
        impact[kind].count === 0 ? null : (
          <Stack key={kind} gap={4}>
            <Text size="sm" fw={550}>
              {t(`impact.${kind}`, { count: impact[kind].count })}
            </Text>
            {numbered(impact[kind].alerts.slice(0, SHOWN)).map(({ key, labels }) => (
              <Labels key={key} labels={labels} />
            ))}
          </Stack>
        ),
      )}
      {impact.state_lost.map(({ group, alert, reason, pending, firing }) => (
        <Text key={`${group} ${alert}`} size="sm">
          {t("impact.lost", { alert: `${group}/${alert}`, pending, firing })} <span lang="en">{reason}</span>
        </Text>
      ))}
    </Stack>
  );
}

function numbered(alerts: Record<string, string>[]) {
  return alerts.map((labels, index) => ({ key: `alert ${index}`, labels: Object.entries(labels) }));
}
