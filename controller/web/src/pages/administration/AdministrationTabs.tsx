/** The pages of the administration. */
import { useTranslation } from "react-i18next";
import { AreaTabs } from "@/components/AreaTabs";

export function AdministrationTabs() {
  const { t } = useTranslation("administration");
  return (
    <AreaTabs
      label={t("tabs.label")}
      tabs={[
        { to: "/administration", label: t("tabs.overview"), isRoot: true },
        { to: "/administration/users", label: t("tabs.users"), role: "admin" },
        { to: "/administration/tokens", label: t("tabs.tokens") },
        { to: "/administration/audit", label: t("tabs.audit"), role: "admin" },
        { to: "/administration/backups", label: t("tabs.backups"), role: "admin" },
      ]}
    />
  );
}
