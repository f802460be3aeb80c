/** Rows of a long list, of which only the pages that are looked at are asked for. */
import { keepPreviousData, useQueries, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";

/** Rows that are asked for at once. */
export const PAGE_ROWS = 100;
/** Most pages that are kept up to date at once; a screen shows one or two. */
const MAX_PAGES = 4;

export interface PageOf<T> {
  items: T[];
  total: number;
}

export interface Rows<T> {
  /** How many there are in all; absent until it is known. */
  total: number | undefined;
  /** The row at this place, if it is there yet. */
  row(index: number): T | undefined;
  /** Says which rows are looked at. */
  look(first: number, last: number): void;
  error: Error | null;
  /** Whether nothing at all is there yet. */
  isLoading: boolean;
  /** Whether what is shown is of an earlier question. */
  isStale: boolean;
  retry(): void;
}

/**
 * `queryKey` has all that the answer depends on, with the topic as its first part;
 * `fetch` gives the rows from `offset`.
 */
export function useRows<T>(
  queryKey: readonly unknown[],
  fetch: (page: { offset: number; limit: number; signal: AbortSignal }) => Promise<PageOf<T>>,
  refetchInterval?: number,
): Rows<T> {
  const queries = useQueryClient();
  const [pages, setPages] = useState<number[]>([0]);
  const look = useCallback((first: number, last: number) => {
    const from = Math.max(0, Math.floor(first / PAGE_ROWS));
    const to = Math.max(from, Math.floor(last / PAGE_ROWS));
    const wanted = Array.from({ length: Math.min(MAX_PAGES, to - from + 1) }, (_, index) => from + index);
    setPages((before) =>
      before.length === wanted.length && before.every((page, index) => page === wanted[index]) ? before : wanted,
    );
  }, []);
  const answers = useQueries({
    queries: pages.map((page) => ({
      queryKey: [...queryKey, "page", page],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        fetch({ offset: page * PAGE_ROWS, limit: PAGE_ROWS, signal }),
      refetchInterval,
      // The same place of another question: greyed until the answer is there.
      placeholderData: keepPreviousData,
    })),
  });
  const known = answers.find((answer) => answer.data !== undefined);
  const error = answers.find((answer) => answer.error !== null)?.error ?? null;
  const byPage = useMemo(
    () => new Map(pages.map((page, index) => [page, answers[index]?.data?.items] as const)),
    [pages, answers],
  );
  const row = useCallback(
    (index: number) => byPage.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS],
    [byPage],
  );
  return {
    total: known?.data?.total,
    row,
    look,
    error,
    isLoading: known === undefined && error === null,
    isStale: answers.some((answer) => answer.isPlaceholderData),
    retry: () => void queries.refetchQueries({ queryKey: [...queryKey] }),
  };
}

/** All rows are there already: for short lists and for lists that are made here. */
export function useAllRows<T>(items: T[] | undefined, error: Error | null, retry: () => void): Rows<T> {
  const row = useCallback((index: number) => items?.[index], [items]);
  const look = useCallback(() => {}, []);
  return {
    total: items?.length,
    row,
    look,
    error,
    isLoading: items === undefined && error === null,
    isStale: false,
    retry,
  };
}
