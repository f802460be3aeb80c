/** Changes: what is asked of the controller, and what is asked anew after it. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { invalidateTopics } from "./live";

/**
 * `const save = useChange(["groups"], (body: Schema<"GroupBody">) => take(api.POST(…)))`:
 * what the topics name is asked anew without waiting to be told.
 */
export function useChange<Input, Output>(topics: readonly string[], run: (input: Input) => Promise<Output>) {
  const queries = useQueryClient();
  return useMutation({ mutationFn: run, onSuccess: () => invalidateTopics(queries, topics) });
}

/** The header by which a change of something that others changed meanwhile is refused. */
export function ifMatch({ version }: { version: number }): { "If-Match": string } {
  return { "If-Match": `"v${version}"` };
}
