/** One version of what was published: what it changed, and the way back to it. */
import { Anchor, Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { IconArrowBackUp } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { api, take } from "@/api/client";
import { useMay } from "@/api/session";
import { tell, tellDone } from "@/app/tell";
import { useConfirm } from "@/components/confirm";
import { Moment } from "@/components/Moment";
import { PageTitle } from "@/components/PageTitle";
import { StateBadge } from "@/components/StateBadge";
import { Failed, LoadingRows } from "@/components/states";
import { ChangeList } from "./ChangeList";

export const OUTCOMES = { published: "warning", verified: "ok", refused: "critical" } as const;

export default function VersionPage() {
  const { t } = useTranslation("sync");
  const id = Number(useParams().id);
  const mayRestore = useMay("admin");
  const confirm = useConfirm();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: ["sync", "versions", "one", id],
    queryFn: ({ signal }) => take(api.GET("/api/v1/sync/versions/{id}", { params: { path: { id } }, signal })),
  });
  const status = useQuery({
    queryKey: ["sync", "status"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/sync", { signal })),
  });
  const restore = useMutation({
    mutationFn: () => take(api.POST("/api/v1/sync/versions/{id}/restore", { params: { path: { id } } })),
    onSuccess: () => {
      void tellDone(t("restore.done", { id }));
      void navigate("/sync");
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["sync"] }),
    onError: tell,
  });
  if (!data) {
    return (
      <>
        <PageTitle title={t("version", { id })} state=" " />
        {error ? <Failed error={error} onRetry={() => void refetch()} /> : <LoadingRows rows={6} />}
      </>
    );
  }
  const name = t(`artefacts.${data.artefact}`, { defaultValue: data.artefact });
  const current = status.data?.artefacts.find(({ artefact, server }) => artefact === data.artefact && server === data.server);
  const isPublished = current?.published_version === id;
  return (
    <>
      <PageTitle
        title={t("version", { id })}
        state={
          <Group gap="sm">
            <span>{t("at", { artefact: name, server: data.server })}</span>
            <StateBadge state={OUTCOMES[data.outcome]} label={t(`outcomes.${data.outcome}`)} />
            {isPublished && <span>{t("isPublished")}</span>}
          </Group>
        }
      >
        {mayRestore && data.is_kept && !isPublished && (
          <Button
            leftSection={<IconArrowBackUp size={16} aria-hidden />}
            loading={restore.isPending}
            onClick={async () => {
              const question = {
                title: t("restore.title", { id }),
                text: t("restore.text", { name, server: data.server, entries: data.entries }),
                action: t("restore.action"),
                isDangerous: true,
              };
              if (await confirm(question)) {
                restore.mutate();
              }
            }}
          >
            {t("restore.action")}
          </Button>
        )}
      </PageTitle>
      <Stack gap="md">
        <Anchor component={Link} to="/sync?view=versions" size="sm">
          {t("back")}
        </Anchor>
        <Paper withBorder p="md" bg="var(--surface)">
          <Stack gap={4}>
            <Text size="sm">
              <Moment at={data.created_at} /> · {data.author} · {t(`syncReasons.${data.reason}`, { defaultValue: data.reason })}
            </Text>
            <Text size="sm" className="number">
              {t("plan.summary", { added: data.added, removed: data.removed, changed: data.changed, entries: data.entries })}
            </Text>
            {data.outcome_detail && (
              <Text size="sm" lang="en" style={{ overflowWrap: "anywhere" }}>
                {data.outcome_detail}
              </Text>
            )}
            {!data.is_kept && (
              <Text size="sm" c="dimmed">
                {t("notKept")}
              </Text>
            )}
            <Text size="xs" c="dimmed" ff="monospace" style={{ overflowWrap: "anywhere" }}>
              SHA-256 {data.digest}
            </Text>
          </Stack>
        </Paper>
        <Paper withBorder p="md" bg="var(--surface)" component="section" aria-label={t("plan.changes")}>
          <Title order={2} size="h5" mb="xs">
            {t("plan.changes")}
          </Title>
          <ChangeList changes={data.changes} />
        </Paper>
      </Stack>
    </>
  );
}
