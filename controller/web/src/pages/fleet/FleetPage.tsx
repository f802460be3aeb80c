/** The fleet at a glance. */
import { useTranslation } from "react-i18next";
import { PageTitle } from "@/components/PageTitle";

export default function FleetPage() {
  const { t } = useTranslation("fleet");
  return <PageTitle title={t("title")} />;
}
