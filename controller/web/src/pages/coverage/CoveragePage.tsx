/** Whether trouble at a server would be told to somebody: the chain, proven link by link. */
import { Alert, Anchor, Button, Group, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { IconSearch, IconShieldCheck } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { type Column, DataTable } from "@/components/DataTable";
import { Moment } from "@/components/Moment";
import { PageTitle } from "@/components/PageTitle";
import { useAllRows } from "@/components/rows";
import { type State, StateBadge } from "@/components/StateBadge";
import { Empty, Failed } from "@/components/states";
import { useUrlState } from "@/components/url";
import { useFormat } from "@/i18n/format";
import { byNeed, type Chain, isBlind, type Link as ChainLink, LINKS, type LinkState } from "./chain";
import { MAX_SERVERS, useChains } from "./data";

const DEFAULTS = { search: "", show: "all" };
const SHOWS = ["all", "blind", "off"] as const;

const BADGES: Record<LinkState, State> = { ok: "ok", warning: "warning", critical: "critical", unknown: "unknown", off: "off" };

export default function CoveragePage() {
  const { t } = useTranslation("coverage");
  const shell = useTranslation("shell").t;
  const format = useFormat();
  const [{ search, show }, setUrl] = useUrlState(DEFAULTS);
  const { chains, total, error, partly, retry } = useChains();
  const sorted = useMemo(() => chains && byNeed(chains), [chains]);
  const blind = sorted?.filter(isBlind).length ?? 0;
  const watched = sorted?.filter(({ server }) => server.monitoring_enabled).length ?? 0;
  const shown = useMemo(() => {
    const word = search.trim().toLowerCase();
    return sorted?.filter(
      (chain) =>
        (show === "blind" ? isBlind(chain) : show === "off" ? !chain.server.monitoring_enabled : true) &&
        (word === "" || `${chain.server.name} ${chain.server.address} ${chain.server.site} ${chain.server.model}`.toLowerCase().includes(word)),
    );
  }, [sorted, search, show]);
  const rows = useAllRows(shown, error, retry);
  const columns = useMemo<Column<Chain>[]>(
    () => [
      {
        id: "server",
        header: t("columns.server"),
        width: "minmax(170px, 1fr)",
        cell: ({ server }) => (
          <Anchor component={Link} to={`/servers/${server.id}`} size="sm">
            {server.name}
          </Anchor>
        ),
      },
      {
        id: "todo",
        header: t("columns.todo"),
        width: "minmax(210px, 1.4fr)",
        cell: (chain) => <ToDo chain={chain} />,
      },
      ...LINKS.map((name) => ({
        id: name,
        header: t(`links.${name}`),
        width: name === "scrape" ? "190px" : name === "exporter" ? "160px" : "125px",
        cell: ({ links }: Chain) => <LinkCell link={links[name]} />,
      })),
    ],
    [t],
  );
  return (
    <>
      <PageTitle
        title={t("title")}
        state={
          sorted ? (
            <span role="status" className="number">
              {blind === 0
                ? t("state.good", { count: watched, formatted: format.number(watched) })
                : t("state.blind", { count: blind, formatted: format.number(blind), watched: format.number(watched) })}
            </span>
          ) : (
            " "
          )
        }
      />
      <Stack gap="sm">
        <Text size="sm" c="dimmed" maw={820}>
          {t("text")}
        </Text>
        {partly && (
          <Alert color="yellow" title={t("partly")} role="status">
            <Failed error={partly} onRetry={retry} />
          </Alert>
        )}
        <Group gap="sm" align="flex-end">
          <TextInput
            label={t("search")}
            leftSection={<IconSearch size={15} aria-hidden />}
            value={search}
            onChange={(event) => setUrl({ search: event.currentTarget.value })}
            w={260}
          />
          <SegmentedControl
            aria-label={t("show.label")}
            value={SHOWS.find((one) => one === show) ?? "all"}
            data={SHOWS.map((value) => ({ value, label: t(`show.${value}`) }))}
            onChange={(value) => setUrl({ show: value })}
          />
        </Group>
        {total > MAX_SERVERS && (
          <Alert color="yellow" role="status">
            {t("tooMany", { shown: format.number(MAX_SERVERS), total: format.number(total) })}
          </Alert>
        )}
        <DataTable
          label={t("title")}
          columns={columns}
          rows={rows}
          rowId={({ server }) => server.id}
          rowName={({ server, broken }) => (broken ? t("rowBroken", { name: server.name, link: t(`links.${broken}`) }) : server.name)}
          height="calc(100vh - 320px)"
          empty={
            (chains?.length ?? 0) === 0 ? (
              <Empty title={t("noServers")} />
            ) : (
              <Empty
                title={show === "blind" ? t("noneBlind") : shell("table.noMatch")}
                icon={<IconShieldCheck size={40} stroke={1.3} />}
              >
                <Button variant="default" onClick={() => setUrl(DEFAULTS)}>
                  {shell("table.clear")}
                </Button>
              </Empty>
            )
          }
        />
      </Stack>
    </>
  );
}

function LinkCell({ link }: { link: ChainLink }) {
  const { t } = useTranslation("coverage");
  return (
    <Group gap={6} wrap="nowrap" title={link.detail}>
      <StateBadge state={BADGES[link.state]} label={t(`words.${link.word}`, { count: link.count ?? 0 })} size="small" />
      {link.at !== undefined && (
        <Text size="xs" c="dimmed">
          <Moment at={new Date(link.at * 1000).toISOString()} form="relative" />
        </Text>
      )}
    </Group>
  );
}

/** What to do about the first link that does not hold, and where. */
function ToDo({ chain: { server, links, broken } }: { chain: Chain }) {
  const { t } = useTranslation("coverage");
  if (!broken) {
    return server.monitoring_enabled ? null : <Text size="sm">{t("todo.off")}</Text>;
  }
  const { word, detail } = links[broken];
  const text = t(`todo.${word}`);
  const to = TARGETS[broken];
  return (
    <span title={detail ?? text}>
      <Anchor component={Link} to={broken === "scrape" ? `/servers/${server.id}` : to} size="sm">
        {text}
      </Anchor>
    </span>
  );
}

const TARGETS = {
  inventory: "/inventory",
  credential: "/inventory",
  exporter: "/inventory",
  scrape: "/servers",
  rules: "/rules",
  route: "/notifications",
};
