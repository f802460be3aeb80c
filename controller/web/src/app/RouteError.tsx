/** What is shown where a page fails, or there is none. */
import { useTranslation } from "react-i18next";
import { Link, useRouteError } from "react-router";
import { Anchor } from "@mantine/core";
import { Empty, Failed } from "@/components/states";

/** After a new version was installed, an old page asks for files that are gone. */
function isOutdated(error: unknown): boolean {
  return error instanceof TypeError && /module|import/i.test(error.message);
}

export function RouteError() {
  const { t } = useTranslation("shell");
  const error = useRouteError();
  return (
    <Failed
      error={isOutdated(error) ? new Error(t("outdated")) : error}
      onRetry={() => location.reload()}
    />
  );
}

export function NotFound() {
  const { t } = useTranslation("shell");
  return (
    <Empty title={t("notFound.title")} text={t("notFound.text")}>
      <Anchor component={Link} to="/fleet">
        {t("notFound.back")}
      </Anchor>
    </Empty>
  );
}
