/** How many servers are in each state; each is a filter. */
import { Group, UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { STATE_ICONS, STATES, type State } from "@/components/StateBadge";
import { useFormat } from "@/i18n/format";
import classes from "./StateCounts.module.css";

interface Props {
  counts: Partial<Record<State, number>>;
  chosen: State | undefined;
  onChoose(state: State | undefined): void;
}

export function StateCounts({ counts, chosen, onChoose }: Props) {
  const { t } = useTranslation("shell");
  const fleet = useTranslation("fleet").t;
  const format = useFormat();
  return (
    <Group gap="xs" role="group" aria-label={fleet("states")}>
      {STATES.filter((state) => state !== "maintenance" || counts[state] !== undefined).map((state) => {
        const Shape = STATE_ICONS[state];
        const count = counts[state] ?? 0;
        return (
          <UnstyledButton
            key={state}
            className={classes.count}
            data-state={state}
            data-none={count === 0 || undefined}
            aria-pressed={chosen === state}
            onClick={() => onChoose(chosen === state ? undefined : state)}
          >
            <Shape size={22} stroke={1.8} aria-hidden />
            <span>
              <span className={classes.number}>{format.number(count)}</span>
              <span className={classes.label}>{t(`states.${state}`)}</span>
            </span>
          </UnstyledButton>
        );
      })}
    </Group>
  );
}
