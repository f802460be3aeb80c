import { describe, expect, it } from "vitest";
import { bulkChanges, EMPTY_CHANGES } from "./bulk";
import { exportUrl, FILTER, filterOf, isFiltered, orderOf } from "./filter";
import { bodyOf, formOf, linesOf, parseLabels } from "./server";

describe("a server's form", () => {
  it("keeps labels, also with = in their values", () => {
    const labels = { owner: "storage", query: "a=b" };
    expect(parseLabels(linesOf(labels))).toEqual(labels);
    expect(parseLabels(" a = b \n\n")).toEqual({ a: "b" });
    expect(parseLabels("nothing")).toBeUndefined();
    expect(parseLabels("=x")).toBeUndefined();
  });

  it("sends numbers for what is chosen, and none for what is not", () => {
    const body = bodyOf({ ...formOf(), name: "a", address: "192.0.2.1", group_id: "3", port: "624" });
    expect(body.group_id).toBe(3);
    expect(body.credential_id).toBeNull();
    expect(body.port).toBe(624);
  });
});

describe("the filter of servers", () => {
  it("drops what filters nothing or is no number", () => {
    expect(isFiltered(FILTER)).toBe(false);
    expect(filterOf({ ...FILTER, group: "x", monitoring: "off" })).toEqual({ monitoring_enabled: false });
    expect(exportUrl({ ...FILTER, site: "a b&c" }, "csv")).toBe("/api/v1/servers/export?format=csv&site=a+b%26c");
    expect(orderOf({ ...FILTER, sort: "drop table" })).toEqual({ sort: "name", descending: false });
  });
});

describe("a change of many servers", () => {
  it("has only what was chosen; none is not the same as unchanged", () => {
    expect(bulkChanges(EMPTY_CHANGES)).toEqual({});
    expect(
      bulkChanges({ ...EMPTY_CHANGES, group: "none", credential: "4", monitoring: "off", add_tags: ["moved"], set_labels: "dc=fra2", remove_labels: ["row"] }),
    ).toEqual({
      group_id: null,
      credential_id: 4,
      monitoring_enabled: false,
      add_tags: ["moved"],
      set_labels: { dc: "fra2" },
      remove_labels: ["row"],
    });
  });
});
