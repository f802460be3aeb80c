import { describe, expect, it } from "vitest";
import { inOrder, kindOf, type Line } from "./importFile";

const lines: Line[] = [
  { line: 2, name: "a", outcome: "created" },
  { line: 3, name: "b", outcome: "error", errors: [{ field: "port", message: "is no port" }] },
  { line: 4, name: "c", outcome: "unchanged" },
  { line: 5, name: "", outcome: "error" },
];

describe("an imported file", () => {
  it("is JSON when it is a list", () => {
    expect(kindOf('\n [{"name": "a"}]')).toBe("json");
    expect(kindOf("name,address\n[a],b")).toBe("csv");
    expect(kindOf("")).toBe("csv");
  });

  it("has lines with mistakes first", () => {
    expect(inOrder(lines, false).map(({ line }) => line)).toEqual([3, 5, 2, 4]);
    expect(inOrder(lines, true).map(({ line }) => line)).toEqual([3, 5]);
  });
});
