/** All rule groups with their rules. */
import { Accordion, Anchor, Badge, Code, Group, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, take } from "@/api/client";
import { SeverityBadge } from "@/components/StateBadge";
import { Empty, Failed, LoadingRows } from "@/components/states";
import { useUrlState } from "@/components/url";
import { currentLanguage } from "@/i18n";
import { type RuleGroup, ruleName } from "./draft";
import classes from "./Groups.module.css";

const DEFAULTS = { search: "", origin: "", enabled: "", open: "" };
const DEBOUNCE_MS = 200;
const MAX_GROUPS = 1000;

export function Groups() {
  const { t } = useTranslation("rules");
  const [{ search, origin, enabled, open }, setUrl] = useUrlState(DEFAULTS);
  const [asked] = useDebouncedValue(search.trim(), DEBOUNCE_MS);
  const query = {
    search: asked || undefined,
    origin: origin === "default" || origin === "operator" ? (origin as "default" | "operator") : undefined,
    enabled: enabled === "yes" ? true : enabled === "no" ? false : undefined,
    limit: MAX_GROUPS,
  };
  const { data, error, refetch } = useQuery({
    queryKey: ["rules", "list", query],
    queryFn: ({ signal }) => take(api.GET("/api/v1/rules", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
  const any = (name: "origin" | "enabled", values: string[], value: string) => (
    <Select
      label={t(`filters.${name}`)}
      placeholder={t("filters.any")}
      clearable
      clearButtonProps={{ "aria-label": t("filters.clear", { name: t(`filters.${name}`) }) }}
      w={180}
      value={value || null}
      data={values.map((one) => ({ value: one, label: t(`filters.${name}Values.${one}`) }))}
      onChange={(next) => setUrl({ [name]: next ?? "" })}
    />
  );
  return (
    <Stack gap="sm">
      <Group gap="sm" align="flex-end">
        <TextInput
          label={t("filters.search")}
          placeholder={t("filters.searchHint")}
          w={280}
          leftSection={<IconSearch size={15} aria-hidden />}
          value={search}
          onChange={(event) => setUrl({ search: event.currentTarget.value })}
        />
        {any("origin", ["default", "operator"], origin)}
        {any("enabled", ["yes", "no"], enabled)}
      </Group>
      {error && <Failed error={error} onRetry={() => void refetch()} />}
      {!data && !error && <LoadingRows rows={6} height={60} />}
      {data?.items.length === 0 && <Empty title={t("empty")} />}
      <Accordion
        multiple
        variant="separated"
        value={open === "" ? [] : open.split(",")}
        onChange={(value: string[]) => setUrl({ open: value.join(",") })}
      >
        {data?.items.map((group) => (
          <Accordion.Item key={group.id} value={String(group.id)} className={classes.item}>
            <div className={classes.head}>
              <Accordion.Control aria-label={t("showRules", { name: group.name, count: group.rules.length })}>
                <Group gap="sm">
                  <Text fw={650}>{group.name}</Text>
                  <Text size="sm" c="dimmed" className="number">
                    {t("rules", { count: group.rules.length })}
                  </Text>
                  <Marks group={group} />
                </Group>
                {group.description && (
                  <Text size="sm" c="dimmed">
                    {group.description}
                  </Text>
                )}
              </Accordion.Control>
              <Anchor component={Link} to={`/rules/${group.id}`} size="sm" className={classes.open} aria-label={t("openGroup", { name: group.name })}>
                {t("open")}
              </Anchor>
            </div>
            <Accordion.Panel>
              <RuleTable group={group} />
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </Stack>
  );
}

export function Marks({ group }: { group: RuleGroup }) {
  const { t } = useTranslation("rules");
  return (
    <>
      {group.origin === "operator" && <Badge variant="outline" tt="none">{t("marks.own")}</Badge>}
      {!group.enabled && <Badge variant="outline" color="gray" tt="none">{t("marks.disabled")}</Badge>}
      {group.is_changed && <Badge variant="outline" color="gray" tt="none">{t("marks.changed")}</Badge>}
      {group.update_available && <Badge variant="outline" color="gray" tt="none">{t("marks.update")}</Badge>}
    </>
  );
}

function RuleTable({ group }: { group: RuleGroup }) {
  const { t } = useTranslation("rules");
  const language = currentLanguage();
  return (
    <Table.ScrollContainer minWidth={640}>
      <Table aria-label={group.name} layout="fixed">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={250}>{t("columns.name")}</Table.Th>
            <Table.Th>{t("columns.expr")}</Table.Th>
            <Table.Th w={90}>{t("columns.hold")}</Table.Th>
            <Table.Th w={130}>{t("columns.severity")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {group.rules.map((rule, index) => (
            <Table.Tr key={`${ruleName(rule)} ${rule.expr}`} className={classes.rule} data-off={rule.enabled === false || undefined}>
              <Table.Td>
                <Anchor component={Link} to={`/rules/${group.id}?rule=${index}`} size="sm">
                  {ruleName(rule)}
                </Anchor>
                {rule.enabled === false && (
                  <Text size="xs" c="dimmed">
                    {t("marks.disabled")}
                  </Text>
                )}
                <Text size="xs" c="dimmed">
                  {rule.annotations?.[`summary_${language}`] ?? rule.annotations?.summary}
                </Text>
              </Table.Td>
              <Table.Td>
                <Code className={classes.expr}>{rule.expr}</Code>
              </Table.Td>
              <Table.Td className="number">{rule.for ?? "–"}</Table.Td>
              <Table.Td>
                {rule.alert ? <SeverityBadge severity={rule.labels?.severity ?? ""} size="small" /> : t("columns.recorded")}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
