import { describe, expect, it } from "vitest";
import { differences, exportUrl, FILTER, filterOf } from "./filter";

describe("the audit trail", () => {
  it("is filtered by what is there", () => {
    expect(Object.values(filterOf(FILTER)).every((value) => value === undefined)).toBe(true);
    expect(filterOf({ ...FILTER, range: "1h" }, Date.UTC(2026, 0, 1, 12, 30, 44)).since).toBe("2026-01-01T11:30:00.000Z");
    expect(exportUrl({ ...FILTER, actor: "a b" }, "json")).toBe("/api/v1/audit/export?format=json&actor=a+b");
  });

  it("shows of a change what differs, of a new thing all of it", () => {
    expect(differences({ name: "a", port: 1, version: 1 }, { name: "a", port: 2, version: 2 })).toEqual([{ field: "port", before: "1", after: "2" }]);
    expect(differences(null, { name: "a" })).toEqual([{ field: "name", before: "", after: "a" }]);
    expect(differences({ tags: ["x"] }, null)).toEqual([{ field: "tags", before: '["x"]', after: "" }]);
    expect(differences(undefined, undefined)).toEqual([]);
  });
});
