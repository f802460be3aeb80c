/** Times of which the journal does not know all, and how far it has read what Prometheus kept. */
import { Paper, Stack, Table, Text, Title } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schema, take } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { Moment } from "@/components/Moment";
import { useRows } from "@/components/rows";
import { StateBadge } from "@/components/StateBadge";
import { Empty, Failed } from "@/components/states";
import { useFormat } from "@/i18n/format";

type Gap = Schema<"Page_AlertGap">["items"][number];

const STATE = { open: "warning", closed: "ok", lost: "critical" } as const;

export function Gaps() {
  const { t } = useTranslation("alerts");
  const format = useFormat();
  const sources = useQuery({
    queryKey: ["alerts", "gaps", "sources"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/alerts/gaps", { params: { query: { limit: 1 } }, signal })),
    refetchInterval: 30_000,
  });
  const rows = useRows<Gap>(["alerts", "gaps"], ({ offset, limit, signal }) =>
    take(api.GET("/api/v1/alerts/gaps", { params: { query: { offset, limit } }, signal })),
  );
  const columns = useMemo<Column<Gap>[]>(
    () => [
      { id: "state", header: t("columns.state"), width: "170px", cell: (row) => <StateBadge state={STATE[row.state]} label={t(`gapStates.${row.state}`)} size="small" /> },
      { id: "from", header: t("filters.from"), width: "180px", cell: (row) => <Moment at={row.from} /> },
      { id: "until", header: t("filters.to"), width: "180px", cell: (row) => <Moment at={row.until} /> },
      { id: "lasted", header: t("columns.lasted"), width: "100px", align: "right", cell: (row) => format.duration((Date.parse(row.until) - Date.parse(row.from)) / 1000) },
      { id: "cause", header: t("columns.cause"), width: "minmax(220px, 2fr)", cell: (row) => t(`causes.${row.cause}`) },
      { id: "prometheus", header: "Prometheus", cell: (row) => row.prometheus ?? t("everyPrometheus") },
      { id: "episodes", header: t("columns.found"), align: "right", width: "150px", cell: (row) => format.number(row.episodes) },
    ],
    [t, format],
  );
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed" maw={760}>
        {t("gaps.text")}
      </Text>
      {sources.error && <Failed error={sources.error} onRetry={() => void sources.refetch()} />}
      {(sources.data?.sources.length ?? 0) > 0 && (
        <Paper withBorder p="md" bg="var(--surface)" component="section">
          <Title order={2} size="h5" mb="xs">
            {t("gaps.sources")}
          </Title>
          <Table aria-label={t("gaps.sources")}>
            <Table.Tbody>
              {sources.data?.sources.map(({ prometheus, recovered_until: until, problem }) => (
                <Table.Tr key={prometheus}>
                  <Table.Td>{prometheus}</Table.Td>
                  <Table.Td>
                    {t("gaps.until")} <Moment at={until} />
                  </Table.Td>
                  <Table.Td>
                    {problem ? (
                      <span lang="en">
                        <StateBadge state="warning" label={problem} size="small" />
                      </span>
                    ) : (
                      <StateBadge state="ok" size="small" />
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
      <DataTable
        label={t("views.gaps")}
        columns={columns}
        rows={rows}
        rowId={(row) => row.id}
        rowName={(row) => t(`causes.${row.cause}`)}
        empty={<Empty title={t("gaps.none")} icon={<IconCircleCheck size={40} stroke={1.3} />} />}
      />
    </Stack>
  );
}
