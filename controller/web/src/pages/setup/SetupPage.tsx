/** A short way from an empty controller to the first server that is monitored. */
import { Alert, Button, Group, List, Paper, Stack, Stepper, Text, Title } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconCircleCheck, IconPlus } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useQuery } from "@tanstack/react-query";
import { useCredentials, useExporters } from "@/api/choices";
import { api, take } from "@/api/client";
import { PageTitle } from "@/components/PageTitle";
import { Loading } from "@/components/states";
import { PasswordDialog } from "../administration/PasswordDialog";
import { Services, useHealth } from "../administration/Services";
import { CredentialDialog } from "../credentials/CredentialDialog";
import { ExporterDialog } from "../exporters/ExporterDialog";
import { StartSteps } from "../exporters/StartDialog";
import type { Server } from "../inventory/server";
import { firstOpen, isDone, STEPS, type Step, type There } from "./progress";

const ServerDialog = lazy(() => import("../inventory/ServerDialog"));
const ConnectionTest = lazy(() => import("../inventory/ConnectionTest"));

/** Kept in the browser: the controller does not know whether the first password is still in use. */
const SETTLED = "ipmi-setup-password";

function useThere(): [There | undefined, () => void] {
  const [isPasswordSettled, setSettled] = useState(() => localStorage.getItem(SETTLED) !== null);
  const { data: health, isError } = useHealth();
  const credentials = useCredentials();
  const exporters = useExporters();
  const { data: servers } = useQuery({
    queryKey: ["servers", "count"],
    queryFn: ({ signal }) => take(api.GET("/api/v1/servers", { params: { query: { limit: 1 } }, signal })),
  });
  const settle = () => {
    localStorage.setItem(SETTLED, "1");
    setSettled(true);
  };
  if ((!health && !isError) || !credentials || !exporters || !servers) {
    return [undefined, settle];
  }
  return [
    { isPasswordSettled, isPrometheusWell: health?.prometheus ?? false, credentials: credentials.length, exporters: exporters.length, servers: servers.total },
    settle,
  ];
}

export default function SetupPage() {
  const { t } = useTranslation("setup");
  const [there, settle] = useThere();
  const [chosen, setChosen] = useState<number>();
  const isNarrow = useMediaQuery("(max-width: 48em)");
  if (!there) {
    return (
      <>
        <PageTitle title={t("title")} state={t("hint")} />
        <Loading />
      </>
    );
  }
  // What is done while one looks must not turn the page.
  if (chosen === undefined) {
    setChosen(firstOpen(there));
  }
  const active = chosen ?? firstOpen(there);
  const next = () => setChosen(Math.min(active + 1, STEPS.length));
  return (
    <>
      <PageTitle title={t("title")} state={t("hint")} />
      <Stepper
        active={active}
        onStepClick={setChosen}
        orientation={isNarrow ? "vertical" : "horizontal"}
        size="sm"
        allowNextStepsSelect
      >
        {STEPS.map((step, index) => (
          <Stepper.Step key={step} label={t(`steps.${step}.title`)} completedIcon={isDone(step, there) ? undefined : index + 1}>
            <Paper withBorder p="md" mt="md" bg="var(--surface)">
              <Stack>
                <Title order={2} size="h4">
                  {t(`steps.${step}.title`)}
                </Title>
                <Text size="sm">{t(`steps.${step}.text`)}</Text>
                <Body step={step} there={there} onSettle={settle} />
                <Group justify="space-between">
                  <Button variant="default" disabled={index === 0} onClick={() => setChosen(index - 1)}>
                    {t("back")}
                  </Button>
                  <Button variant={isDone(step, there) ? "filled" : "default"} onClick={next}>
                    {isDone(step, there) ? t("next") : t("later")}
                  </Button>
                </Group>
              </Stack>
            </Paper>
          </Stepper.Step>
        ))}
        <Stepper.Completed>
          <Finished there={there} />
        </Stepper.Completed>
      </Stepper>
    </>
  );
}

function Body({ step, there, onSettle }: { step: Step; there: There; onSettle(): void }) {
  const { t } = useTranslation("setup");
  const [isOpen, setOpen] = useState(false);
  const [server, setServer] = useState<Server>();
  const exporters = useExporters();
  const [newest] = [...(exporters ?? [])].toSorted((a, b) => b.id - a.id);
  const close = () => setOpen(false);
  const open = (label: string) => (
    <Group>
      <Button variant={isDone(step, there) ? "default" : "filled"} leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setOpen(true)}>
        {label}
      </Button>
    </Group>
  );
  switch (step) {
    case "password":
      return (
        <>
          {there.isPasswordSettled && <Done text={t("steps.password.done")} />}
          <Group>
            <Button variant={there.isPasswordSettled ? "default" : "filled"} onClick={() => setOpen(true)}>
              {t("steps.password.action")}
            </Button>
            {!there.isPasswordSettled && (
              <Button variant="subtle" onClick={onSettle}>
                {t("steps.password.keep")}
              </Button>
            )}
          </Group>
          {isOpen && (
            <PasswordDialog
              onClose={(isChanged) => {
                close();
                if (isChanged) {
                  onSettle();
                }
              }}
            />
          )}
        </>
      );
    case "services":
      return <Services />;
    case "credential":
      return (
        <>
          {there.credentials > 0 && <Done text={t("steps.credential.done", { count: there.credentials })} />}
          {open(t("steps.credential.action"))}
          {isOpen && <CredentialDialog onClose={close} />}
        </>
      );
    case "exporter":
      return (
        <>
          {there.exporters > 0 && <Done text={t("steps.exporter.done", { count: there.exporters })} />}
          {open(t("steps.exporter.action"))}
          {newest && <StartSteps key={newest.id} exporter={newest} />}
          {isOpen && <ExporterDialog onClose={close} />}
        </>
      );
    case "server":
      return (
        <>
          {there.servers > 0 && <Done text={t("steps.server.done", { count: there.servers })} />}
          <Group>
            {open(t("steps.server.action"))}
            <Button component={Link} to="/inventory/import" variant="default">
              {t("steps.server.import")}
            </Button>
            <Button component={Link} to="/inventory/discovery" variant="default">
              {t("steps.server.discovery")}
            </Button>
          </Group>
          <Suspense>
            {isOpen && <ServerDialog onClose={close} onTest={setServer} />}
            {server && <ConnectionTest server={server} onClose={() => setServer(undefined)} />}
          </Suspense>
        </>
      );
  }
}

function Done({ text }: { text: string }) {
  return (
    <Alert color="brand" icon={<IconCircleCheck aria-hidden />} role="status">
      {text}
    </Alert>
  );
}

function Finished({ there }: { there: There }) {
  const { t } = useTranslation("setup");
  const open = STEPS.filter((step) => !isDone(step, there));
  return (
    <Paper withBorder p="md" mt="md" bg="var(--surface)">
      <Stack>
        <Title order={2} size="h4">
          {open.length === 0 ? t("finished.title") : t("finished.open")}
        </Title>
        {open.length > 0 && (
          <List size="sm">
            {open.map((step) => (
              <List.Item key={step}>{t(`steps.${step}.title`)}</List.Item>
            ))}
          </List>
        )}
        <Text size="sm">{t("finished.text")}</Text>
        <Group>
          <Button component={Link} to="/fleet">
            {t("finished.fleet")}
          </Button>
          <Button component={Link} to="/inventory" variant="default">
            {t("finished.inventory")}
          </Button>
        </Group>
      </Stack>
    </Paper>
  );
}
