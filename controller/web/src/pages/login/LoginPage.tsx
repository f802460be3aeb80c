/** The log-in, shown at whatever address somebody came to. */
import { Alert, Box, Button, Center, Divider, Group, Paper, PasswordInput, Stack, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDocumentTitle } from "@mantine/hooks";
import { IconAlertTriangle, IconInfoCircle, IconLogin2 } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, take } from "@/api/client";
import { asProblem, type Problem } from "@/api/problem";
import { useSession } from "@/api/session";
import { LanguageMenu, ThemeMenu } from "@/app/menus";
import { Failed } from "@/components/states";

export default function LoginPage() {
  const { t } = useTranslation("login");
  const shell = useTranslation("shell").t;
  useDocumentTitle(`${t("title")} · ${shell("product")}`);
  const { logIn, hasEnded } = useSession();
  const form = useForm({ mode: "uncontrolled", initialValues: { username: "", password: "" } });
  const { data: methods } = useQuery({
    queryKey: ["auth", "methods"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/auth/methods", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const entry = useMutation({
    mutationFn: ({ username, password }: { username: string; password: string }) => logIn(username, password),
    onError: () => form.setFieldValue("password", ""),
  });
  const problem = entry.error ? asProblem(entry.error) : undefined;
  const wait = useCountdown(problem);
  return (
    <Box component="main">
      <Group justify="flex-end" p="sm" gap={4}>
        <LanguageMenu />
        <ThemeMenu />
      </Group>
      <Center mih="76vh" p="md">
        <Paper withBorder p="xl" w="100%" maw={400} radius="md" bg="var(--surface)">
          <Stack>
            <Group gap="sm">
              <img src="/favicon.svg" alt="" width={34} height={34} />
              <Title order={1} size="h4">
                {shell("product")}
              </Title>
            </Group>
            {hasEnded && !problem && (
              <Alert icon={<IconInfoCircle aria-hidden />} color="brand" role="status">
                {t("ended")}
              </Alert>
            )}
            {problem && <Refusal problem={problem} wait={wait} />}
            <form onSubmit={form.onSubmit((values) => entry.mutate(values))} aria-label={t("title")}>
              <Stack>
                <TextInput
                  label={t("username")}
                  autoComplete="username"
                  autoCapitalize="none"
                  spellCheck={false}
                  required
                  withAsterisk={false}
                  data-autofocus
                  key={form.key("username")}
                  {...form.getInputProps("username")}
                />
                <PasswordInput
                  label={t("password")}
                  autoComplete="current-password"
                  required
                  withAsterisk={false}
                  visibilityToggleButtonProps={{ "aria-label": t("show") }}
                  key={form.key("password")}
                  {...form.getInputProps("password")}
                />
                <Button type="submit" loading={entry.isPending} disabled={wait > 0} leftSection={<IconLogin2 size={18} aria-hidden />}>
                  {t("submit")}
                </Button>
              </Stack>
            </form>
            {methods?.oidc && (
              <>
                <Divider label={t("or")} />
                <Button component="a" href="/api/v1/auth/oidc/login" variant="default">
                  {t("oidc")}
                </Button>
              </>
            )}
          </Stack>
        </Paper>
      </Center>
    </Box>
  );
}

/** Why nobody was signed in. */
function Refusal({ problem, wait }: { problem: Problem; wait: number }) {
  const { t } = useTranslation("login");
  const known = { 401: t("refused"), 429: wait > 0 ? t("tooMany", { count: wait }) : t("tryNow") }[problem.status];
  if (known === undefined) {
    return <Failed error={problem} />;
  }
  return (
    <Alert icon={<IconAlertTriangle aria-hidden />} color="red" role="alert">
      {known}
    </Alert>
  );
}

/** Seconds until the controller looks at another try. */
function useCountdown(problem: Problem | undefined): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const end = Date.now() + (problem?.retryAfterSeconds ?? 0) * 1000;
    const look = () => setLeft(Math.max(0, Math.ceil((end - Date.now()) / 1000)));
    look();
    const timer = setInterval(look, 1000);
    return () => clearInterval(timer);
  }, [problem]);
  return left;
}
