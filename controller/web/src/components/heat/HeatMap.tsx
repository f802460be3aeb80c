/**
 * One cell a server, drawn on a canvas: ten thousand are as smooth as ten. Arrow keys
 * move from cell to cell, whose words are read out; Enter opens. Cells that are bad
 * bear a mark besides their colour.
 */
import { Box, useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useId, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { STATES } from "@/components/StateBadge";
import { cellAt, type HeatCell, type Layout, layOut, neighbour } from "./layout";
import classes from "./HeatMap.module.css";

export type { HeatCell } from "./layout";

/** Colours of a scale from low to high; even in brightness for every kind of eye. */
const SCALE = ["#2b4d8f", "#3c7fb8", "#69abc4", "#a9cfc0", "#f2e2a4", "#f0b45a", "#d97a4a", "#b8325f"];

/** The colour of a share on the scale. */
export function scaleColor(share: number): string {
  const place = Math.min(Math.max(share, 0), 1) * (SCALE.length - 1);
  return SCALE[Math.round(place)] ?? "#888";
}

interface Props {
  /** What the map is of, for who does not see it. */
  label: string;
  /** Keep the list stable with `useMemo`. */
  cells: HeatCell[];
  onOpen(cell: HeatCell): void;
  /** Greatest height; beyond it the map scrolls. */
  maxHeight?: number;
}

export function HeatMap({ label, cells, onOpen, maxHeight = 460 }: Props) {
  const { t } = useTranslation("shell");
  const scheme = useComputedColorScheme("light");
  const { ref: sizer, width } = useElementSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  const [active, setActive] = useState(0);
  const [hovered, setHovered] = useState(-1);
  const [isFocused, setFocused] = useState(false);
  const [scrollTop, setScrollTop] = useState(0);
  const layout = useMemo(() => layOut(cells, Math.max(width, 60)), [cells, width]);
  const current = Math.min(active, Math.max(layout.cells.length - 1, 0));
  const height = Math.min(layout.height, maxHeight);

  const draw = useCallback(() => {
    if (canvas.current) {
      paint(canvas.current, layout, scrollTop, {
        width,
        height,
        marked: isFocused ? current : -1,
        hovered,
      });
    }
  }, [layout, scrollTop, width, height, isFocused, current, hovered]);
  useEffect(draw, [draw, scheme]);

  const go = (to: number) => {
    setActive(to);
    const box = scroller.current;
    const y = layout.y[to];
    if (box && y !== undefined && (y < box.scrollTop || y + layout.size > box.scrollTop + height)) {
      box.scrollTop = y - height / 2;
    }
  };
  const onKey = (event: KeyboardEvent) => {
    const last = layout.cells.length - 1;
    const moves: Record<string, () => number> = {
      ArrowRight: () => Math.min(current + 1, last),
      ArrowLeft: () => Math.max(current - 1, 0),
      ArrowDown: () => neighbour(layout, current, 1),
      ArrowUp: () => neighbour(layout, current, -1),
      Home: () => 0,
      End: () => last,
    };
    const move = moves[event.key];
    const cell = layout.cells[current];
    if (move) {
      go(move());
    } else if (event.key === "Enter" && cell) {
      onOpen(cell);
    } else {
      return;
    }
    event.preventDefault();
  };
  const under = (event: PointerEvent<HTMLElement>) => {
    const box = scroller.current?.getBoundingClientRect();
    if (!box || !scroller.current) {
      return -1;
    }
    return cellAt(layout, event.clientX - box.left, event.clientY - box.top + scroller.current.scrollTop);
  };
  const shown = hovered >= 0 ? hovered : isFocused ? current : -1;
  const cell = layout.cells[shown];
  const focused = layout.cells[current];
  const top = (layout.y[shown] ?? 0) - scrollTop;
  return (
    <Box ref={sizer} pos="relative" mih={60}>
      <div
        hidden={width === 0}
        ref={scroller}
        role="listbox"
        tabIndex={0}
        aria-label={`${label}. ${t("heat.label", { count: cells.length })}`}
        aria-activedescendant={focused ? `${id}-cell` : undefined}
        className={classes.scroller}
        style={{ height }}
        onKeyDown={onKey}
        onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
        onPointerMove={(event) => setHovered(under(event))}
        onPointerLeave={() => setHovered(-1)}
        onClick={(event) => {
          const found = layout.cells[under(event as unknown as PointerEvent<HTMLElement>)];
          if (found) {
            onOpen(found);
          }
        }}
        data-hit={hovered >= 0 || undefined}
      >
        <canvas ref={canvas} className={classes.canvas} aria-hidden />
        <div style={{ height: layout.height - height, pointerEvents: "none" }} aria-hidden />
        {focused && (
          <div role="option" id={`${id}-cell`} aria-selected className="visually-hidden">
            {t("heat.cell", { name: focused.name, group: focused.group, value: focused.text })}
          </div>
        )}
      </div>
      {cell && (
        <div
          aria-hidden
          className={classes.tip}
          style={{
            left: Math.min((layout.x[shown] ?? 0) + layout.size + 6, Math.max(width - 180, 0)),
            top: top + layout.size + 6,
          }}
        >
          <strong>{cell.name}</strong>
          <span>{cell.text}</span>
          <span className={classes.group}>{cell.group}</span>
        </div>
      )}
    </Box>
  );
}

interface View {
  width: number;
  height: number;
  marked: number;
  hovered: number;
}

function paint(canvas: HTMLCanvasElement, layout: Layout, scrollTop: number, view: View) {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(view.width * ratio));
  canvas.height = Math.max(1, Math.round(view.height * ratio));
  canvas.style.width = `${view.width}px`;
  canvas.style.height = `${view.height}px`;
  const context = canvas.getContext("2d");
  if (!context) {
    return;
  }
  const style = getComputedStyle(document.documentElement);
  const colors = new Map<string, string>(STATES.map((state) => [state, style.getPropertyValue(`--cell-${state}`)]));
  const nothing = style.getPropertyValue("--cell-unknown");
  const ink = style.getPropertyValue("--mantine-color-text");
  context.setTransform(ratio, 0, 0, ratio, 0, -scrollTop * ratio);
  context.clearRect(0, scrollTop, view.width, view.height);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = ink;
  context.textBaseline = "top";
  const { size } = layout;
  for (const { name, x, y, width } of layout.blocks) {
    if (y + 18 >= scrollTop && y <= scrollTop + view.height) {
      context.fillText(fit(context, name, width), x, y + 2);
    }
  }
  for (const [index, cell] of layout.cells.entries()) {
    const x = layout.x[index] ?? 0;
    const y = layout.y[index] ?? 0;
    if (y + size < scrollTop || y > scrollTop + view.height) {
      continue;
    }
    const { tone } = cell;
    const color = typeof tone === "number" ? scaleColor(tone) : (colors.get(tone ?? "unknown") ?? nothing);
    context.fillStyle = color;
    if (tone === "unreachable" && size >= 7) {
      // Hollow: nothing comes from there.
      context.strokeStyle = color;
      context.lineWidth = Math.max(1.5, size / 8);
      const inset = context.lineWidth / 2;
      context.strokeRect(x + inset, y + inset, size - 2 * inset, size - 2 * inset);
    } else {
      context.fillRect(x, y, size, size);
    }
    if (size >= 10 && (tone === "critical" || tone === "warning")) {
      mark(context, tone, x, y, size);
    }
  }
  for (const [index, color, width] of [
    [view.hovered, ink, 1.5],
    [view.marked, ink, 2.5],
  ] as const) {
    const x = layout.x[index];
    const y = layout.y[index];
    if (x !== undefined && y !== undefined) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.strokeRect(x - 0.5, y - 0.5, size + 1, size + 1);
    }
  }
}

/** A cross for what is critical, a bar for a warning. */
function mark(context: CanvasRenderingContext2D, tone: string, x: number, y: number, size: number) {
  const inset = size * 0.3;
  context.strokeStyle = tone === "critical" ? "#fff" : "#3a2600";
  context.lineWidth = Math.max(1.4, size / 11);
  context.beginPath();
  if (tone === "critical") {
    context.moveTo(x + inset, y + inset);
    context.lineTo(x + size - inset, y + size - inset);
    context.moveTo(x + size - inset, y + inset);
    context.lineTo(x + inset, y + size - inset);
  } else {
    context.moveTo(x + size / 2, y + inset);
    context.lineTo(x + size / 2, y + size - inset);
  }
  context.stroke();
}

/** As much of a text as has room. */
function fit(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) {
    return text;
  }
  let length = text.length;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > width) {
    length -= 1;
  }
  return `${text.slice(0, length)}…`;
}
