/** Each artefact at each server: where it stands, and what to do about it. */
import { Alert, Anchor, Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { IconEye, IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "@/api/client";
import { useMay, useUser } from "@/api/session";
import { tell, tellDone } from "@/app/tell";
import { useConfirm } from "@/components/confirm";
import { Moment } from "@/components/Moment";
import { StateBadge } from "@/components/StateBadge";
import { Empty, Failed, LoadingRows } from "@/components/states";
import { useFormat } from "@/i18n/format";
import { byNeed, type Status, syncState } from "./changes";
import { Plan } from "./Plan";

interface Props {
  statuses: Status[] | undefined;
  error: Error | null;
  onRetry(): void;
}

export function Artefacts({ statuses, error, onRetry }: Props) {
  const { t } = useTranslation("sync");
  if (!statuses) {
    return error ? <Failed error={error} onRetry={onRetry} /> : <LoadingRows rows={3} height={120} />;
  }
  if (statuses.length === 0) {
    return <Empty title={t("nothing.title")} text={t("nothing.text")} />;
  }
  return (
    <Stack gap="md">
      {error && <Failed error={error} onRetry={onRetry} />}
      {byNeed(statuses).map((status) => (
        <Artefact key={`${status.artefact} ${status.server}`} status={status} />
      ))}
    </Stack>
  );
}

function Artefact({ status }: { status: Status }) {
  const { t } = useTranslation("sync");
  const format = useFormat();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const user = useUser();
  // A plan names servers of all groups.
  const maySeePlan = user.group_ids === null || user.group_ids === undefined;
  const mayResume = useMay("admin") && maySeePlan;
  const [isOpen, setOpen] = useState(false);
  const { artefact, server, state, waiting } = status;
  const name = t(`artefacts.${artefact}`, { defaultValue: artefact });
  const version = useQuery({
    queryKey: ["sync", "versions", "one", status.published_version],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/sync/versions/{id}", { params: { path: { id: status.published_version ?? 0 } }, signal })),
    enabled: maySeePlan && Boolean(status.published_version),
  });
  const resume = useMutation({
    mutationFn: () => take(api.POST("/api/v1/sync/resume", { params: { query: { artefact, server } } })),
    onSuccess: () => void tellDone(t("resume.done")),
    onSettled: () => queries.invalidateQueries({ queryKey: ["sync"] }),
    onError: tell,
  });
  return (
    <Paper withBorder p="md" bg="var(--surface)" component="section" aria-label={t("at", { artefact: name, server })}>
      <Stack gap="sm">
        <Group justify="space-between" align="flex-start">
          <Group gap="sm">
            <Title order={2} size="h5">
              {t("at", { artefact: name, server })}
            </Title>
            <StateBadge state={syncState(state)} label={t(`syncStates.${state}`, { defaultValue: state })} />
            <Text size="sm" c="dimmed">
              {t("since")} <Moment at={status.since} form="relative" />
            </Text>
          </Group>
          <Group gap="xs">
            {state === "held" && mayResume && (
              <Button
                size="xs"
                leftSection={<IconPlayerPlay size={15} aria-hidden />}
                loading={resume.isPending}
                onClick={async () => {
                  if (await confirm({ title: t("resume.title", { name, server }), text: t("resume.text"), action: t("resume.action") })) {
                    resume.mutate();
                  }
                }}
              >
                {t("resume.action")}
              </Button>
            )}
            {maySeePlan && (
              <Button
                size="xs"
                variant="default"
                leftSection={<IconEye size={15} aria-hidden />}
                onClick={() => setOpen(!isOpen)}
                aria-expanded={isOpen}
                aria-label={t("plan.of", { name, server })}
              >
                {isOpen ? t("plan.hide") : t("plan.show")}
              </Button>
            )}
          </Group>
        </Group>
        {status.message !== "" && (
          <Alert color={syncState(state) === "critical" ? "red" : "yellow"} variant="light" role="status">
            <span lang="en">{status.message}</span>
          </Alert>
        )}
        {status.warnings.map((warning) => (
          <span key={warning} lang="en">
            <StateBadge state="warning" label={warning} size="small" />
          </span>
        ))}
        <Group gap="xl" align="flex-start">
          <Figure name={t("figures.entries")}>{format.number(status.entries)}</Figure>
          <Figure name={t("figures.waiting")}>
            {waiting
              ? t("counts", { added: waiting.added, removed: waiting.removed, changed: waiting.changed })
              : t("figures.nothing")}
          </Figure>
          <Figure name={t("figures.version")}>
            {status.published_version ? (
              maySeePlan ? (
                <Anchor component={Link} to={`/sync/versions/${status.published_version}`} size="sm">
                  {status.published_version}
                </Anchor>
              ) : (
                status.published_version
              )
            ) : (
              "–"
            )}
            {version.data && ` · ${version.data.author}`}
          </Figure>
          <Figure name={t("figures.verified")}>
            <Moment at={status.verified_at} form="relative" />
          </Figure>
          {status.blind_spots > 0 && (
            <Figure name={t("figures.blind")}>
              <Anchor component={Link} to="/coverage" size="sm">
                {format.number(status.blind_spots)}
              </Anchor>
            </Figure>
          )}
          {status.repairs > 0 && (
            <Figure name={t("figures.repairs")}>
              {format.number(status.repairs)} · <Moment at={status.repaired_at} form="relative" />
            </Figure>
          )}
          {status.failures > 0 && (
            <Figure name={t("figures.failures")}>
              {format.number(status.failures)} · <Moment at={status.failed_at} form="relative" />
            </Figure>
          )}
        </Group>
        {isOpen && <Plan artefact={artefact} server={server} revision={status.revision} state={state} />}
      </Stack>
    </Paper>
  );
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Stack gap={0}>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text size="sm" className="number" component="div">
        {children}
      </Text>
    </Stack>
  );
}
