/** The editor of a rule group: as a form or as a text, judged while one writes. */
import { Alert, Anchor, Button, Group, Paper, SegmentedControl, Stack, Switch, Text, TextInput } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconRestore, IconTrash } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, take, takeVersioned } from "@/api/client";
import { asProblem, type Problem } from "@/api/problem";
import { tell, tellDone } from "@/app/tell";
import { useConfirm } from "@/components/confirm";
import { PageTitle } from "@/components/PageTitle";
import { Failed } from "@/components/states";
import { useUrlState } from "@/components/url";
import { Conflict } from "./Conflict";
import { CodeEditor } from "./CodeEditor";
import { bodyOf, type Draft, draftOf, isSame, NEW_DRAFT, type RuleGroup, ruleErrors } from "./draft";
import { Marks } from "./Groups";
import { RuleList } from "./RuleList";
import { useMayChangeRules } from "./RulesPage";
import { useValidation } from "./useValidation";

export interface Versioned {
  data: RuleGroup;
  etag: string | null;
}

const DEFAULTS = { form: "form" };
const NO_FIELDS: ReadonlyMap<string, string> = new Map();

export function GroupEditor({ latest }: { latest?: Versioned }) {
  const { t } = useTranslation("rules");
  const shell = useTranslation("shell").t;
  const mayChange = useMayChangeRules();
  const navigate = useNavigate();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const [{ form }, setUrl] = useUrlState(DEFAULTS);
  /** What the changes are changes of. */
  const [base, setBase] = useState(latest);
  const [draft, setDraft] = useState<Draft>(() => (latest ? draftOf(latest.data) : NEW_DRAFT));
  const [text, setText] = useState<{ source: string; error: string | undefined } | null>(null);
  const original = useMemo(() => (base ? draftOf(base.data) : NEW_DRAFT), [base]);
  const isDirty = !isSame(draft, original) || text?.error !== undefined;
  // Somebody else's change is taken over at once where nothing would be lost.
  if (latest && base && latest.etag !== base.etag && !isDirty) {
    setBase(latest);
    setDraft(draftOf(latest.data));
    setText(null);
  }
  const body = useMemo(() => bodyOf(draft), [draft]);
  const { validation, problem, isPending } = useValidation(body, mayChange);

  const adopt = (stored: Versioned) => {
    setBase(stored);
    setDraft(draftOf(stored.data));
    setText(null);
    queries.setQueryData(["rules", "one", stored.data.id], stored);
    void queries.invalidateQueries({ queryKey: ["rules", "list"] });
  };
  const save = useMutation({
    mutationFn: (etag: string | null | undefined) =>
      base
        ? takeVersioned(
            api.PUT("/api/v1/rules/{id}", {
              params: { path: { id: base.data.id } },
              headers: { "If-Match": etag ?? "" },
              body,
            }),
          )
        : takeVersioned(api.POST("/api/v1/rules", { body })),
    onSuccess: (stored) => {
      void tellDone(t("saved"));
      if (base) {
        adopt(stored);
        return;
      }
      // From here on it is another editor; what is written into this one would be lost.
      queries.setQueryData(["rules", "one", stored.data.id], stored);
      void queries.invalidateQueries({ queryKey: ["rules", "list"] });
      void navigate(`/rules/${stored.data.id}`, { replace: true });
    },
    onError: (error) => {
      if (asProblem(error).status === 412 && base) {
        void queries.invalidateQueries({ queryKey: ["rules", "one", base.data.id] });
      }
    },
  });
  const reset = useMutation({
    mutationFn: (stored: Versioned) =>
      takeVersioned(
        api.POST("/api/v1/rules/{id}/reset", {
          params: { path: { id: stored.data.id } },
          headers: { "If-Match": stored.etag ?? "" },
        }),
      ),
    onSuccess: adopt,
    onError: tell,
  });
  const remove = useMutation({
    mutationFn: (stored: Versioned) =>
      take(
        api.DELETE("/api/v1/rules/{id}", {
          params: { path: { id: stored.data.id } },
          headers: { "If-Match": stored.etag ?? "" },
        }),
      ),
    onSuccess: async () => {
      await navigate("/rules");
      void queries.invalidateQueries({ queryKey: ["rules"] });
    },
    onError: tell,
  });

  const saveProblem = save.error ? asProblem(save.error) : undefined;
  const isConflict = base !== undefined && latest !== undefined && latest.etag !== base.etag && isDirty;
  const fields = problem?.fields ?? (saveProblem?.status === 422 ? saveProblem.fields : NO_FIELDS);
  const perRule = useMemo(() => ruleErrors(fields), [fields]);
  const isText = form === "text";
  const needsText = isText && text === null;
  useEffect(() => {
    let isWanted = needsText;
    const write = async () => {
      const { toText } = await import("./text");
      if (isWanted) {
        setText({ source: toText(draft), error: undefined });
      }
    };
    if (isWanted) {
      void write();
    }
    return () => {
      isWanted = false;
    };
  }, [needsText, draft]);
  const changeText = async (source: string) => {
    const { fromText, TextError } = await import("./text");
    try {
      const read = fromText(source);
      setDraft(read);
      setText({ source, error: undefined });
    } catch (error) {
      setText({ source, error: error instanceof TextError ? error.message : String(error) });
    }
  };
  const canSave = mayChange && isDirty && text?.error === undefined && !problem && validation?.is_valid !== false;
  return (
    <>
      <PageTitle
        title={base?.data.name ?? t("newTitle")}
        state={
          base && (
            <Group gap="sm">
              <span className="number">{t("rules", { count: base.data.rules.length })}</span>
              <Marks group={base.data} />
              {isDirty && <span>{t("unsaved")}</span>}
            </Group>
          )
        }
      >
        {mayChange && base && (
          <>
            {base.data.origin === "default" && (base.data.is_changed || base.data.update_available) && (
              <Button
                variant="default"
                leftSection={<IconRestore size={16} aria-hidden />}
                loading={reset.isPending}
                onClick={async () => {
                  if (await confirm({ title: t("reset.title", { name: base.data.name }), text: t("reset.text"), action: t("reset.action") })) {
                    reset.mutate(base);
                  }
                }}
              >
                {t("reset.action")}
              </Button>
            )}
            {base.data.origin === "operator" && (
              <Button
                variant="default"
                leftSection={<IconTrash size={16} aria-hidden />}
                loading={remove.isPending}
                onClick={async () => {
                  const question = {
                    title: t("remove.title", { name: base.data.name }),
                    text: t("remove.text", { count: base.data.rules.length }),
                    action: shell("delete"),
                    isDangerous: true,
                  };
                  if (await confirm(question)) {
                    remove.mutate(base);
                  }
                }}
              >
                {shell("delete")}
              </Button>
            )}
            <Button
              variant="default"
              disabled={!isDirty}
              onClick={() => {
                setDraft(original);
                setText(null);
                save.reset();
              }}
            >
              {t("discard")}
            </Button>
          </>
        )}
        {mayChange && (
          <Button disabled={!canSave || isConflict} loading={save.isPending} onClick={() => save.mutate(base?.etag)}>
            {shell("save")}
          </Button>
        )}
      </PageTitle>
      <Stack gap="md">
        <Anchor component={Link} to="/rules" size="sm">
          {t("back")}
        </Anchor>
        {isConflict && (
          <Conflict
            mine={draft}
            latest={latest}
            onTakeTheirs={() => {
              save.reset();
              adopt(latest);
            }}
            onKeepMine={() => {
              save.reset();
              setBase(latest);
            }}
          />
        )}
        {saveProblem && !isConflict && saveProblem.status !== 412 && <Failed error={saveProblem} />}
        <Judgement problem={problem} validation={validation} isPending={isPending} isShown={mayChange && text?.error === undefined} />
        <Group>
          <SegmentedControl
            aria-label={t("form.label")}
            value={isText ? "text" : "form"}
            data={[
              { value: "form", label: t("form.form") },
              { value: "text", label: t("form.text") },
            ]}
            onChange={(value) => {
              setText(null);
              setUrl({ form: value });
            }}
            disabled={text?.error !== undefined}
          />
        </Group>
        {isText ? (
          text && (
            <CodeEditor
              label={t("form.textLabel")}
              language="yaml"
              value={text.source}
              onChange={mayChange ? (source) => void changeText(source) : undefined}
              error={text.error}
            />
          )
        ) : (
          <>
            <Paper withBorder p="md" bg="var(--surface)" component="section" aria-label={t("fields.title")}>
              <Group align="flex-start" gap="md">
                <TextInput
                  label={t("fields.name")}
                  value={draft.name}
                  onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
                  error={draft.name === "" && !base ? undefined : fields.get("name")}
                  readOnly={!mayChange}
                  w={260}
                  spellCheck={false}
                />
                <TextInput
                  label={t("fields.interval")}
                  placeholder={t("fields.intervalDefault")}
                  value={draft.interval}
                  onChange={(event) => setDraft({ ...draft, interval: event.currentTarget.value })}
                  error={fields.get("interval")}
                  readOnly={!mayChange}
                  w={180}
                />
                <TextInput
                  label={t("fields.description")}
                  value={draft.description}
                  onChange={(event) => setDraft({ ...draft, description: event.currentTarget.value })}
                  error={fields.get("description")}
                  readOnly={!mayChange}
                  flex="1 1 280px"
                />
                <Switch
                  label={t("fields.enabled")}
                  checked={draft.enabled}
                  onChange={(event) => setDraft({ ...draft, enabled: event.currentTarget.checked })}
                  disabled={!mayChange}
                  mt={30}
                />
              </Group>
            </Paper>
            <RuleList
              rules={draft.rules}
              onChange={mayChange ? (rules) => setDraft({ ...draft, rules }) : undefined}
              errors={perRule}
              validation={problem ? undefined : validation}
            />
          </>
        )}
      </Stack>
    </>
  );
}

