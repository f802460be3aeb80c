/** The head of the page: how many fire now, by severity, in one line. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, take } from "@/api/client";
import { PageTitle } from "@/components/PageTitle";

export function useAlertsHead() {
  const { t } = useTranslation("alerts");
  const { data } = useQuery({
    queryKey: ["alerts", "statistics", "firing"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/alerts/statistics", { params: { query: { state: "firing" } }, signal })),
  });
  const critical = data?.by_severity.critical ?? 0;
  const state = data && (
    // Read out when it changes: new critical alerts are heard, too.
    <span role="status" className="number">
      {data.count === 0
        ? t("state.none")
        : t("state.some", { count: data.count, critical, open: data.count - data.acknowledged })}
    </span>
  );
  return <PageTitle title={t("title")} state={state ?? " "} />;
}
