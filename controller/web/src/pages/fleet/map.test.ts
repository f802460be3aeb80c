import { describe, expect, it } from "vitest";
import type { Schema } from "@/api/client";
import { heatCells } from "./map";

const WORDS = {
  none: "none",
  state: (word: string) => `is ${word}`,
  value: (value: number) => `${value} °C`,
  unknown: "?",
};

function map(change: Partial<Schema<"FleetMap">>): Schema<"FleetMap"> {
  return {
    measured_at: "2026-11-23T12:00:00Z",
    metric: "inlet",
    parts: ["r1", ""],
    ids: [1, 2, 3],
    names: ["a", "b", "c"],
    part_of: [0, 0, 1],
    states: ["ok", "critical", "unknown"],
    values: [20, 30, null],
    ...change,
  };
}

describe("the map of the fleet", () => {
  it("puts values on a scale from the least to the greatest", () => {
    const { cells, range } = heatCells(map({}), WORDS);
    expect(range).toEqual([20, 30]);
    expect(cells.map(({ tone }) => tone)).toEqual([0, 1, null]);
    expect(cells.map(({ text }) => text)).toEqual(["20 °C", "30 °C", "?"]);
    expect(cells[2]?.group).toBe("none");
  });

  it("shows states without a scale", () => {
    const { cells, range } = heatCells(map({ metric: "state", values: [] }), WORDS);
    expect(range).toBeUndefined();
    expect(cells.map(({ tone, text }) => [tone, text])).toEqual([
      ["ok", "is ok"],
      ["critical", "is critical"],
      ["unknown", "is unknown"],
    ]);
  });

  it("calls nothing high where all are the same", () => {
    expect(heatCells(map({ values: [5, 5, 5] }), WORDS).cells.every(({ tone }) => tone === 0)).toBe(true);
  });
});