interface JudgementProps {
  problem: Problem | undefined;
  validation: ReturnType<typeof useValidation>["validation"];
  isPending: boolean;
  isShown: boolean;
}

/** What was found wrong, or that nothing was. One place of always the same height. */
function Judgement({ problem, validation, isPending, isShown }: JudgementProps) {
  const { t } = useTranslation("rules");
  if (!isShown) {
    return null;
  }
  const errors = problem
    ? [...problem.fields].map(([field, message]) => `${field}: ${message}`)
    : [
        ...(validation?.promtool_error ? [validation.promtool_error] : []),
        ...(validation?.rules ?? []).flatMap(({ name, error }) => (error ? [`${name}: ${error}`] : [])),
      ];
  const message = problem && problem.fields.size === 0 ? problem.message : undefined;
  const isGood = !isPending && errors.length === 0 && message === undefined && validation?.is_valid === true;
  return (
    <Alert
      role="status"
      variant="light"
      color={isGood || isPending ? "brand" : "red"}
      icon={isGood || isPending ? <IconCircleCheck aria-hidden /> : <IconAlertTriangle aria-hidden />}
      title={isPending ? t("judging.pending") : isGood ? t("judging.good") : t("judging.bad")}
    >
      <Stack gap={4}>
        {[...errors, ...(message ? [message] : [])].map((error) => (
          <Text key={error} size="sm" lang="en" ff="monospace" style={{ overflowWrap: "anywhere" }}>
            {error}
          </Text>
        ))}
        {isGood && (
          <Text size="sm">
            {validation.prometheus_unavailable
              ? t("judging.withoutPrometheus")
              : validation.promtool_was_asked
                ? t("judging.byBoth")
                : t("judging.byPrometheus")}
          </Text>
        )}
      </Stack>
    </Alert>
  );
}
