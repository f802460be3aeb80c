/** What fires now: grouped, with labels that are filters. */
import { Alert as Note, Anchor, Box, Button, Group, Paper, Select, Stack, Text, UnstyledButton } from "@mantine/core";
import { IconBellOff, IconCheck, IconCircleCheck, IconUser } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { useMay, useUser } from "@/api/session";
import { useShortcuts } from "@/app/shortcuts";
import { Labels } from "@/components/Labels";
import { Moment } from "@/components/Moment";
import { SeverityBadge } from "@/components/StateBadge";
import { Empty, Failed, LoadingRows } from "@/components/states";
import { useUrlState } from "@/components/url";
import { currentLanguage } from "@/i18n";
import { Acknowledge } from "./Acknowledge";
import { fetchActive } from "./data";
import { MatcherBar } from "./MatcherBar";
import { type Alert, type AlertGroup, annotation, chipLabels, compile, facets, groupAlerts, ownLabels, sharedLabels, silencePath } from "./matching";
import { useMatchers } from "./useMatchers";
import classes from "./ActiveAlerts.module.css";

const DEFAULTS = { by: "alertname", who: "all" };
const GROUPINGS = ["alertname", "server_name", "severity", "site", "group", "rack", ""] as const;
const WHO = ["all", "open", "mine"] as const;
/** Alerts of a group that are shown before one asks for all. */
const FIRST = 8;
const FACETS = ["severity", "alertname", "site", "group", "server_name"];
const MOST_FACETS = 6;

