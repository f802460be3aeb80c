/** Which thresholds hold for the sensors of a server, and where each comes from. */
import { Anchor, Stack, Text } from "@mantine/core";
import { IconTarget } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { useAllRows } from "@/components/rows";
import { ServerSelect } from "@/components/ServerSelect";
import { StateBadge } from "@/components/StateBadge";
import { Empty } from "@/components/states";
import { useUrlState } from "@/components/url";
import { useFormat } from "@/i18n/format";
import classes from "./Effective.module.css";
import { COLUMNS, judge, type SensorThresholds, thresholdAt, UNITS } from "./thresholds";

const DEFAULTS = { server: "" };
/** Readings are as old as the last scrape at most. */
const REFETCH_MS = 30_000;

export function Effective() {
  const { t } = useTranslation("rules");
  const format = useFormat();
  const [{ server }, setUrl] = useUrlState(DEFAULTS);
  const { data, error, refetch } = useQuery({
    queryKey: ["thresholds", "effective", server],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/servers/{id}/thresholds", { params: { path: { id: Number(server) } }, signal })),
    enabled: server !== "",
    refetchInterval: REFETCH_MS,
  });
  const rows = useAllRows(data, error, () => void refetch());
  const columns = useMemo<Column<SensorThresholds>[]>(() => {
    const measured = (value: number | null | undefined, row: SensorThresholds) =>
      value === null || value === undefined ? "–" : `${format.reading(value)} ${UNITS[row.kind]}`.trim();
    return [
      { id: "name", header: t("overrides.sensor"), width: "minmax(160px, 1.4fr)", cell: (row) => row.name },
      { id: "kind", header: t("overrides.kind"), width: "130px", cell: (row) => t(`kinds.${row.kind}`) },
      { id: "state", header: t("effective.state"), width: "120px", cell: (row) => <StateBadge state={judge(row)} size="small" /> },
      { id: "value", header: t("effective.value"), width: "110px", align: "right", cell: (row) => measured(row.value, row) },
      ...COLUMNS.map(({ bound, level }) => ({
        id: `${bound} ${level}`,
        header: t(`effective.${bound}_${level}`),
        width: "135px",
        align: "right" as const,
        cell: (row: SensorThresholds) => {
          const one = thresholdAt(row, bound, level);
          if (!one || one.source === "none") {
            return "–";
          }
          const was = one.hardware_value !== null && one.hardware_value !== undefined && one.source === "override";
          return (
            <span className={classes.threshold} data-source={one.source}>
              {one.value === null || one.value === undefined ? t("overrides.none") : measured(one.value, row)}
              <small>
                {one.source === "override" ? (
                  <Anchor component={Link} to={`/rules?view=overrides&kind=${row.kind}`} size="xs">
                    {t("effective.override", { id: one.override_id ?? "" })}
                  </Anchor>
                ) : (
                  t("effective.hardware")
                )}
                {was && ` · ${t("effective.instead", { value: measured(one.hardware_value, row) })}`}
              </small>
            </span>
          );
        },
      })),
    ];
  }, [t, format]);
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed" maw={800}>
        {t("effective.text")}
      </Text>
      <ServerSelect
        label={t("overrides.server")}
        placeholder={t("effective.choose")}
        value={server}
        onChange={(value) => setUrl({ server: value })}
        clearLabel={t("filters.clear", { name: t("overrides.server") })}
        width={300}
      />
      {server === "" ? (
        <Empty title={t("effective.chooseTitle")} icon={<IconTarget size={40} stroke={1.3} />} />
      ) : (
        <DataTable
          label={t("views.effective")}
          columns={columns}
          rows={rows}
          rowId={(row) => `${row.kind} ${row.id} ${row.name}`}
          rowName={(row) => row.name}
          rowHeight={48}
          height="calc(100vh - 340px)"
          empty={<Empty title={t("effective.empty")} text={t("effective.emptyText")} />}
        />
      )}
    </Stack>
  );
}
