/** uPlot in the page's colours and the reader's language. */
import { useComputedColorScheme, useMantineTheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useFormat } from "@/i18n/format";
import { currentLanguage, LANGUAGES } from "@/i18n";
import type { ChartProps, Mark } from "./data";
import classes from "./Plot.module.css";

/** Apart for every kind of colour blindness, on light and on dark. */
const COLORS = {
  light: ["#1b6ca8", "#b35c00", "#9b1f6a", "#2b7a64", "#6a3fb0", "#7a6a00", "#005f73", "#a33a3a"],
  dark: ["#74b9ea", "#f0b45a", "#f28cc0", "#7fd1b4", "#bfa2f5", "#d9cb57", "#6fc7d6", "#ef9a9a"],
};

const NO_MARKS: Mark[] = [];

/** The colour of the series at this place. */
export function seriesColor(index: number, scheme: "light" | "dark"): string {
  return COLORS[scheme][index % COLORS[scheme].length] ?? "#888";
}

export default function Plot({ times, series, marks = NO_MARKS, height = 240, range, onZoom }: ChartProps & { height?: number }) {
  const element = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light");
  const format = useFormat();
  const { i18n } = useTranslation();
  const { language } = i18n;
  const font = useMantineTheme().fontFamily ?? "sans-serif";
  // A new function at each rendering must not draw anew.
  const zoom = useRef(onZoom);
  useEffect(() => {
    zoom.current = onZoom;
  }, [onZoom]);
  useEffect(() => {
    const parent = element.current;
    if (!parent) {
      return;
    }
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--mantine-color-text") || (scheme === "dark" ? "#ddd" : "#222");
    const grid = scheme === "dark" ? "#ffffff18" : "#00000014";
    const units = [...new Set(series.map(({ unit }) => unit))];
    const tag = LANGUAGES[currentLanguage()].tag;
    const axis: uPlot.Axis = {
      stroke: ink,
      font: `12px ${font}`,
      grid: { stroke: grid, width: 1 },
      ticks: { stroke: grid, width: 1 },
    };
    const options: uPlot.Options = {
      width: Math.max(parent.clientWidth, 100),
      height,
      padding: [8, 8, 0, 0],
      cursor: {
        drag: { x: zoom.current !== undefined, y: false, setScale: false },
        // Going back is ours, not the chart's.
        bind: {
          dblclick: () => () => {
            zoom.current?.(null);
            return null;
          },
        },
      },
      select: { show: true, left: 0, top: 0, width: 0, height: 0 },
      scales: {
        x: { time: true, range: range ? () => range : undefined },
        ...Object.fromEntries(units.map((unit) => [unit || "y", { auto: true }])),
      },
      axes: [
        { ...axis, values: (_, splits, __, ___, increment) => splits.map((at) => tick(at, increment, tag)) },
        ...units.slice(0, 2).map((unit, index) => ({
          ...axis,
          scale: unit || "y",
          side: index === 0 ? 3 : 1,
          // Room for "12,000 RPM".
          size: 88,
          grid: { ...axis.grid, show: index === 0 },
          values: (_: uPlot, splits: number[]) => splits.map((value) => `${format.reading(value)} ${unit}`.trim()),
        })),
      ],
      series: [
        { label: "", value: (_, at) => (at === null ? "–" : format.time(at * 1000)) },
        ...series.map(({ label, unit, isDashed }, index) => ({
          label,
          scale: unit || "y",
          stroke: seriesColor(index, scheme),
          width: 1.6,
          dash: isDashed ? [5, 4] : undefined,
          points: { show: times.length < 30 },
          value: (_: uPlot, value: number | null) => (value === null ? "–" : `${format.reading(value)} ${unit}`.trim()),
        })),
      ],
      hooks: {
        setSelect: [
          (plot) => {
            if (plot.select.width > 4) {
              const from = plot.posToVal(plot.select.left, "x");
              const to = plot.posToVal(plot.select.left + plot.select.width, "x");
              zoom.current?.([from, to]);
            }
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
        draw: [
          (plot) => {
            for (const { at, color } of marks) {
              const x = plot.valToPos(at, "x", true);
              if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) {
                continue;
              }
              const name = /^var\((--[\w-]+)\)$/.exec(color)?.[1];
              plot.ctx.strokeStyle = name ? style.getPropertyValue(name) : color;
              plot.ctx.lineWidth = devicePixelRatio;
              plot.ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
              plot.ctx.beginPath();
              plot.ctx.moveTo(x, plot.bbox.top);
              plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
              plot.ctx.stroke();
              plot.ctx.setLineDash([]);
            }
          },
        ],
      },
    };
    const plot = new uPlot(options, [times, ...series.map(({ values }) => values)], parent);
    const observer = new ResizeObserver(() =>
      plot.setSize({ width: Math.max(parent.clientWidth, 100), height }),
    );
    observer.observe(parent);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [times, series, marks, height, range, scheme, format, language, font]);
  // The legend has its place before it is there, so that nothing jumps.
  return <div ref={element} className={classes.plot} style={{ minHeight: height + 27 }} aria-hidden />;
}

/** A time at the axis: as much of it as the distance to the next needs. 24 hours. */
function tick(at: number, increment: number, tag: string): string {
  const date = new Date(at * 1000);
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0;
  if (increment >= 86_400 || isMidnight) {
    return new Intl.DateTimeFormat(tag, { month: "short", day: "numeric" }).format(date);
  }
  const second = increment < 60 ? ({ second: "2-digit" } as const) : {};
  return new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...second }).format(date);
}
