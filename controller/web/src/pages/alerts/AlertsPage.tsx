/** Alerts: what fires, what fired, and figures about it. */
import { Tabs } from "@mantine/core";
import { IconChartBar, IconFlame, IconHistory, IconZoomQuestion } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useUrlState } from "@/components/url";
import { ActiveAlerts } from "./ActiveAlerts";
import { Gaps } from "./Gaps";
import { History } from "./History";
import { Statistics } from "./Statistics";
import { useAlertsHead } from "./useAlertsHead";

const DEFAULTS = { view: "active" };

const VIEWS = [
  { view: "active", icon: IconFlame, body: ActiveAlerts },
  { view: "history", icon: IconHistory, body: History },
  { view: "statistics", icon: IconChartBar, body: Statistics },
  { view: "gaps", icon: IconZoomQuestion, body: Gaps },
] as const;

export default function AlertsPage() {
  const { t } = useTranslation("alerts");
  const [{ view }, setView] = useUrlState(DEFAULTS);
  const head = useAlertsHead();
  return (
    <>
      {head}
      <Tabs
        value={VIEWS.some((one) => one.view === view) ? view : "active"}
        onChange={(next) => setView({ view: next ?? "active" }, true)}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {VIEWS.map(({ view: value, icon: Icon }) => (
            <Tabs.Tab key={value} value={value} leftSection={<Icon size={16} aria-hidden />}>
              {t(`views.${value}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {VIEWS.map(({ view: value, body: Body }) => (
          <Tabs.Panel key={value} value={value}>
            <Body />
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  );
}
