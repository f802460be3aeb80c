/**
 * A table of any length: only the rows in sight are in the document, and are asked
 * for. Sorting is the server's. Arrow keys or `j` and `k` move, Enter opens, a space
 * or `x` selects.
 */
import { Box, Checkbox, Skeleton, Text, UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconArrowsSort } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "@/i18n/format";
import { Empty, Failed } from "./states";
import type { Rows } from "./rows";
import classes from "./DataTable.module.css";

const OVERSCAN = 8;

export interface Column<T> {
  id: string;
  header: string;
  cell(row: T): ReactNode;
  /** Word of the server for this order; without one it cannot be sorted by. */
  sort?: string;
  /** As in `grid-template-columns`; `1fr` when absent. */
  width?: string;
  /** Numbers stand at the right. */
  align?: "left" | "right";
}

export interface Sorting {
  by: string;
  isDescending: boolean;
  onChange(by: string, isDescending: boolean): void;
}

export interface Selection<Id> {
  ids: ReadonlySet<Id>;
  onChange(ids: ReadonlySet<Id>): void;
}

interface Props<T, Id extends string | number> {
  /** What the table is of, for who does not see it. */
  label: string;
  /** Keep the list stable with `useMemo`. */
  columns: Column<T>[];
  rows: Rows<T>;
  rowId(row: T): Id;
  /** What a row is called, for who does not see it. */
  rowName(row: T): string;
  onOpen?(row: T): void;
  sorting?: Sorting;
  selection?: Selection<Id>;
  /** Height of a row in pixels. */
  rowHeight?: number;
  /** Height of the table in the style sheet's words. */
  height?: string;
  /** What is shown when there is nothing. */
  empty?: ReactNode;
}

