/** The label filters in the address bar: `?match=severity=critical&match=site!=lab`. */
import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import { formatMatcher, type Matcher, parseMatcher, withMatcher } from "./matching";

const NAME = "match";

export function useMatchers() {
  const [params, setParams] = useSearchParams();
  const texts = params.getAll(NAME).join("\n");
  const matchers = useMemo(
    () =>
      texts
        .split("\n")
        .map(parseMatcher)
        .filter((matcher) => matcher !== undefined),
    [texts],
  );
  const set = useCallback(
    (next: (before: Matcher[]) => Matcher[]) =>
      setParams(
        (before) => {
          const known = before
            .getAll(NAME)
            .map(parseMatcher)
            .filter((matcher) => matcher !== undefined);
          const after = new URLSearchParams(before);
          after.delete(NAME);
          for (const matcher of next(known)) {
            after.append(NAME, formatMatcher(matcher));
          }
          return after;
        },
        { replace: true, preventScrollReset: true },
      ),
    [setParams],
  );
  const add = useCallback((matcher: Matcher) => set((before) => withMatcher(before, matcher)), [set]);
  const remove = useCallback(
    (matcher: Matcher) => set((before) => before.filter((one) => formatMatcher(one) !== formatMatcher(matcher))),
    [set],
  );
  const replace = useCallback(
    (old: Matcher, next: Matcher) =>
      set((before) => before.map((one) => (formatMatcher(one) === formatMatcher(old) ? next : one))),
    [set],
  );
  const clear = useCallback(() => set(() => []), [set]);
  return { matchers, add, remove, replace, clear };
}
