import { describe, expect, it } from "vitest";
import { cellAt, type HeatCell, layOut, neighbour } from "./layout";

function cells(...sizes: number[]): HeatCell[] {
  let id = 0;
  return sizes.flatMap((size, group) =>
    Array.from({ length: size }, () => {
      id += 1;
      return { id, name: `s${id}`, group: `rack ${group + 1}`, tone: "ok", text: "" };
    }),
  );
}

describe("the heat map", () => {
  it("gives every cell a place of its own inside of its width", () => {
    for (const width of [80, 390, 1280]) {
      const layout = layOut(cells(3, 40, 1, 500, 17), width);
      const places = new Set<string>();
      for (let index = 0; index < layout.cells.length; index += 1) {
        const x = layout.x[index] ?? -1;
        const y = layout.y[index] ?? -1;
        places.add(`${x} ${y}`);
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x + layout.size).toBeLessThanOrEqual(width);
        expect(y + layout.size).toBeLessThanOrEqual(layout.height);
        expect(cellAt(layout, x + 1, y + 1)).toBe(index);
      }
      expect(places.size).toBe(561);
    }
  });

  it("keeps groups together, in the order that people count", () => {
    const layout = layOut(cells(...Array.from({ length: 11 }, () => 2)).toReversed(), 600);
    expect(layout.blocks.map(({ name }) => name).slice(0, 3)).toEqual(["rack 1", "rack 2", "rack 3"]);
    expect(layout.blocks.at(-1)?.name).toBe("rack 11");
  });

  it("moves to the nearest cell below and above, and stays at the edge", () => {
    const layout = layOut(cells(30), 200);
    const below = neighbour(layout, 1, 1);
    expect(layout.x[below]).toBe(layout.x[1]);
    expect(neighbour(layout, below, -1)).toBe(1);
    expect(neighbour(layout, 1, -1)).toBe(1);
  });

  it("is nothing without cells", () => {
    expect(layOut([], 500).height).toBe(0);
  });
});
