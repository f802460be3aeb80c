/** The time range of charts, in the address bar: a length until now, or two moments. */
import { Button, Group, SegmentedControl } from "@mantine/core";
import { IconZoomOut } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useUrlState } from "./url";

/** Lengths that can be chosen, in seconds. */
export const LENGTHS = { "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000 } as const;
type Length = keyof typeof LENGTHS;

const DEFAULTS = { range: "6h", from: "", to: "" };

export function useTimeRange() {
  const [values, set] = useUrlState(DEFAULTS);
  const length: Length = Object.hasOwn(LENGTHS, values.range) ? (values.range as Length) : "6h";
  const from = Number(values.from);
  const to = Number(values.to);
  const isZoomed = Number.isFinite(from) && Number.isFinite(to) && from > 0 && to > from;
  const fixed = useMemo<[number, number] | undefined>(() => (isZoomed ? [from, to] : undefined), [isZoomed, from, to]);
  return {
    length,
    seconds: fixed ? fixed[1] - fixed[0] : LENGTHS[length],
    /** Two moments in seconds since 1970, when the range does not go on with time. */
    fixed,
    choose: (range: Length) => set({ range, from: "", to: "" }, true),
    zoom: (range: [number, number] | null) =>
      set(range ? { from: String(Math.round(range[0])), to: String(Math.round(range[1])) } : { from: "", to: "" }, true),
  };
}

export type TimeRange = ReturnType<typeof useTimeRange>;

export function RangePicker({ range }: { range: TimeRange }) {
  const { t } = useTranslation("shell");
  return (
    <Group gap="xs">
      <SegmentedControl
        size="xs"
        aria-label={t("range.label")}
        value={range.fixed ? "custom" : range.length}
        onChange={(value) => range.choose(value as Length)}
        data={[
          ...(Object.keys(LENGTHS) as Length[]).map((value) => ({ value, label: t(`range.${value}`) })),
          ...(range.fixed ? [{ value: "custom", label: t("range.custom") }] : []),
        ]}
      />
      {range.fixed && (
        <Button size="xs" variant="default" leftSection={<IconZoomOut size={15} aria-hidden />} onClick={() => range.zoom(null)}>
          {t("range.back")}
        </Button>
      )}
    </Group>
  );
}
