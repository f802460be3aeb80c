/** Tries whether a server can be monitored, and says what is in the way. */
import { Alert, Badge, Button, Code, Group, List, Loader, Modal, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconCircleX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { Failed } from "@/components/states";
import { useFormat } from "@/i18n/format";
import type { Server } from "./server";
import { type Answered, failedCollectors, judge, type Verdict } from "./verdict";

/** How long a scan of one address is waited for. */
const SCAN_TRIES = 20;
const SCAN_STEP_MS = 400;
/** How long each answer of the BMC is waited for. */
const SCAN_TIMEOUT_MS = 1000;
/** An exporter learns of a new server within so long. */
const SETTLE_MS = 1500;

const GOOD: Partial<Record<Verdict, "good" | "partly">> = { works: "good", partly: "partly" };

const rest = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("left", "AbortError"));
    });
  });

/** What the BMC says without a log-in. Where scans are not allowed, nothing is known. */
async function askBmc({ address, port }: Server, signal: AbortSignal): Promise<Answered> {
  try {
    const { id } = await take(api.POST("/api/v1/discovery", { body: { networks: [address], port, timeout_ms: SCAN_TIMEOUT_MS, tries: 2 }, signal }));
    for (let attempt = 0; attempt < SCAN_TRIES; attempt += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one question after the other
      await rest(SCAN_STEP_MS, signal);
      // oxlint-disable-next-line no-await-in-loop
      const scan = await take(api.GET("/api/v1/discovery/{id}", { params: { path: { id } }, signal }));
      if (scan.state === "finished") {
        const [found] = scan.results.items;
        return found ? { suites: found.cipher_suites ?? undefined } : "silent";
      }
      if (scan.state !== "running") {
        return "unknown";
      }
    }
    return "unknown";
  } catch (error) {
    if (signal.aborted) {
      throw error;
    }
    return "unknown";
  }
}

export default function ConnectionTest({ server, onClose }: { server: Server; onClose(): void }) {
  const { t } = useTranslation("inventory");
  const { t: shell } = useTranslation("shell");
  const bmc = useQuery({
    queryKey: ["connection", server.id, "bmc"],
    queryFn: ({ signal }) => askBmc(server, signal),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const collected = useQuery({
    queryKey: ["connection", server.id, "collect"],
    queryFn: async ({ signal }) => {
      await rest(SETTLE_MS, signal);
      return take(api.POST("/api/v1/monitoring/servers/{id}/collect", { params: { path: { id: server.id } }, signal }));
    },
    gcTime: 0,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const isDone = !bmc.isFetching && !collected.isFetching;
  const again = () => {
    void bmc.refetch();
    void collected.refetch();
  };
  return (
    <Modal opened onClose={onClose} title={t("test.title", { name: server.name })} size="lg" closeButtonProps={{ "aria-label": shell("close") }}>
      <Stack aria-live="polite">
        <Step label={t("test.bmc", { target: `${server.address}:${server.port}` })} isRunning={bmc.isFetching}>
          {bmc.data !== undefined && <BmcResult answered={bmc.data} />}
        </Step>
        <Step label={t("test.collect")} isRunning={collected.isFetching}>
          {collected.error && <Refused error={collected.error} />}
          {collected.data && isDone && bmc.data !== undefined && (
            <Result collected={collected.data} verdict={judge(collected.data, bmc.data)} />
          )}
        </Step>
        <Group justify="flex-end">
          <Button variant="default" onClick={again} disabled={!isDone}>
            {t("test.again")}
          </Button>
          <Button onClick={onClose}>{shell("close")}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Step({ label, isRunning, children }: { label: string; isRunning: boolean; children: React.ReactNode }) {
  const { t: shell } = useTranslation("shell");
  return (
    <Stack gap={6}>
      <Group gap="xs">
        <Text fw={600} size="sm">
          {label}
        </Text>
        {isRunning && <Loader size="xs" aria-label={shell("loading")} />}
      </Group>
      {!isRunning && children}
    </Stack>
  );
}

function BmcResult({ answered }: { answered: Answered }) {
  const { t } = useTranslation("inventory");
  if (answered === "unknown") {
    return (
      <Text size="sm" c="dimmed">
        {t("test.bmcUnknown")}
      </Text>
    );
  }
  if (answered === "silent") {
    return (
      <Group gap={6} wrap="nowrap">
        <IconCircleX size={18} color="var(--state-critical)" aria-hidden />
        <Text size="sm">{t("test.bmcSilent")}</Text>
      </Group>
    );
  }
  return (
    <Group gap={6}>
      <IconCircleCheck size={18} color="var(--state-ok)" aria-hidden />
      <Text size="sm">{t("test.bmcAnswers")}</Text>
      {answered.suites?.map((suite) => (
        <Badge key={suite} variant="default" tt="none">
          {t("test.suite", { number: suite })}
        </Badge>
      ))}
    </Group>
  );
}

/** The controller did not even ask; it says why. */
function Refused({ error }: { error: Error }) {
  const { t } = useTranslation("inventory");
  const problem = asProblem(error);
  if (problem.status === 429) {
    return <Text size="sm">{t("test.tooOften", { seconds: problem.retryAfterSeconds ?? 10 })}</Text>;
  }
  return <Failed error={error} />;
}

function Result({ collected, verdict }: { collected: { collected_metrics: string[]; errors?: string[]; api_execution_time: number }; verdict: Verdict }) {
  const { t } = useTranslation("inventory");
  const format = useFormat();
  const isGood = GOOD[verdict] === "good";
  const failed = failedCollectors(collected.errors);
  const others = (collected.errors ?? []).filter((error) => !failed.some((name) => error.startsWith(`${name}:`)));
  return (
    <Alert
      color={isGood ? "brand" : GOOD[verdict] ? "yellow" : "red"}
      icon={isGood ? <IconCircleCheck aria-hidden /> : <IconAlertTriangle aria-hidden />}
      title={t(`test.verdicts.${verdict}.title`)}
    >
      <Stack gap="xs">
        <Text size="sm">{t(`test.verdicts.${verdict}.text`)}</Text>
        {collected.collected_metrics.length > 0 && (
          <Text size="sm">
            {t("test.read", { count: collected.collected_metrics.length, duration: format.duration(collected.api_execution_time) })}
          </Text>
        )}
        {failed.length > 0 && (
          <Group gap={6}>
            <Text size="sm">{t("test.failedCollectors")}</Text>
            {failed.map((name) => (
              <Code key={name}>{name}</Code>
            ))}
          </Group>
        )}
        {others.length > 0 && (
          <List size="sm">
            {others.map((error) => (
              <List.Item key={error}>
                <Text size="sm" ff="monospace" lang="en">
                  {error}
                </Text>
              </List.Item>
            ))}
          </List>
        )}
      </Stack>
    </Alert>
  );
}
