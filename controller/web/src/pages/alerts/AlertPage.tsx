/** One episode: what it is, its life, and what people say of it. */
import { Anchor, Box, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconArrowBackUp, IconBellOff, IconCheck, IconExternalLink } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { api, take } from "@/api/client";
import { useMay } from "@/api/session";
import { useShortcuts } from "@/app/shortcuts";
import { Labels } from "@/components/Labels";
import { Moment } from "@/components/Moment";
import { useNow } from "@/components/now";
import { PageTitle } from "@/components/PageTitle";
import { SeverityBadge } from "@/components/StateBadge";
import { Failed, LoadingRows } from "@/components/states";
import { currentLanguage, LANGUAGES } from "@/i18n";
import { useFormat } from "@/i18n/format";
import { Acknowledge } from "./Acknowledge";
import { Assignee } from "./Assignee";
import { Comment } from "./Comment";
import { useAlertActions } from "./data";
import { Events } from "./Events";
import { LifeLine } from "./LifeLine";
import { type AlertLife, hush, lasted, webAddress } from "./life";
import { annotation, sharedLabels, silencePath } from "./matching";

/** Annotations that have names in the reader's language. */
const TEXTS = ["summary", "description", "runbook"];
/** Annotations that need not be listed by their own names, also in other languages. */
const KNOWN = new Set(["runbook_url", ...TEXTS.flatMap((name) => [name, ...Object.keys(LANGUAGES).map((language) => `${name}_${language}`)])]);

export default function AlertPage() {
  const { t } = useTranslation("alerts");
  const id = Number(useParams().id);
  const { data, error, refetch } = useQuery({
    queryKey: ["alerts", "one", id],
    queryFn: ({ signal }) => take(api.GET("/api/v1/alerts/{id}", { params: { path: { id } }, signal })),
  });
  if (error && !data) {
    return (
      <>
        <PageTitle title={t("title")} />
        <Failed error={error} onRetry={() => void refetch()} />
      </>
    );
  }
  if (!data) {
    return (
      <>
        <PageTitle title={t("title")} state=" " />
        <LoadingRows rows={6} height={60} />
      </>
    );
  }
  return <Episode alert={data} />;
}

function Episode({ alert }: { alert: AlertLife }) {
  const { t } = useTranslation("alerts");
  const navigate = useNavigate();
  const format = useFormat();
  const now = useNow();
  const mayChange = useMay("operator");
  const { takeBack } = useAlertActions();
  const [isAsked, setAsked] = useState(false);
  const labels = useMemo(() => sharedLabels([alert]), [alert]);
  const silence = silencePath(labels);
  const isOpen = !alert.acknowledged_at;
  const shortcuts = useMemo(
    () =>
      mayChange
        ? [
            ...(isOpen ? [{ keys: "e", label: t("keys.acknowledge"), run: () => setAsked(true) }] : []),
            { keys: "m", label: t("keys.silence"), run: () => void navigate(silence) },
          ]
        : [],
    [t, mayChange, isOpen, navigate, silence],
  );
  useShortcuts(shortcuts);
  const generator = webAddress(alert.generator_url);
  const runbook = webAddress(alert.annotations.runbook_url);
  const why = hush(alert);
  const language = currentLanguage();
  return (
    <>
      <PageTitle
        title={alert.alertname}
        state={
          <Group gap="sm" mt={4}>
            <SeverityBadge severity={alert.severity} />
            <Text size="sm" component="span">
              {t(`alertStates.${alert.state}`)}
            </Text>
            <Text size="sm" component="span" className="number">
              {t("lastedFor", { duration: format.duration(lasted(alert, now)) })}
            </Text>
          </Group>
        }
      >
        {mayChange && (
          <>
            {isOpen ? (
              <Button leftSection={<IconCheck size={16} aria-hidden />} onClick={() => setAsked(true)}>
                {t("acknowledge.action")}
              </Button>
            ) : (
              <Button
                variant="default"
                leftSection={<IconArrowBackUp size={16} aria-hidden />}
                loading={takeBack.isPending}
                onClick={() => takeBack.mutate(alert.id)}
              >
                {t("acknowledge.takeBack")}
              </Button>
            )}
            {alert.state === "firing" && (
              <Button variant="default" component={Link} to={silence} leftSection={<IconBellOff size={16} aria-hidden />}>
                {t("silence")}
              </Button>
            )}
          </>
        )}
      </PageTitle>
      <Stack gap="md">
        <Card title={t("life.title")}>
          <LifeLine life={alert} />
          {why && (
            <Text size="sm" mt="sm">
              {t(`hush.${why}`)}
            </Text>
          )}
        </Card>
        <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
          <Stack gap="md">
            <Card title={t("facts.title")}>
              <Facts>
                {TEXTS.map((name) => {
                  const text = annotation(alert, name, language);
                  return text ? (
                    <Fact key={name} name={t(`facts.${name}`)}>
                      {text}
                    </Fact>
                  ) : null;
                })}
                <Fact name={t("columns.server")}>
                  {alert.server_id ? (
                    <Anchor component={Link} to={`/servers/${alert.server_id}`} size="sm">
                      {alert.labels.server_name ?? `#${alert.server_id}`}
                    </Anchor>
                  ) : (
                    (alert.labels.server_name ?? "–")
                  )}
                </Fact>
                <Fact name={t("columns.starts")}>
                  <Moment at={alert.starts_at} />
                </Fact>
                <Fact name={t("columns.ends")}>
                  <Moment at={alert.ends_at} />
                </Fact>
                {alert.end_reason && <Fact name={t("facts.reason")}>{t(`reasons.${alert.end_reason}`)}</Fact>}
                <Fact name={t("facts.acknowledged")}>
                  {alert.acknowledged_at ? (
                    <>
                      {alert.acknowledged_by} · <Moment at={alert.acknowledged_at} />
                    </>
                  ) : (
                    t("facts.nobody")
                  )}
                </Fact>
                <Fact name={t("facts.assignee")}>
                  <Assignee key={alert.assignee ?? ""} alert={alert} />
                </Fact>
                {Object.entries(alert.annotations)
                  .filter(([name]) => !KNOWN.has(name))
                  .map(([name, value]) => (
                    <Fact key={name} name={name}>
                      {value}
                    </Fact>
                  ))}
              </Facts>
              <Group gap="md" mt="sm">
                {runbook && <Outside href={runbook} text={t("facts.runbookPage")} />}
                {generator && <Outside href={generator} text={t("facts.generator")} />}
              </Group>
            </Card>
            <Card title={t("facts.labels")}>
              <Labels
                labels={labels}
                onPick={(name, value) => void navigate(`/alerts?${new URLSearchParams({ match: `${name}=${value}` })}`)}
              />
            </Card>
          </Stack>
          <Stack gap="md">
            <Card title={t("events.title")}>
              <Events events={alert.events} />
              {mayChange && <Comment id={alert.id} />}
            </Card>
            <Card title={t("earlier.title")}>
              <Earlier alert={alert} />
            </Card>
          </Stack>
        </SimpleGrid>
      </Stack>
      {isAsked && <Acknowledge alerts={[alert]} onClose={() => setAsked(false)} />}
    </>
  );
}

