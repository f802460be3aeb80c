/** A value among its thresholds, as a small bar; in words for who does not see it. */
import { Tooltip } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Schema } from "@/api/client";
import { useFormat } from "@/i18n/format";
import { thresholdBar } from "./sensors";

const WIDTH = 140;
const HEIGHT = 16;
const COLORS = { ok: "var(--cell-ok)", warning: "var(--cell-warning)", critical: "var(--cell-critical)" };

interface Props {
  value: number;
  unit: string;
  thresholds: Schema<"Thresholds">;
}

export function ThresholdBar({ value, unit, thresholds }: Props) {
  const { t } = useTranslation("servers");
  const format = useFormat();
  const bar = thresholdBar(value, thresholds);
  if (!bar) {
    return <span>–</span>;
  }
  const limit = (of: number | null | undefined) => (typeof of === "number" ? `${format.reading(of)} ${unit}` : "–");
  const words = t("sensor.limits", {
    lowCritical: limit(thresholds.lower_critical),
    lowWarning: limit(thresholds.lower_non_critical),
    highWarning: limit(thresholds.upper_non_critical),
    highCritical: limit(thresholds.upper_critical),
  });
  return (
    <Tooltip label={words} multiline maw={320}>
      <svg width={WIDTH} height={HEIGHT} role="img" aria-label={words}>
        {bar.zones.map(({ from, to, level }) => (
          <rect key={from} x={from * WIDTH} y={6} width={Math.max((to - from) * WIDTH - 1, 0)} height={level === "ok" ? 4 : 6} fill={COLORS[level]} />
        ))}
        <path d={`M${bar.at * WIDTH} 1v14`} stroke="var(--mantine-color-text)" strokeWidth={2} />
      </svg>
    </Tooltip>
  );
}
