/** Who sees to an episode. Administrators choose among all users; others take it or name somebody. */
import { Autocomplete, Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "@/api/client";
import { asProblem } from "@/api/problem";
import { useMay, useUser } from "@/api/session";
import { useAlertActions } from "./data";
import type { Alert } from "./matching";

export function Assignee({ alert }: { alert: Alert }) {
  const { t } = useTranslation("alerts");
  const shell = useTranslation("shell").t;
  const me = useUser().username;
  const mayChange = useMay("operator");
  const maySeeUsers = useMay("admin");
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState(alert.assignee ?? "");
  const { assign } = useAlertActions();
  const { data } = useQuery({
    queryKey: ["users", "names"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/users", { params: { query: { limit: 1000 } }, signal })),
    enabled: maySeeUsers && isOpen,
  });
  const set = (assignee: string | null) =>
    assign.mutate({ id: alert.id, assignee }, { onSuccess: () => setOpen(false) });
  if (!isOpen) {
    return (
      <Group gap="sm" component="span">
        <Text size="sm" component="span">
          {alert.assignee ?? t("facts.nobody")}
        </Text>
        {mayChange && (
          <>
            {alert.assignee !== me && (
              <Button size="compact-xs" variant="default" loading={assign.isPending} onClick={() => set(me)}>
                {t("assign.me")}
              </Button>
            )}
            <Button size="compact-xs" variant="subtle" onClick={() => setOpen(true)}>
              {t("assign.other")}
            </Button>
          </>
        )}
      </Group>
    );
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        set(name.trim() === "" ? null : name.trim());
      }}
    >
      <Group gap="xs" align="flex-start">
        <Autocomplete
          size="xs"
          aria-label={t("facts.assignee")}
          placeholder={t("assign.placeholder")}
          value={name}
          onChange={setName}
          data={data?.items.filter(({ is_active: isActive }) => isActive).map(({ username }) => username) ?? [me]}
          error={assign.error ? asProblem(assign.error).message : undefined}
          data-autofocus
        />
        <Button size="xs" type="submit" loading={assign.isPending}>
          {shell("save")}
        </Button>
        <Button size="xs" variant="default" onClick={() => setOpen(false)}>
          {shell("cancel")}
        </Button>
      </Group>
    </form>
  );
}
