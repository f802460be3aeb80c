/** A state, by shape, word and colour: any one of them is enough. */
import {
  IconAlertOctagon,
  IconAlertTriangle,
  IconCircleCheck,
  IconHelpCircle,
  IconPlugConnectedX,
  IconPower,
  IconTool,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import { useTranslation } from "react-i18next";
import classes from "./StateBadge.module.css";

/** From the worst to the best. */
export const STATES = [
  "critical",
  "unreachable",
  "warning",
  "unknown",
  "maintenance",
  "off",
  "ok",
] as const;

export type State = (typeof STATES)[number];

type Icon = ComponentType<{ size?: number; stroke?: number; "aria-hidden"?: boolean }>;

export const STATE_ICONS: Record<State, Icon> = {
  critical: IconAlertOctagon,
  unreachable: IconPlugConnectedX,
  warning: IconAlertTriangle,
  unknown: IconHelpCircle,
  maintenance: IconTool,
  off: IconPower,
  ok: IconCircleCheck,
};

/** The state for a word of the interface; what nobody knows is `unknown`. */
export function stateOf(word: string | null | undefined): State {
  return STATES.find((state) => state === word) ?? "unknown";
}

/** How bad; 0 is worst. */
export function badness(state: State): number {
  return STATES.indexOf(state);
}

/** `size="small"` leaves the frame away, for tables. */
export function StateBadge({ state, label, size = "normal" }: { state: State; label?: string; size?: "normal" | "small" }) {
  const { t } = useTranslation("shell");
  const Shape = STATE_ICONS[state];
  return (
    <span className={classes.badge} data-state={state} data-size={size}>
      <Shape size={size === "small" ? 16 : 17} stroke={1.9} aria-hidden />
      <span>{label ?? t(`states.${state}`)}</span>
    </span>
  );
}

const SEVERITIES: Record<string, State> = { critical: "critical", warning: "warning", info: "unknown" };

/** The state that an alert's severity is shown as. */
export function severityState(severity: string): State {
  return SEVERITIES[severity] ?? "unknown";
}

/** The severity of an alert; words that others made up are shown as they are. */
export function SeverityBadge({ severity, size }: { severity: string; size?: "normal" | "small" }) {
  const { t } = useTranslation("shell");
  const label = t(`severities.${severity}`, { defaultValue: severity || t("severities.none") });
  return <StateBadge state={severityState(severity)} label={label} size={size} />;
}
