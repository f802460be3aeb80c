/** What a back-test says, as lines over time. */
import type { Schema } from "@/api/client";

export type Report = Schema<"BacktestReport">;

/** Points of the chart. */
const POINTS = 300;

/** How many series would have fired at each of some moments between begin and end. */
export function firingCounts(report: Report): { times: number[]; counts: number[] } {
  const from = Date.parse(report.since) / 1000;
  const to = Date.parse(report.until) / 1000;
  const step = Math.max(report.step_seconds, (to - from) / POINTS);
  const times: number[] = [];
  for (let time = from; time <= to + step / 2; time += step) {
    times.push(Math.min(time, to));
  }
  // Begins and ends as steps up and down; in between nothing changes.
  const changes = report.intervals.flatMap(({ from: begin, until }) => [
    { at: Date.parse(begin) / 1000, by: 1 },
    { at: until ? Date.parse(until) / 1000 : Number.POSITIVE_INFINITY, by: -1 },
  ]);
  changes.sort((a, b) => a.at - b.at);
  let next = 0;
  let count = 0;
  const counts = times.map((time) => {
    for (let change = changes[next]; change !== undefined && change.at <= time; change = changes[next]) {
      count += change.by;
      next += 1;
    }
    return count;
  });
  return { times, counts };
}

export interface Bar {
  /** Where it begins and how long it is, as shares of the whole time. */
  left: number;
  width: number;
}

/** Firings of one server as bars over the time that was tested; what overlaps is one. */
export function bars(report: Report, serverId: number | null | undefined): Bar[] {
  const from = Date.parse(report.since);
  const span = Math.max(1, Date.parse(report.until) - from);
  const wanted = serverId === null || serverId === undefined ? "" : String(serverId);
  const spans = report.intervals
    .filter(({ labels }) => (labels.server_id ?? "") === wanted)
    .map(({ from: begin, until }) => [Date.parse(begin), until ? Date.parse(until) : from + span] as const)
    .toSorted(([a], [b]) => a - b);
  const merged: [number, number][] = [];
  for (const [begin, end] of spans) {
    const last = merged.at(-1);
    if (last && begin <= last[1]) {
      last[1] = Math.max(last[1], end);
    } else {
      merged.push([begin, end]);
    }
  }
  return merged.map(([begin, end]) => ({ left: (begin - from) / span, width: (end - begin) / span }));
}
