/**
 * What is known of the controller, kept by TanStack Query.
 *
 * The first part of a key is the list's path below `/api/v1` (`["servers", …]`,
 * `["alerts", …]`): by that word `live.ts` learns that it is to be asked anew.
 */
import { QueryClient } from "@tanstack/react-query";
import { asProblem } from "./problem";

/** How often to try again what may be better the next time. */
const RETRIES = 2;

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Changes are told; what is not told of (values of sensors) has its own interval.
        staleTime: 30_000,
        refetchOnWindowFocus: false,
        retry: (failures, error) => failures < RETRIES && asProblem(error).isTemporary,
      },
      mutations: { retry: false },
    },
  });
}
