/** What was published, the newest first. */
import { Anchor, Group, Select, Stack } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, type Schema, take } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { Moment } from "@/components/Moment";
import { useRows } from "@/components/rows";
import { StateBadge } from "@/components/StateBadge";
import { Empty } from "@/components/states";
import { useUrlState } from "@/components/url";
import type { Status } from "./changes";
import { OUTCOMES } from "./VersionPage";

type Version = Schema<"SyncVersion">;

const DEFAULTS = { what: "" };

export function Versions({ statuses }: { statuses: Status[] }) {
  const { t } = useTranslation("sync");
  const navigate = useNavigate();
  const [{ what }, setUrl] = useUrlState(DEFAULTS);
  const chosen = statuses.find(({ artefact, server }) => `${artefact} ${server}` === what);
  const query = useMemo(() => ({ artefact: chosen?.artefact, server: chosen?.server }), [chosen?.artefact, chosen?.server]);
  const rows = useRows<Version>(["sync", "versions", query], ({ offset, limit, signal }) =>
    take(api.GET("/api/v1/sync/versions", { params: { query: { ...query, offset, limit } }, signal })),
  );
  const columns = useMemo<Column<Version>[]>(() => {
    const name = (artefact: string) => t(`artefacts.${artefact}`, { defaultValue: artefact });
    return [
      {
        id: "id",
        header: t("columns.version"),
        width: "90px",
        cell: (row) => (
          <Anchor component={Link} to={`/sync/versions/${row.id}`} size="sm">
            {row.id}
          </Anchor>
        ),
      },
      { id: "what", header: t("columns.what"), width: "minmax(200px, 1.5fr)", cell: (row) => t("at", { artefact: name(row.artefact), server: row.server }) },
      { id: "at", header: t("columns.at"), width: "190px", cell: (row) => <Moment at={row.created_at} /> },
      { id: "author", header: t("columns.author"), width: "minmax(110px, 1fr)", cell: (row) => row.author },
      { id: "reason", header: t("columns.reason"), width: "130px", cell: (row) => t(`syncReasons.${row.reason}`, { defaultValue: row.reason }) },
      { id: "counts", header: t("columns.changes"), width: "minmax(170px, 1fr)", cell: (row) => t("counts", { added: row.added, removed: row.removed, changed: row.changed }) },
      { id: "entries", header: t("figures.entries"), width: "90px", align: "right", cell: (row) => row.entries },
      {
        id: "outcome",
        header: t("columns.outcome"),
        width: "140px",
        cell: (row) => <StateBadge state={OUTCOMES[row.outcome]} label={t(`outcomes.${row.outcome}`)} size="small" />,
      },
    ];
  }, [t]);
  return (
    <Stack gap="sm">
      <Group>
        <Select
          label={t("columns.what")}
          placeholder={t("everything")}
          clearable
          clearButtonProps={{ "aria-label": t("everything") }}
          w={320}
          value={chosen ? what : null}
          data={statuses.map(({ artefact, server }) => ({
            value: `${artefact} ${server}`,
            label: t("at", { artefact: t(`artefacts.${artefact}`, { defaultValue: artefact }), server }),
          }))}
          onChange={(value) => setUrl({ what: value ?? "" })}
        />
      </Group>
      <DataTable
        label={t("views.versions")}
        columns={columns}
        rows={rows}
        rowId={(row) => row.id}
        rowName={(row) => t("version", { id: row.id })}
        onOpen={(row) => void navigate(`/sync/versions/${row.id}`)}
        height="calc(100vh - 320px)"
        empty={<Empty title={t("noVersions")} />}
      />
    </Stack>
  );
}
