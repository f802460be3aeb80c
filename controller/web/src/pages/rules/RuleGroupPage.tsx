/** A rule group: looked at, changed, tried. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { api, takeVersioned } from "@/api/client";
import { PageTitle } from "@/components/PageTitle";
import { Failed, LoadingRows } from "@/components/states";
import { GroupEditor } from "./GroupEditor";

export default function RuleGroupPage() {
  const { t } = useTranslation("rules");
  const { id } = useParams();
  const isNew = id === "new";
  const number = Number(id);
  const { data, error, refetch } = useQuery({
    queryKey: ["rules", "one", number],
    queryFn: ({ signal }) => takeVersioned(api.GET("/api/v1/rules/{id}", { params: { path: { id: number } }, signal })),
    enabled: !isNew,
  });
  if (isNew) {
    return <GroupEditor key="new" />;
  }
  if (data) {
    return <GroupEditor key={number} latest={data} />;
  }
  return (
    <>
      <PageTitle title={t("title")} state=" " />
      {error ? <Failed error={error} onRetry={() => void refetch()} /> : <LoadingRows rows={8} height={60} />}
    </>
  );
}
