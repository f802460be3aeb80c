/** What a rule would have done over the last days, before it is kept. */
import { Alert, Anchor, Button, Group, NumberInput, Stack, Table, Text } from "@mantine/core";
import { IconHistoryToggle } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "@/api/client";
import { Chart } from "@/components/chart";
import { Moment } from "@/components/Moment";
import { Failed } from "@/components/states";
import { useFormat } from "@/i18n/format";
import { bars, firingCounts, type Report } from "./backtestData";
import type { Rule } from "./draft";
import classes from "./Backtest.module.css";

const MAX_DAYS = 90;
/** Servers that are shown with their bars. */
const SHOWN = 20;

export function Backtest({ rule }: { rule: Rule }) {
  const { t } = useTranslation("rules");
  const [days, setDays] = useState(7);
  const test = useMutation({
    mutationFn: () => take(api.POST("/api/v1/rules/backtest", { body: { rule, days } })),
  });
  const tested = useMemo(() => JSON.stringify(rule), [rule]);
  const [asked, setAsked] = useState("");
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {t("backtest.text")}
      </Text>
      <Group align="flex-end" gap="sm">
        <NumberInput
          label={t("backtest.days")}
          value={days}
          onChange={(value) => setDays(Number(value) || 1)}
          min={1}
          max={MAX_DAYS}
          clampBehavior="strict"
          allowDecimal={false}
          w={110}
        />
        <Button
          variant="default"
          leftSection={<IconHistoryToggle size={16} aria-hidden />}
          loading={test.isPending}
          onClick={() => {
            setAsked(tested);
            test.mutate();
          }}
        >
          {t("backtest.action")}
        </Button>
      </Group>
      {test.error && <Failed error={test.error} />}
      {test.data && asked !== tested && (
        <Alert color="yellow" role="status">
          {t("backtest.outdated")}
        </Alert>
      )}
      {test.data && <Result report={test.data} />}
    </Stack>
  );
}

function Result({ report }: { report: Report }) {
  const { t } = useTranslation("rules");
  const format = useFormat();
  const { times, counts } = useMemo(() => firingCounts(report), [report]);
  const series = useMemo(() => [{ label: t("backtest.series"), unit: "", values: counts }], [t, counts]);
  const range = useMemo<[number, number]>(() => [Date.parse(report.since) / 1000, Date.parse(report.until) / 1000], [report]);
  const isCut = report.firings > report.intervals.length;
  return (
    <Stack gap="sm">
      <Text fw={600} role="status">
        {report.firings === 0
          ? t("backtest.never")
          : t("backtest.summary", {
              count: report.firings,
              servers: report.server_count,
              duration: format.duration(report.firing_seconds),
            })}
      </Text>
      {report.firings > 0 && (
        <>
          <Chart label={t("backtest.chart")} times={times} series={series} range={range} height={160} />
          {isCut && (
            <Text size="sm" c="dimmed">
              {t("backtest.cut", { count: report.intervals.length })}
            </Text>
          )}
          <Table aria-label={t("backtest.servers")}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("backtest.server")}</Table.Th>
                <Table.Th w="40%">{t("backtest.when")}</Table.Th>
                <Table.Th ta="right">{t("backtest.times")}</Table.Th>
                <Table.Th ta="right">{t("backtest.lasted")}</Table.Th>
                <Table.Th>{t("backtest.last")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {report.servers.slice(0, SHOWN).map((server) => (
                <Table.Tr key={server.server_id ?? "none"}>
                  <Table.Td>
                    {server.server_id ? (
                      <Anchor component={Link} to={`/servers/${server.server_id}`} size="sm">
                        {server.server_name || `#${server.server_id}`}
                      </Anchor>
                    ) : (
                      t("backtest.noServer")
                    )}
                  </Table.Td>
                  <Table.Td>
                    <svg className={classes.strip} viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden>
                      {bars(report, server.server_id).map(({ left, width }) => (
                        <rect key={left} x={left * 1000} width={Math.max(2, width * 1000)} y={0} height={10} />
                      ))}
                    </svg>
                  </Table.Td>
                  <Table.Td ta="right" className="number">
                    {format.number(server.firings)}
                  </Table.Td>
                  <Table.Td ta="right">{format.duration(server.firing_seconds)}</Table.Td>
                  <Table.Td>{server.is_firing ? t("backtest.now") : <Moment at={server.last} form="short" />}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          {report.servers.length > SHOWN && (
            <Text size="sm" c="dimmed">
              {t("backtest.more", { count: report.servers.length - SHOWN })}
            </Text>
          )}
        </>
      )}
    </Stack>
  );
}
