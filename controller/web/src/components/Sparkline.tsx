/** The course of some values in a line, without axes; beside a number that says the last. */
interface Props {
  /** Evenly spaced in time; holes are null. */
  values: readonly (number | null)[];
  width?: number;
  height?: number;
  /** Colour in the style sheet's words. */
  color?: string;
}

export function Sparkline({ values, width = 96, height = 22, color = "var(--state-ok)" }: Props) {
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden focusable="false">
      <path d={sparkPath(values, width, height)} fill="none" stroke={color} strokeWidth={1.4} strokeLinejoin="round" />
    </svg>
  );
}

/** Path of the line; a hole in the values is one in the line. */
export function sparkPath(values: readonly (number | null)[], width: number, height: number): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) {
    return "";
  }
  const least = Math.min(...known);
  const greatest = Math.max(...known);
  const span = greatest - least;
  const step = values.length > 1 ? (width - 2) / (values.length - 1) : 0;
  let path = "";
  let isOpen = false;
  for (const [index, value] of values.entries()) {
    if (value === null) {
      isOpen = false;
      continue;
    }
    const x = 1 + index * step;
    // What does not move is a line in the middle.
    const y = span === 0 ? height / 2 : height - 2 - ((value - least) / span) * (height - 4);
    path += `${isOpen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    isOpen = true;
  }
  return path;
}
