/** A chart over time, loaded when one is shown. Its data can be read as a table. */
import { Box, Button, Group, ScrollArea, Skeleton, Table, Text } from "@mantine/core";
import { IconChartLine, IconTable } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "@/i18n/format";
import { summarise, type ChartProps } from "./data";

export type { ChartProps, Mark, Series } from "./data";

const Plot = lazy(() => import("./Plot"));

/** Rows of the table; more are no help to anybody. */
const MAX_ROWS = 200;

export function Chart(props: ChartProps & { label: string }) {
  const { label, series, times, height = 240 } = props;
  const { t } = useTranslation("shell");
  const format = useFormat();
  const [isTable, setTable] = useState(false);
  const isEmpty = series.every(({ values }) => values.every((value) => value === null));
  const summary = series
    .map((one) => summarise(one, (value) => `${format.reading(value)} ${one.unit}`.trim()))
    .filter((one) => one !== undefined)
    .map((one) => t("chart.summary", { ...one }))
    .join("; ");
  const step = Math.max(1, Math.ceil(times.length / MAX_ROWS));
  return (
    <Box component="figure" m={0} aria-label={label}>
      <Group justify="flex-end" gap="xs" mb={4}>
        {props.onZoom && !isTable && !isEmpty && (
          <Text size="xs" c="dimmed">
            {t("chart.zoomHint")}
          </Text>
        )}
        <Button
          size="compact-xs"
          variant="subtle"
          onClick={() => setTable(!isTable)}
          leftSection={isTable ? <IconChartLine size={14} aria-hidden /> : <IconTable size={14} aria-hidden />}
        >
          {isTable ? t("chart.asChart") : t("chart.asTable")}
        </Button>
      </Group>
      {isEmpty ? (
        <Text c="dimmed" ta="center" py="xl">
          {t("chart.empty")}
        </Text>
      ) : isTable ? (
        <ScrollArea h={height} type="auto" viewportProps={{ tabIndex: 0 }}>
          <Table stickyHeader aria-label={label}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("chart.time")}</Table.Th>
                {series.map(({ label: name, unit }) => (
                  <Table.Th key={name}>{unit ? `${name} (${unit})` : name}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {times.map((time, index) =>
                index % step === 0 ? (
                  <Table.Tr key={time} className="number">
                    <Table.Td>{format.time(time * 1000)}</Table.Td>
                    {series.map(({ label: name, values }) => {
                      const value = values[index];
                      return <Table.Td key={name}>{value === null || value === undefined ? "–" : format.reading(value)}</Table.Td>;
                    })}
                  </Table.Tr>
                ) : null,
              )}
            </Table.Tbody>
          </Table>
        </ScrollArea>
      ) : (
        <Suspense fallback={<Skeleton height={height + 27} aria-label={t("chart.loading")} />}>
          <Plot {...props} height={height} />
        </Suspense>
      )}
      <figcaption className="visually-hidden">{summary}</figcaption>
    </Box>
  );
}
