/** State that lives in the address bar, so that it can be sent to somebody. */
import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";

/** Names of parameters with what they are when they are absent. */
type Defaults = Record<string, string>;

/**
 * `const [filter, setFilter] = useUrlState({ search: "", sort: "name" })`: changes
 * replace the entry of the history unless `push` is said. Pass a constant.
 */
export function useUrlState<D extends Defaults>(
  defaults: D,
): [Record<keyof D, string>, (change: Partial<Record<keyof D, string>>, push?: boolean) => void] {
  const [params, setParams] = useSearchParams();
  const state = useMemo(() => {
    const entries = Object.entries(defaults).map(([name, value]) => [name, params.get(name) ?? value]);
    return Object.fromEntries(entries) as Record<keyof D, string>;
  }, [params, defaults]);
  const set = useCallback(
    (change: Partial<Record<keyof D, string>>, push = false) => {
      setParams(
        (before) => {
          const next = new URLSearchParams(before);
          for (const [name, value] of Object.entries(change)) {
            if (value === undefined || value === defaults[name]) {
              next.delete(name);
            } else {
              next.set(name, value);
            }
          }
          return next;
        },
        { replace: !push, preventScrollReset: true },
      );
    },
    [setParams, defaults],
  );
  return [state, set];
}
