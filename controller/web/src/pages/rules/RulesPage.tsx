/** Rules: by group, thresholds of one's own, and which thresholds hold where. */
import { Button, Tabs } from "@mantine/core";
import { IconAdjustments, IconFileCode, IconPlus, IconTarget } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { hasRole, useUser } from "@/api/session";
import { PageTitle } from "@/components/PageTitle";
import { useUrlState } from "@/components/url";
import { Effective } from "./Effective";
import { Groups } from "./Groups";
import { Overrides } from "./Overrides";

const DEFAULTS = { view: "groups" };

const VIEWS = [
  { view: "groups", icon: IconFileCode, body: Groups },
  { view: "overrides", icon: IconAdjustments, body: Overrides },
  { view: "effective", icon: IconTarget, body: Effective },
] as const;

/** Rules are about all servers: who is limited to groups only reads. */
export function useMayChangeRules(): boolean {
  const user = useUser();
  return hasRole(user, "operator") && (user.group_ids === null || user.group_ids === undefined);
}

export default function RulesPage() {
  const { t } = useTranslation("rules");
  const [{ view }, setView] = useUrlState(DEFAULTS);
  const mayChange = useMayChangeRules();
  return (
    <>
      <PageTitle title={t("title")} state={t("state")}>
        {mayChange && view === "groups" && (
          <Button component={Link} to="/rules/new" leftSection={<IconPlus size={16} aria-hidden />}>
            {t("new")}
          </Button>
        )}
      </PageTitle>
      <Tabs
        value={VIEWS.some((one) => one.view === view) ? view : "groups"}
        onChange={(next) => setView({ view: next ?? "groups" }, true)}
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