export function ActiveAlerts() {
  const { t } = useTranslation("alerts");
  const shell = useTranslation("shell").t;
  const navigate = useNavigate();
  const user = useUser();
  const mayChange = useMay("operator");
  const [{ by, who }, setUrl] = useUrlState(DEFAULTS);
  const { matchers, add, clear } = useMatchers();
  const [asked, setAsked] = useState<Alert[] | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const { data, error, refetch, isPending } = useQuery({
    queryKey: ["alerts", "active"],
    queryFn: ({ signal }) => fetchActive(signal),
    placeholderData: keepPreviousData,
  });
  const shown = useMemo(() => {
    const fits = compile(matchers);
    return (data?.alerts ?? []).filter(
      (alert) =>
        fits(alert.labels) &&
        (who === "open" ? !alert.acknowledged_at : who === "mine" ? alert.assignee === user.username : true),
    );
  }, [data, matchers, who, user.username]);
  const groups = useMemo(() => groupAlerts(shown, by), [shown, by]);
  const counts = useMemo(() => facets(shown, FACETS, MOST_FACETS), [shown]);
  const pick = useCallback((name: string, value: string) => add({ name, operator: "=", value }), [add]);

  const shortcuts = useMemo(() => {
    const rows = () => [...(list.current?.querySelectorAll<HTMLElement>("[data-alert]") ?? [])];
    const current = () => document.activeElement?.closest<HTMLElement>("[data-alert]") ?? undefined;
    const alertOf = (row: HTMLElement | undefined) => shown.find(({ id }) => String(id) === row?.dataset.alert);
    const move = (step: number) => {
      const all = rows();
      const row = current();
      const at = row ? all.indexOf(row) + step : 0;
      all[Math.min(Math.max(at, 0), all.length - 1)]?.querySelector("a")?.focus();
    };
    return [
      { keys: "j", label: t("keys.next"), run: () => move(1) },
      { keys: "k", label: t("keys.previous"), run: () => move(-1) },
      ...(mayChange
        ? [
            {
              keys: "e",
              label: t("keys.acknowledge"),
              run: () => {
                const alert = alertOf(current());
                if (alert && !alert.acknowledged_at) {
                  setAsked([alert]);
                }
              },
            },
            {
              keys: "m",
              label: t("keys.silence"),
              run: () => {
                const alert = alertOf(current());
                if (alert) {
                  void navigate(silencePath(sharedLabels([alert])));
                }
              },
            },
          ]
        : []),
    ];
  }, [t, shown, mayChange, navigate]);
  useShortcuts(shortcuts);

  const isFiltered = matchers.length > 0 || who !== "all";
  return (
    <Stack gap="sm">
      <Group gap="sm" align="flex-start">
        <MatcherBar />
        <Select
          label={t("groupBy")}
          size="sm"
          w={170}
          allowDeselect={false}
          value={by}
          data={GROUPINGS.map((value) => ({ value, label: value === "" ? t("groupings.none") : t(`groupings.${value}`) }))}
          onChange={(value) => setUrl({ by: value ?? "alertname" })}
        />
        <Select
          label={t("who.label")}
          size="sm"
          w={190}
          allowDeselect={false}
          value={who}
          data={WHO.map((value) => ({ value, label: t(`who.${value}`) }))}
          onChange={(value) => setUrl({ who: value ?? "all" })}
        />
      </Group>
      {counts.length > 0 && (
        <Group gap="xs" visibleFrom="sm" role="group" aria-label={t("facets")}>
          {counts.flatMap(([name, values]) =>
            values.map(([value, count]) => (
              <UnstyledButton
                key={`${name} ${value}`}
                className={classes.facet}
                onClick={() => pick(name, value)}
                title={shell("labels.filterBy", { name, value })}
              >
                <span className={classes.facetName}>{name}</span>
                <span className={classes.facetValue}>{value}</span>
                <span className="number">{count}</span>
              </UnstyledButton>
            )),
          )}
        </Group>
      )}
      {error && <Failed error={error} onRetry={() => void refetch()} />}
      {data && data.total > data.alerts.length && (
        <Note color="yellow" role="status">
          {t("tooMany", { shown: data.alerts.length, total: data.total })}
        </Note>
      )}
      {isPending ? (
        <LoadingRows height={72} rows={5} />
      ) : groups.length === 0 && data ? (
        isFiltered ? (
          <Empty title={shell("table.noMatch")}>
            <Button
              variant="default"
              onClick={() => {
                clear();
                setUrl({ who: "all" });
              }}
            >
              {shell("table.clear")}
            </Button>
          </Empty>
        ) : (
          <Empty title={t("nothing.title")} text={t("nothing.text")} icon={<IconCircleCheck size={40} stroke={1.3} />} />
        )
      ) : (
        <Stack gap="sm" ref={list}>
          {groups.map((group) => (
            <GroupCard key={group.key} group={group} by={by} onPick={pick} onAcknowledge={mayChange ? setAsked : undefined} />
          ))}
        </Stack>
      )}
      {asked && <Acknowledge alerts={asked} onClose={() => setAsked(null)} />}
    </Stack>
  );
}

interface CardProps {
  group: AlertGroup;
  by: string;
  onPick(name: string, value: string): void;
  /** Absent for who may not. */
  onAcknowledge?(alerts: Alert[]): void;
}

