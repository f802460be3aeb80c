/** Figures about what fired. */
import { Anchor, Paper, Progress, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, type Schema, take } from "@/api/client";
import { Empty, Failed, LoadingRows } from "@/components/states";
import { useUrlState } from "@/components/url";
import { useFormat } from "@/i18n/format";
import { HISTORY_DEFAULTS, historyQuery } from "./data";
import { HistoryFilters } from "./HistoryFilters";

type Noise = Schema<"Noise">;

export function Statistics() {
  const { t } = useTranslation("alerts");
  const shell = useTranslation("shell").t;
  const format = useFormat();
  const [state, setState] = useUrlState(HISTORY_DEFAULTS);
  const [now] = useState(Date.now);
  const query = useMemo(() => historyQuery(state, now), [state, now]);
  const { data, error, refetch } = useQuery({
    queryKey: ["alerts", "statistics", query],
    queryFn: ({ signal }) => take(api.GET("/api/v1/alerts/statistics", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
  const names = useServerNames(data?.noisiest_servers ?? []);
  // The filters that hold, on the way to the list.
  const listPath = (change: Partial<typeof state>) => {
    const params = new URLSearchParams({ view: "history" });
    for (const [name, value] of Object.entries({ ...state, ...change })) {
      if (value !== HISTORY_DEFAULTS[name as keyof typeof HISTORY_DEFAULTS]) {
        params.set(name, value);
      }
    }
    return `/alerts?${params}`;
  };
  const duration = (seconds: number | null | undefined) =>
    seconds === null || seconds === undefined ? "–" : format.duration(seconds);
  return (
    <Stack gap="md">
      <HistoryFilters state={state} onChange={setState} />
      {error && <Failed error={error} onRetry={() => void refetch()} />}
      {!data && !error && <LoadingRows rows={6} height={60} />}
      {data && data.count === 0 && <Empty title={t("history.empty")} text={t("history.emptyText")} />}
      {data && data.count > 0 && (
        <>
          <SimpleGrid cols={{ base: 2, md: 4 }}>
            <Figure label={t("figures.count")} value={format.number(data.count)} />
            <Figure label={t("figures.acknowledged")} value={`${format.number(data.acknowledged)} (${format.percent(data.acknowledged / data.count)})`} />
            <Figure label={t("figures.toAcknowledge")} value={duration(data.mean_seconds_to_acknowledge)} />
            <Figure label={t("figures.toResolve")} value={duration(data.mean_seconds_to_resolve)} />
          </SimpleGrid>
          <SimpleGrid cols={{ base: 1, md: 3 }}>
            <Shares title={t("figures.bySeverity")} counts={data.by_severity} total={data.count} word={(key) => shell(`severities.${key}`, { defaultValue: key || shell("severities.none") })} to={(severity) => listPath({ severity })} />
            <Shares title={t("figures.byState")} counts={data.by_state} total={data.count} word={(key) => t(`alertStates.${key}`)} to={(key) => listPath({ state: key })} />
            <Shares title={t("figures.byReason")} counts={data.by_end_reason} total={data.count} word={(key) => t(`reasons.${key}`)} />
          </SimpleGrid>
          <SimpleGrid cols={{ base: 1, md: 2 }}>
            <Noisiest title={t("figures.names")} noise={data.noisiest_alertnames} word={(of) => of} to={(of) => listPath({ alertname: of })} />
            <Noisiest title={t("figures.servers")} noise={data.noisiest_servers} word={(of) => names.get(of) ?? `#${of}`} to={(of) => listPath({ server: of })} />
          </SimpleGrid>
        </>
      )}
    </Stack>
  );
}

/** Names of servers by number, as far as they are still there. */
function useServerNames(noise: Noise[]): Map<string, string> {
  const answers = useQueries({
    queries: noise.map(({ of }) => ({
      queryKey: ["servers", "one", of],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        take(api.GET("/api/v1/servers/{id}", { params: { path: { id: Number(of) } }, signal })),
    })),
  });
  return new Map(noise.flatMap(({ of }, index) => (answers[index]?.data ? [[of, answers[index].data.name] as const] : [])));
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <Paper withBorder p="md" bg="var(--surface)">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text fz={24} fw={650} className="number">
        {value}
      </Text>
    </Paper>
  );
}

interface SharesProps {
  title: string;
  counts: Record<string, number>;
  total: number;
  word(key: string): string;
  to?(key: string): string;
}

function Shares({ title, counts, total, word, to }: SharesProps) {
  const format = useFormat();
  const rows = Object.entries(counts).toSorted(([, a], [, b]) => b - a);
  return (
    <Paper withBorder p="md" bg="var(--surface)" component="section">
      <Title order={2} size="h5" mb="xs">
        {title}
      </Title>
      <Table aria-label={title} layout="fixed">
        <Table.Tbody>
          {rows.map(([key, count]) => (
            <Table.Tr key={key}>
              <Table.Td>{to ? <Anchor size="sm" component={Link} to={to(key)}>{word(key)}</Anchor> : word(key)}</Table.Td>
              <Table.Td w={70} ta="right" className="number">
                {format.number(count)}
              </Table.Td>
              <Table.Td w={70} ta="right" className="number" c="dimmed">
                {format.percent(count / total)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {rows.length === 0 && <Text c="dimmed">–</Text>}
    </Paper>
  );
}

function Noisiest({ title, noise, word, to }: { title: string; noise: Noise[]; word(of: string): string; to(of: string): string }) {
  const format = useFormat();
  const most = noise[0]?.count ?? 1;
  return (
    <Paper withBorder p="md" bg="var(--surface)" component="section">
      <Title order={2} size="h5" mb="xs">
        {title}
      </Title>
      <Table aria-label={title} layout="fixed">
        <Table.Tbody>
          {noise.map(({ of, count }) => (
            <Table.Tr key={of}>
              <Table.Td>
                <Anchor size="sm" component={Link} to={to(of)}>
                  {word(of)}
                </Anchor>
              </Table.Td>
              <Table.Td w="35%">
                <Progress value={(count / most) * 100} size="sm" aria-hidden />
              </Table.Td>
              <Table.Td w={60} ta="right" className="number">
                {format.number(count)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {noise.length === 0 && <Text c="dimmed">–</Text>}
    </Paper>
  );
}
