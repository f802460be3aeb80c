/** Asks Prometheus through the controller, which shows everybody only their servers. */
import type { MatrixSeries } from "@/components/chart/data";
import { api, take } from "./client";

export interface VectorSample {
  metric: Record<string, string>;
  value: [number, string];
}

function result(answer: unknown): unknown[] {
  const data = (answer as { data?: { result?: unknown } } | undefined)?.data;
  return Array.isArray(data?.result) ? data.result : [];
}

/** The series of an expression now. */
export async function queryNow(query: string, signal: AbortSignal): Promise<VectorSample[]> {
  const answer = await take(api.GET("/api/v1/monitoring/prometheus/query", { params: { query: { query } }, signal }));
  return result(answer) as VectorSample[];
}

/** The series of an expression over a range, in seconds since 1970. */
export async function queryRange(
  query: string,
  { start, end, step }: { start: number; end: number; step: number },
  signal: AbortSignal,
): Promise<MatrixSeries[]> {
  const answer = await take(
    api.GET("/api/v1/monitoring/prometheus/query_range", {
      params: { query: { query, start: String(start), end: String(end), step: `${step}s` } },
      signal,
    }),
  );
  return result(answer) as MatrixSeries[];
}
