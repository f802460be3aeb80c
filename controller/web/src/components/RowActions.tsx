/** What may be done with one row: a few small buttons with names. */
import { ActionIcon, Group, Tooltip } from "@mantine/core";
import type { ComponentType } from "react";

export interface RowAction {
  label: string;
  icon: ComponentType<{ size?: number; "aria-hidden"?: boolean }>;
  run(): void;
  isDangerous?: boolean;
  /** Why it cannot be done now, if so. */
  isDisabled?: boolean;
}

/** `of` is what the row is called, for who does not see it. */
export function RowActions({ of, actions }: { of: string; actions: RowAction[] }) {
  return (
    <Group gap={2} wrap="nowrap" justify="flex-end">
      {actions.map(({ label, icon: Icon, run, isDangerous, isDisabled }) => (
        <Tooltip key={label} label={label}>
          <ActionIcon
            variant="subtle"
            color={isDangerous ? "red" : "gray"}
            size={28}
            onClick={run}
            disabled={isDisabled}
            aria-label={`${label}: ${of}`}
          >
            <Icon size={17} aria-hidden />
          </ActionIcon>
        </Tooltip>
      ))}
    </Group>
  );
}
