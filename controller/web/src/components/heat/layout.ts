/** Where the cells of a heat map are: groups are blocks that flow like words. */

export interface HeatCell {
  id: number;
  name: string;
  /** Cells of a group stand together, under its name. */
  group: string;
  /** A state, or a share from 0 to 1 on a scale; null when it is not known. */
  tone: string | number | null;
  /** What it says, in words: "Critical", "31 °C". */
  text: string;
}

export interface Block {
  name: string;
  x: number;
  y: number;
  width: number;
}

export interface Layout {
  size: number;
  gap: number;
  height: number;
  blocks: Block[];
  /** In the order of the blocks. */
  cells: HeatCell[];
  x: Float64Array;
  y: Float64Array;
}

const LABEL_HEIGHT = 18;
const BLOCK_GAP = 14;
/** A block has room for a name. */
const LEAST_BLOCK = 72;

/** Side of a cell: the more there are, the smaller they are. */
export function cellSize(count: number): number {
  if (count <= 150) {
    return 26;
  }
  if (count <= 600) {
    return 20;
  }
  if (count <= 3000) {
    return 14;
  }
  return count <= 20_000 ? 10 : 7;
}

export function layOut(cells: readonly HeatCell[], width: number): Layout {
  const size = cellSize(cells.length);
  const gap = size > 12 ? 2 : 1;
  const pitch = size + gap;
  const groups = new Map<string, HeatCell[]>();
  for (const cell of cells) {
    const group = groups.get(cell.group);
    if (group) {
      group.push(cell);
    } else {
      groups.set(cell.group, [cell]);
    }
  }
  const ordered = [...groups].toSorted(([a], [b]) => a.localeCompare(b, undefined, { numeric: true }));
  const result: Layout = {
    size,
    gap,
    height: 0,
    blocks: [],
    cells: [],
    x: new Float64Array(cells.length),
    y: new Float64Array(cells.length),
  };
  const columnsOfPage = Math.max(1, Math.floor((width + gap) / pitch));
  let left = 0;
  let top = 0;
  let rowHeight = 0;
  for (const [name, members] of ordered) {
    // A little wider than high, as screens are.
    const wanted = Math.ceil(Math.sqrt(members.length * 1.8));
    const columns = Math.min(columnsOfPage, Math.max(wanted, Math.ceil(LEAST_BLOCK / pitch)));
    const blockWidth = columns * pitch - gap;
    if (left > 0 && left + blockWidth > width) {
      left = 0;
      top += rowHeight + BLOCK_GAP;
      rowHeight = 0;
    }
    result.blocks.push({ name, x: left, y: top, width: blockWidth });
    for (const [index, cell] of members.entries()) {
      const place = result.cells.length;
      result.x[place] = left + (index % columns) * pitch;
      result.y[place] = top + LABEL_HEIGHT + Math.floor(index / columns) * pitch;
      result.cells.push(cell);
    }
    rowHeight = Math.max(rowHeight, LABEL_HEIGHT + Math.ceil(members.length / columns) * pitch - gap);
    left += blockWidth + BLOCK_GAP;
  }
  result.height = ordered.length > 0 ? top + rowHeight : 0;
  return result;
}

/** The cell at a point; -1 when there is none. */
export function cellAt({ x, y, size, gap, cells }: Layout, atX: number, atY: number): number {
  for (let index = 0; index < cells.length; index += 1) {
    const left = x[index] ?? 0;
    const top = y[index] ?? 0;
    if (atX >= left && atX < left + size + gap && atY >= top && atY < top + size + gap) {
      return index;
    }
  }
  return -1;
}

/** The next cell upwards (-1) or downwards (1), as near to the same column as can be. */
export function neighbour({ x, y, cells }: Layout, from: number, direction: 1 | -1): number {
  const fromX = x[from] ?? 0;
  const fromY = y[from] ?? 0;
  let best = from;
  let bestDown = Number.POSITIVE_INFINITY;
  let bestAside = Number.POSITIVE_INFINITY;
  for (let index = 0; index < cells.length; index += 1) {
    const down = ((y[index] ?? 0) - fromY) * direction;
    const aside = Math.abs((x[index] ?? 0) - fromX);
    if (down > 0 && (down < bestDown || (down === bestDown && aside < bestAside))) {
      best = index;
      bestDown = down;
      bestAside = aside;
    }
  }
  return best;
}