export function DataTable<T, Id extends string | number>({
  label,
  columns,
  rows,
  rowId,
  rowName,
  onOpen,
  sorting,
  selection,
  rowHeight = 38,
  height = "calc(100vh - 230px)",
  empty,
}: Props<T, Id>) {
  const { t } = useTranslation("shell");
  const format = useFormat();
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const total = rows.total ?? 0;
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN,
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  const { look } = rows;
  useEffect(() => look(first, last), [look, first, last]);
  const template = useMemo(() => {
    const widths = columns.map((column) => column.width ?? "minmax(80px, 1fr)");
    return (selection ? ["36px", ...widths] : widths).join(" ");
  }, [columns, selection]);

  if (rows.error && rows.total === undefined) {
    return <Failed error={rows.error} onRetry={rows.retry} />;
  }
  if (rows.total === 0) {
    return empty ?? <Empty title={t("table.empty")} />;
  }

  const move = (to: number) => {
    const next = Math.min(Math.max(to, 0), total - 1);
    setActive(next);
    virtual.scrollToIndex(next);
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus({ preventScroll: true }),
    );
  };
  const toggle = (row: T) => {
    if (!selection) {
      return;
    }
    const ids = new Set(selection.ids);
    const id = rowId(row);
    if (!ids.delete(id)) {
      ids.add(id);
    }
    selection.onChange(ids);
  };
  const onKey = (event: KeyboardEvent<HTMLElement>, index: number) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const row = rows.row(index);
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 1);
    const moves: Record<string, number> = {
      ArrowDown: index + 1,
      j: index + 1,
      ArrowUp: index - 1,
      k: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: total - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) {
      move(to);
    } else if (event.key === "Enter" && row !== undefined) {
      onOpen?.(row);
    } else if ((event.key === "x" || event.key === " ") && row !== undefined && selection) {
      toggle(row);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <Box>
      <Box
        ref={scroller}
        className={classes.scroller}
        style={{ height: `min(${height}, ${(total || 10) * rowHeight + 42}px)` }}
        data-stale={rows.isStale || undefined}
      >
        <div
          role="table"
          aria-label={label}
          aria-rowcount={rows.total === undefined ? -1 : total + 1}
          aria-busy={rows.isLoading}
          className={classes.table}
        >
          <div role="rowgroup" className={classes.head}>
            <div role="row" aria-rowindex={1} className={classes.row} style={{ gridTemplateColumns: template }}>
              {selection && <SelectAll rows={rows} total={total} rowId={rowId} selection={selection} />}
              {columns.map(({ id, header, sort: by, align }) => {
                const isSorted = by !== undefined && sorting?.by === by;
                return (
                  <div
                    key={id}
                    role="columnheader"
                    className={classes.cell}
                    data-align={align}
                    aria-sort={isSorted ? (sorting.isDescending ? "descending" : "ascending") : undefined}
                  >
                    {by !== undefined && sorting ? (
                      <UnstyledButton
                        className={classes.sort}
                        onClick={() => sorting.onChange(by, isSorted ? !sorting.isDescending : false)}
                      >
                        {header}
                        <SortMark isSorted={isSorted} isDescending={sorting.isDescending} />
                      </UnstyledButton>
                    ) : (
                      header
                    )}
                  </div>
                );
              })}
            </div>
          </div>
          <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
            {items.map((item) => {
              const row = rows.row(item.index);
              const style = {
                gridTemplateColumns: template,
                height: rowHeight,
                transform: `translateY(${item.start}px)`,
              };
              if (row === undefined) {
                return (
                  <div key={item.key} role="row" aria-rowindex={item.index + 2} className={classes.body} style={style}>
                    <div role="cell" className={classes.waiting}>
                      <Skeleton height={14} aria-label={t("loading")} />
                    </div>
                  </div>
                );
              }
              const isSelected = selection?.ids.has(rowId(row)) ?? false;
              return (
                // Roving: the table is one stop of the tabulator.
                <div
                  key={item.key}
                  role="row"
                  aria-rowindex={item.index + 2}
                  aria-label={rowName(row)}
                  tabIndex={item.index === Math.min(active, total - 1) || (item.index === first && (active < first || active > last)) ? 0 : -1}
                  data-index={item.index}
                  data-selected={isSelected || undefined}
                  data-opens={onOpen !== undefined || undefined}
                  className={classes.body}
                  style={style}
                  onFocus={() => setActive(item.index)}
                  onKeyDown={(event) => onKey(event, item.index)}
                  onClick={(event) => {
                    const isControl = (event.target as HTMLElement).closest("a, button, input, label") !== null;
                    const isMarked = (getSelection()?.toString() ?? "") !== "";
                    if (!isControl && !isMarked) {
                      onOpen?.(row);
                    }
                  }}
                >
                  {selection && (
                    <div role="cell" className={classes.cell}>
                      <Checkbox
                        size="xs"
                        tabIndex={-1}
                        checked={isSelected}
                        onChange={() => toggle(row)}
                        aria-label={t("table.select", { name: rowName(row) })}
                      />
                    </div>
                  )}
                  {columns.map(({ id, align, cell }) => (
                    <div key={id} role="cell" className={classes.cell} data-align={align}>
                      {cell(row)}
                    </div>
                  ))}
                </div>
              );
            })}
            {rows.isLoading && <LoadingBody rowHeight={rowHeight} />}
          </div>
        </div>
      </Box>
      <Text size="sm" c="dimmed" mt={6} role="status" className="number">
        {rows.total !== undefined && t("table.rows", { count: total, formatted: format.number(total) })}
        {selection && selection.ids.size > 0 && ` · ${t("table.selected", { count: selection.ids.size })}`}
      </Text>
    </Box>
  );
}

function SortMark({ isSorted, isDescending }: { isSorted: boolean; isDescending: boolean }) {
  if (!isSorted) {
    return <IconArrowsSort size={14} aria-hidden className={classes.unsorted} />;
  }
  const Arrow = isDescending ? IconArrowDown : IconArrowUp;
  return <Arrow size={14} aria-hidden />;
}

function SelectAll<T, Id extends string | number>({
  rows,
  total,
  rowId,
  selection,
}: Pick<Props<T, Id>, "rows" | "rowId"> & { total: number; selection: Selection<Id> }) {
  const { t } = useTranslation("shell");
  const loaded: Id[] = [];
  for (let index = 0; index < total; index += 1) {
    const row = rows.row(index);
    if (row !== undefined) {
      loaded.push(rowId(row));
    }
  }
  const isAll = loaded.length > 0 && loaded.every((id) => selection.ids.has(id));
  return (
    <div role="columnheader" className={classes.cell}>
      <Checkbox
        size="xs"
        aria-label={t("table.selectAll")}
        checked={isAll}
        indeterminate={!isAll && selection.ids.size > 0}
        onChange={() => selection.onChange(new Set(isAll ? [] : [...selection.ids, ...loaded]))}
      />
    </div>
  );
}

function LoadingBody({ rowHeight }: { rowHeight: number }) {
  const { t } = useTranslation("shell");
  return (
    <div role="row">
      <div role="cell" aria-label={t("loading")} style={{ padding: "8px 12px" }}>
        {Array.from({ length: 8 }, (_, index) => (
          <Skeleton key={`row ${index + 1}`} height={14} mb={rowHeight - 14} />
        ))}
      </div>
    </div>
  );
}
