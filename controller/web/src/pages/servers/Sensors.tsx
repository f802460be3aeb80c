/** All sensors by kind: value, state, place among the thresholds, the last hour. */
import { Paper, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { queryRange } from "@/api/prometheus";
import { align } from "@/components/chart/data";
import { Sparkline } from "@/components/Sparkline";
import { StateBadge, stateOf } from "@/components/StateBadge";
import { Empty, Failed, LoadingRows } from "@/components/states";
import { useFormat } from "@/i18n/format";
import { byKind, keyOfSensor, linesByKey, type Sensor, selector } from "./sensors";
import { ThresholdBar } from "./ThresholdBar";

const HOUR = 3600;
const STEP = 120;
const INTERVAL_MS = 60_000;
/** A value that is older is greyed. */
const OLD_SECONDS = 180;

interface Props {
  server: number;
  sensors: Sensor[] | undefined;
  error: Error | null;
  onRetry(): void;
}

export function Sensors({ server, sensors, error, onRetry }: Props) {
  const { t } = useTranslation("servers");
  const courses = useCourses(server, sensors);
  if (error && !sensors) {
    return <Failed error={error} onRetry={onRetry} />;
  }
  if (!sensors) {
    return <LoadingRows rows={12} />;
  }
  if (sensors.length === 0) {
    return <Empty title={t("noSensors.title")} text={t("noSensors.text")} />;
  }
  return (
    <Stack>
      {byKind(sensors).map(([kind, members]) => (
        <Paper key={kind} withBorder p="md" bg="var(--surface)" component="section" aria-label={t(`kinds.${kind}`)}>
          <Title order={2} size="h5" mb="xs">
            {t(`kinds.${kind}`)}{" "}
            <Text span c="dimmed" size="sm" fw={400}>
              {members.length}
            </Text>
          </Title>
          <Table.ScrollContainer minWidth={640} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
            <Table layout="fixed">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t("sensor.name")}</Table.Th>
                  <Table.Th w={130} ta="right">
                    {t("sensor.value")}
                  </Table.Th>
                  <Table.Th w={130}>{t("sensor.state")}</Table.Th>
                  <Table.Th w={170}>{t("sensor.thresholds")}</Table.Th>
                  <Table.Th w={120}>{t("sensor.hour")}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {members.map((sensor) => (
                  <SensorRow key={sensor.id} sensor={sensor} course={courses.get(keyOfSensor(sensor))} />
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </Paper>
      ))}
    </Stack>
  );
}

function SensorRow({ sensor, course }: { sensor: Sensor; course: (number | null)[] | undefined }) {
  const format = useFormat();
  const { name, sensor_type: type, value, unit, status, thresholds, age_seconds: age } = sensor;
  const hasValue = typeof value === "number";
  return (
    <Table.Tr opacity={age > OLD_SECONDS ? 0.6 : 1}>
      <Table.Td style={{ overflowWrap: "anywhere" }}>
        {name || "–"}
        {type && (
          <Text span c="dimmed" size="xs" ml={6}>
            {type}
          </Text>
        )}
      </Table.Td>
      <Table.Td ta="right" className="number">
        {hasValue ? `${format.reading(value)} ${unit ?? ""}` : "–"}
      </Table.Td>
      <Table.Td>{status ? <StateBadge state={stateOf(status)} size="small" /> : "–"}</Table.Td>
      <Table.Td>{hasValue && <ThresholdBar value={value} unit={unit ?? ""} thresholds={thresholds} />}</Table.Td>
      <Table.Td>{course && <Sparkline values={course} />}</Table.Td>
    </Table.Tr>
  );
}

/** The last hour of all sensors, by their keys: one question for all. */
function useCourses(server: number, sensors: Sensor[] | undefined): Map<string, (number | null)[]> {
  const valued = useMemo(() => (sensors ?? []).filter(({ value }) => typeof value === "number"), [sensors]);
  const query = valued.length > 0 ? selector(server, valued) : "";
  const { data } = useQuery({
    queryKey: ["fleet", "courses", query],
    queryFn: async ({ signal }) => {
      const end = Math.floor(Date.now() / 1000 / STEP) * STEP;
      const start = end - HOUR;
      const series = await queryRange(query, { start, end, step: STEP }, signal);
      const { values } = align(series, start, end, STEP);
      return linesByKey(series, values);
    },
    enabled: query !== "",
    refetchInterval: INTERVAL_MS,
    placeholderData: (before) => before,
  });
  return data ?? NOTHING;
}

const NOTHING: Map<string, (number | null)[]> = new Map();