function GroupCard({ group, by, onPick, onAcknowledge }: CardProps) {
  const { t } = useTranslation("alerts");
  const [isWhole, setWhole] = useState(false);
  const { key, alerts, severity, shared, unacknowledged } = group;
  const title = by === "" ? t("all") : key === "" ? t("without", { label: by }) : key;
  const rows = isWhole ? alerts : alerts.slice(0, FIRST);
  return (
    <Paper withBorder component="section" aria-label={title} bg="var(--surface)" className={classes.card} data-severity={severity}>
      <Group justify="space-between" p="sm" gap="xs" align="flex-start" wrap="nowrap" className={classes.head}>
        <Stack gap={6} className={classes.grow}>
          <Group gap="sm">
            <SeverityBadge severity={severity} />
            <Text fw={650} component="h2" className={classes.title}>
              {title}
            </Text>
            <Text size="sm" c="dimmed" className="number">
              {t("countIn", { count: alerts.length, open: unacknowledged })}
            </Text>
          </Group>
          {alerts.length > 1 && <Labels labels={chipLabels(shared, by)} onPick={onPick} />}
        </Stack>
        {onAcknowledge && (
          <Group gap={6} wrap="nowrap">
            {unacknowledged > 0 && (
              <Button
                size="xs"
                variant="default"
                leftSection={<IconCheck size={15} aria-hidden />}
                onClick={() => onAcknowledge(alerts.filter(({ acknowledged_at: at }) => !at))}
                aria-label={t("acknowledge.these", { count: unacknowledged, name: title })}
              >
                {t("acknowledge.action")}
              </Button>
            )}
            <Button
              size="xs"
              variant="default"
              component={Link}
              to={silencePath(shared.filter(([name]) => name !== "severity" || by === "severity"))}
              leftSection={<IconBellOff size={15} aria-hidden />}
              aria-label={t("silenceOf", { name: title })}
            >
              {t("silence")}
            </Button>
          </Group>
        )}
      </Group>
      <ul className={classes.list}>
        {rows.map((alert) => (
          <AlertRow key={alert.id} alert={alert} group={group} by={by} onPick={onPick} onAcknowledge={onAcknowledge} />
        ))}
      </ul>
      {alerts.length > rows.length && (
        <Box p="xs">
          <Button size="xs" variant="subtle" onClick={() => setWhole(true)}>
            {t("showAll", { count: alerts.length })}
          </Button>
        </Box>
      )}
    </Paper>
  );
}

function AlertRow({ alert, group, by, onPick, onAcknowledge }: CardProps & { alert: Alert }) {
  const { t } = useTranslation("alerts");
  const shared = group.alerts.length > 1 ? group.shared : [];
  const own = chipLabels(ownLabels(alert, shared), by);
  const name = alert.labels.server_name ?? "";
  const summary = annotation(alert, "summary", currentLanguage()) ?? annotation(alert, "description", currentLanguage());
  const title = t("alertOf", { name: alert.alertname, server: name });
  return (
    <li
      className={classes.row}
      data-alert={alert.id}
    >
      <Group gap="sm" align="flex-start" wrap="nowrap" className={classes.line}>
        <Box className={classes.severity}>
          <SeverityBadge severity={alert.severity} size="small" />
        </Box>
        <Stack gap={4} className={classes.grow}>
          <Group gap="xs">
            <Anchor component={Link} to={`/alerts/${alert.id}`} fw={550} size="sm" className={classes.anywhere}>
              {summary ?? alert.alertname}
            </Anchor>
            {by !== "alertname" && (
              <Text size="sm" c="dimmed">
                {alert.alertname}
              </Text>
            )}
          </Group>
          <Group gap={6}>
            {name !== "" &&
              by !== "server_name" &&
              (alert.server_id ? (
                <Anchor component={Link} to={`/servers/${alert.server_id}`} size="sm">
                  {name}
                </Anchor>
              ) : (
                <Text size="sm">{name}</Text>
              ))}
            <Labels labels={own} onPick={onPick} />
          </Group>
        </Stack>
        <Stack gap={2} align="flex-end" className={classes.side}>
          <Text size="sm" c="dimmed">
            <Moment at={alert.starts_at} form="relative" />
          </Text>
          {alert.acknowledged_at && (
            <Text size="xs" className={classes.mark}>
              <IconCheck size={13} aria-hidden /> {t("acknowledgedBy", { name: alert.acknowledged_by ?? "" })}
            </Text>
          )}
          {alert.assignee && (
            <Text size="xs" className={classes.mark}>
              <IconUser size={13} aria-hidden /> {t("assignedTo", { name: alert.assignee })}
            </Text>
          )}
        </Stack>
        {onAcknowledge && (
          <Button
            size="compact-sm"
            variant="subtle"
            disabled={Boolean(alert.acknowledged_at)}
            onClick={() => onAcknowledge([alert])}
            aria-label={t("acknowledge.one", { name: title })}
            className={classes.act}
          >
            <IconCheck size={17} aria-hidden />
          </Button>
        )}
      </Group>
    </li>
  );
}
