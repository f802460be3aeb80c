/** What is published where, what waits, and what was published before. */
import { Tabs } from "@mantine/core";
import { IconHistory, IconRefresh } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, take } from "@/api/client";
import { PageTitle } from "@/components/PageTitle";
import { useUrlState } from "@/components/url";
import { Artefacts } from "./Artefacts";
import { syncState } from "./changes";
import { Versions } from "./Versions";

const DEFAULTS = { view: "state" };
/** Whether it is live is looked at by the controller at intervals, and not told. */
const REFETCH_MS = 30_000;

export default function SyncPage() {
  const { t } = useTranslation("sync");
  const [{ view }, setView] = useUrlState(DEFAULTS);
  const { data, error, refetch } = useQuery({
    queryKey: ["sync", "status"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/sync", { signal })),
    refetchInterval: REFETCH_MS,
  });
  const open = data?.artefacts.filter(({ state }) => syncState(state) !== "ok").length ?? 0;
  return (
    <>
      <PageTitle
        title={t("title")}
        state={data ? <span role="status">{open === 0 ? t("allGood", { count: data.artefacts.length }) : t("someOpen", { count: open })}</span> : " "}
      />
      <Tabs value={view === "versions" ? "versions" : "state"} onChange={(next) => setView({ view: next ?? "state" }, true)} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="state" leftSection={<IconRefresh size={16} aria-hidden />}>
            {t("views.state")}
          </Tabs.Tab>
          <Tabs.Tab value="versions" leftSection={<IconHistory size={16} aria-hidden />}>
            {t("views.versions")}
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="state">
          <Artefacts statuses={data?.artefacts} error={error} onRetry={() => void refetch()} />
        </Tabs.Panel>
        <Tabs.Panel value="versions">
          <Versions statuses={data?.artefacts ?? []} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
