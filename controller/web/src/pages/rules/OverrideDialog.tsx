/** Makes or changes an override of thresholds. */
import { Button, Checkbox, Group, Modal, SegmentedControl, Select, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Schema, take } from "@/api/client";
import type { Problem } from "@/api/problem";
import { tellDone } from "@/app/tell";
import { applyProblem } from "@/components/form";
import { ServerSelect } from "@/components/ServerSelect";
import { Failed } from "@/components/states";
import { BOUNDS, formOf, KINDS, LEVELS, NEW_OVERRIDE, type Override, overrideBody, type OverrideForm, UNITS } from "./thresholds";

interface Props {
  /** Absent for a new one. */
  override: Override | undefined;
  groups: Schema<"Group">[];
  onClose(): void;
}

export function OverrideDialog({ override, groups, onClose }: Props) {
  const { t } = useTranslation("rules");
  const shell = useTranslation("shell").t;
  const queries = useQueryClient();
  const [problem, setProblem] = useState<Problem>();
  const form = useForm<OverrideForm>({
    initialValues: override ? formOf(override) : NEW_OVERRIDE,
    validate: { value: (value) => (value.trim() !== "" && !Number.isFinite(Number(value)) ? t("overrides.noNumber") : null) },
  });
  const save = useMutation({
    mutationFn: (values: OverrideForm) => {
      const body = overrideBody(values);
      return override
        ? take(
            api.PUT("/api/v1/thresholds/{id}", {
              params: { path: { id: override.id } },
              headers: { "If-Match": `"v${override.version}"` },
              body,
            }),
          )
        : take(api.POST("/api/v1/thresholds", { body }));
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["thresholds"] });
      void tellDone(t("saved"));
      onClose();
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  const { kind } = form.values;
  return (
    <Modal
      opened
      onClose={onClose}
      title={override ? t("overrides.editTitle") : t("overrides.new")}
      closeButtonProps={{ "aria-label": shell("close") }}
      size="lg"
    >
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack>
          {problem && <Failed error={problem} />}
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Select label={t("overrides.kind")} allowDeselect={false} data={KINDS.map((value) => ({ value, label: t(`kinds.${value}`) }))} {...form.getInputProps("kind")} />
            <TextInput
              label={UNITS[kind] === "" ? t("overrides.value") : t("overrides.valueIn", { unit: UNITS[kind] })}
              description={t("overrides.valueHint")}
              inputMode="decimal"
              data-autofocus
              {...form.getInputProps("value")}
            />
            <Stack gap={4}>
              <Text size="sm" fw={600} id="bound">
                {t("overrides.bound")}
              </Text>
              <SegmentedControl aria-labelledby="bound" data={BOUNDS.map((value) => ({ value, label: t(`bounds.${value}`) }))} {...form.getInputProps("bound")} />
            </Stack>
            <Stack gap={4}>
              <Text size="sm" fw={600} id="level">
                {t("columns.severity")}
              </Text>
              <SegmentedControl aria-labelledby="level" data={LEVELS.map((value) => ({ value, label: shell(`severities.${value}`) }))} {...form.getInputProps("level")} />
            </Stack>
          </SimpleGrid>
          <Text fw={650} size="sm">
            {t("overrides.holdsFor")}
          </Text>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <ServerSelect
              label={t("overrides.server")}
              placeholder={t("filters.any")}
              value={form.values.server_id}
              onChange={(value) => form.setFieldValue("server_id", value)}
              error={form.errors.server_id}
              clearLabel={t("filters.clear", { name: t("overrides.server") })}
            />
            <Select
              label={t("overrides.group")}
              placeholder={t("filters.any")}
              clearable
              clearButtonProps={{ "aria-label": t("filters.clear", { name: t("overrides.group") }) }}
              searchable
              data={groups.map(({ id, name }) => ({ value: String(id), label: name }))}
              value={form.values.group_id || null}
              onChange={(value) => form.setFieldValue("group_id", value ?? "")}
              error={form.errors.group_id}
            />
            <TextInput label={t("overrides.model")} placeholder={t("filters.any")} {...form.getInputProps("model")} />
            <TextInput label={t("overrides.site")} placeholder={t("filters.any")} {...form.getInputProps("site")} />
            <TextInput label={t("overrides.sensor")} placeholder={t("filters.any")} spellCheck={false} {...form.getInputProps("sensor")} />
            <Checkbox label={t("overrides.isRegex")} mt={30} {...form.getInputProps("sensor_is_regex", { type: "checkbox" })} />
          </SimpleGrid>
          <TextInput label={t("overrides.why")} {...form.getInputProps("description")} />
          <Text size="sm" c="dimmed">
            {t("overrides.precedence")}
          </Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {shell("cancel")}
            </Button>
            <Button type="submit" loading={save.isPending}>
              {shell("save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
