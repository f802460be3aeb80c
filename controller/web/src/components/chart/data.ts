/** What a chart shows, and how answers of Prometheus become that. */

export interface Series {
  label: string;
  unit: string;
  /** One for each time; holes are null. */
  values: (number | null)[];
  /** Dashed, for what one compares with. */
  isDashed?: boolean;
}

/** Something that happened, as a line across the chart. */
export interface Mark {
  /** Seconds since 1970. */
  at: number;
  label: string;
  /** Colour in the style sheet's words. */
  color: string;
}

export interface ChartProps {
  /** Seconds since 1970, rising. */
  times: number[];
  series: Series[];
  marks?: Mark[];
  height?: number;
  /** The whole range, also where there are no values. */
  range?: [number, number];
  /** Told a part that was chosen by dragging, or nothing for going back. */
  onZoom?(range: [number, number] | null): void;
}

/** A series of Prometheus' `query_range`. */
export interface MatrixSeries {
  metric: Record<string, string>;
  values: [number, string][];
}

/** Values at common times; a time at which one of them has none is a hole in it. */
export function align(all: MatrixSeries[], start: number, end: number, step: number): { times: number[]; values: (number | null)[][] } {
  const times: number[] = [];
  for (let time = start; time <= end + step / 2; time += step) {
    times.push(time);
  }
  const values = all.map(({ values: samples }) => {
    const line: (number | null)[] = Array.from({ length: times.length }, () => null);
    for (const [time, text] of samples) {
      const index = Math.round((time - start) / step);
      const value = Number(text);
      if (index >= 0 && index < line.length && Number.isFinite(value)) {
        line[index] = value;
      }
    }
    return line;
  });
  return { times, values };
}

/** Least, greatest and last value of a series, in words. */
export function summarise(series: Series, word: (value: number) => string) {
  const known = series.values.filter((value) => value !== null);
  const last = known.at(-1);
  if (last === undefined) {
    return undefined;
  }
  return {
    label: series.label,
    min: word(Math.min(...known)),
    max: word(Math.max(...known)),
    last: word(last),
  };
}

/** Seconds between two values so that a range has at most so many. */
export function stepFor(seconds: number, points = 400, least = 15): number {
  const nice = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];
  const wanted = Math.max(least, seconds / points);
  return nice.find((step) => step >= wanted) ?? 86_400;
}