/** Other episodes of the same alert at the same server. */
function Earlier({ alert }: { alert: AlertLife }) {
  const { t } = useTranslation("alerts");
  const format = useFormat();
  const now = useNow();
  const query = { alertname: alert.alertname, server_id: alert.server_id ?? undefined };
  const { data } = useQuery({
    queryKey: ["alerts", "earlier", alert.alertname, alert.server_id],
    queryFn: ({ signal }) => take(api.GET("/api/v1/alerts", { params: { query: { ...query, limit: 20 } }, signal })),
  });
  const others = data?.items.filter(({ id, fingerprint }) => id !== alert.id && fingerprint === alert.fingerprint) ?? [];
  const params = new URLSearchParams({ view: "history", range: "all", alertname: alert.alertname });
  if (alert.server_id) {
    params.set("server", String(alert.server_id));
  }
  return (
    <Stack gap={6}>
      {others.slice(0, 8).map((other) => (
        <Group key={other.id} gap="sm">
          <Anchor component={Link} to={`/alerts/${other.id}`} size="sm">
            <Moment at={other.starts_at} />
          </Anchor>
          <Text size="sm" c="dimmed">
            {format.duration(lasted(other, now))} · {other.end_reason ? t(`reasons.${other.end_reason}`) : t(`alertStates.${other.state}`)}
          </Text>
        </Group>
      ))}
      {data && others.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("earlier.none")}
        </Text>
      )}
      <Anchor component={Link} to={`/alerts?${params}`} size="sm">
        {t("earlier.all")}
      </Anchor>
    </Stack>
  );
}

function Card({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" bg="var(--surface)" component="section" aria-label={title}>
      <Title order={2} size="h5" mb="sm">
        {title}
      </Title>
      {children}
    </Paper>
  );
}

function Facts({ children }: { children: ReactNode }) {
  return (
    <Box component="dl" m={0}>
      {children}
    </Box>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start" py={3}>
      <Text component="dt" size="sm" c="dimmed" w={150} flex="none">
        {name}
      </Text>
      <Text component="dd" size="sm" m={0} style={{ overflowWrap: "anywhere" }} flex={1}>
        {children}
      </Text>
    </Group>
  );
}

function Outside({ href, text }: { href: string; text: string }) {
  return (
    <Anchor href={href} target="_blank" rel="noreferrer" size="sm">
      <Group gap={4} component="span">
        {text} <IconExternalLink size={14} aria-hidden />
      </Group>
    </Anchor>
  );
}
