/** How the system is set up, and whether all that it is connected with is well. */
import { Anchor, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconKey, IconListCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useGroups } from "@/api/choices";
import { api, take } from "@/api/client";
import { useMay, useSession, useUser } from "@/api/session";
import { Moment } from "@/components/Moment";
import { PageTitle } from "@/components/PageTitle";
import { AdministrationTabs } from "./AdministrationTabs";
import { PasswordDialog } from "./PasswordDialog";
import { Services, useHealth } from "./Services";

export default function AdministrationPage() {
  const { t } = useTranslation("administration");
  const isAdmin = useMay("admin");
  const [isChanging, setChanging] = useState(false);
  const { data: health } = useHealth();
  return (
    <>
      <PageTitle title={t("title")} state={health && t(health.overall ? "well" : "ill")}>
        {isAdmin && (
          <Button component={Link} to="/setup" variant="default" leftSection={<IconListCheck size={16} aria-hidden />}>
            {t("setup")}
          </Button>
        )}
        <Button variant="default" leftSection={<IconKey size={16} aria-hidden />} onClick={() => setChanging(true)}>
          {t("password.title")}
        </Button>
      </PageTitle>
      <AdministrationTabs />
      <Stack gap="lg">
        <section aria-label={t("services.title")}>
          <Title order={2} size="h5" mb="xs">
            {t("services.title")}
          </Title>
          <Services />
        </section>
        <section aria-label={t("settings.title")}>
          <Title order={2} size="h5" mb={4}>
            {t("settings.title")}
          </Title>
          <Text size="sm" c="dimmed" mb="xs">
            {t("settings.hint")}
          </Text>
          <Settings />
        </section>
      </Stack>
      {isChanging && <PasswordDialog onClose={() => setChanging(false)} />}
    </>
  );
}

/** What can be known from here; all of it is set in the configuration file. */
function Settings() {
  const { t } = useTranslation("administration");
  const { session } = useSession();
  const user = useUser();
  const isAdmin = useMay("admin");
  const groups = useGroups();
  const { data: methods } = useQuery({
    queryKey: ["auth", "methods"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/auth/methods", { signal })),
  });
  const { data: backups, error: noBackups } = useQuery({
    queryKey: ["backups"],
    enabled: isAdmin,
    queryFn: ({ signal }) => take(api.GET("/api/v1/backups", { signal })),
  });
  const newest = backups?.items[0];
  const scope = user.group_ids?.map((id) => groups?.find((group) => group.id === id)?.name ?? `#${id}`).join(", ");
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Facts
        rows={[
          [t("settings.version"), session?.version],
          [t("settings.logIn"), methods && [methods.password && t("settings.byPassword"), methods.oidc && t("settings.byOidc")].filter(Boolean).join(", ")],
          [
            t("settings.description"),
            <Anchor key="api" href="/api/v1/openapi.json" size="sm">
              openapi.json
            </Anchor>,
          ],
          ...(isAdmin
            ? [[t("settings.backup"), noBackups ? t("settings.noBackup") : newest ? <Moment key="newest" at={newest.created_at} form="relative" /> : backups && t("settings.none")] as Fact]
            : []),
        ]}
      />
      <Facts
        rows={[
          [t("settings.user"), user.username],
          [t("settings.role"), t(`settings.roles.${user.role}`)],
          [t("settings.scope"), user.group_ids ? scope || t("settings.none") : t("settings.all")],
          [t("settings.until"), session?.expires_at && <Moment key="until" at={session.expires_at} />],
        ]}
      />
    </SimpleGrid>
  );
}

type Fact = [string, ReactNode];

function Facts({ rows }: { rows: Fact[] }) {
  return (
    <Paper withBorder p="md" bg="var(--surface)">
      <Stack gap={8} component="dl" m={0}>
        {rows.map(([name, value]) => (
          <Group key={name} gap="sm" wrap="nowrap" align="baseline">
            <Text component="dt" size="sm" c="dimmed" w={170}>
              {name}
            </Text>
            <Text component="dd" size="sm" m={0}>
              {value ?? "–"}
            </Text>
          </Group>
        ))}
      </Stack>
    </Paper>
  );
}
