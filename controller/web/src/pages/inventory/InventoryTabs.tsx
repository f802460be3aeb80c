/** The pages of the inventory. */
import { useTranslation } from "react-i18next";
import { AreaTabs } from "@/components/AreaTabs";

export function InventoryTabs() {
  const { t } = useTranslation("inventory");
  return (
    <AreaTabs
      label={t("tabs.label")}
      tabs={[
        { to: "/inventory", label: t("tabs.servers"), isRoot: true },
        { to: "/inventory/import", label: t("tabs.import"), role: "operator" },
        { to: "/inventory/discovery", label: t("tabs.discovery"), role: "operator" },
        { to: "/inventory/groups", label: t("tabs.groups") },
        { to: "/inventory/credentials", label: t("tabs.credentials"), role: "operator" },
        { to: "/inventory/exporters", label: t("tabs.exporters") },
      ]}
    />
  );
}
