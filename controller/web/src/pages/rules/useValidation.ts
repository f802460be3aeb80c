/** Has the controller judge a rule group while somebody works on it. */
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, type Schema, take } from "@/api/client";
import { asProblem, type Problem } from "@/api/problem";
import type { Body } from "./draft";

/** Rest after the last key. */
const DEBOUNCE_MS = 500;

export interface Judged {
  /** What was found; absent while nothing is known of this text. */
  validation: Schema<"Validation"> | undefined;
  /** Why it was refused as a whole. */
  problem: Problem | undefined;
  isPending: boolean;
}

export function useValidation(body: Body, isWanted: boolean): Judged {
  const text = useMemo(() => JSON.stringify(body), [body]);
  const [asked] = useDebouncedValue(text, DEBOUNCE_MS);
  const { data, error, isFetching } = useQuery({
    // Not below "rules": what is judged does not change when a group does.
    queryKey: ["rule validation", asked],
    queryFn: ({ signal }) => take(api.POST("/api/v1/rules/validate", { body: JSON.parse(asked) as Body, signal })),
    enabled: isWanted,
    retry: false,
    gcTime: 60_000,
  });
  const isCurrent = asked === text && !isFetching;
  return {
    validation: isCurrent ? data : undefined,
    problem: isCurrent && error ? asProblem(error) : undefined,
    isPending: isWanted && !isCurrent,
  };
}
