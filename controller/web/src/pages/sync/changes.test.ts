import { expect, it } from "vitest";
import { lineKind } from "@/components/DiffText";
import { byNeed, changeKind, entryName, fieldChanges, type Status, syncState } from "./changes";

it("a change names the fields that differ, and only those", () => {
  const before = { targets: ["a"], labels: { server_name: "x", rack: "1" } };
  const after = { targets: ["a"], labels: { server_name: "x", rack: "2", site: "b" } };
  expect(fieldChanges({ before, after })).toEqual([
    { field: "labels.rack", before: "1", after: "2" },
    { field: "labels.site", before: undefined, after: "b" },
  ]);
  expect(changeKind({ before, after })).toBe("changed");
  expect(entryName({ before, after, server_id: 3 })).toBe("x");
});

it("what comes and what goes is shown as a whole", () => {
  expect(changeKind({ after: {} })).toBe("added");
  expect(changeKind({ before: {}, after: null })).toBe("removed");
  expect(fieldChanges({ before: { expr: "x" }, after: null })).toEqual([{ field: "expr", before: "x", after: undefined }]);
  expect(entryName({ rule: "g/A" })).toBe("g/A");
  expect(entryName({ server_id: 3 })).toBe("#3");
});

function status(state: string, artefact: string): Status {
  return { state, artefact, server: "p" } as Status;
}

it("what needs somebody comes first, also of kinds that are not known yet", () => {
  const sorted = byNeed([status("in_sync", "a"), status("failed", "z"), status("held", "b"), status("in_sync", "0")]);
  expect(sorted.map(({ artefact }) => artefact)).toEqual(["z", "b", "0", "a"]);
  expect(syncState("something_new")).toBe("unknown");
});

it("lines of a diff are told apart", () => {
  expect(["+a", "-a", " a", "@@ -1 +1 @@", "--- a", "+++ b"].map(lineKind)).toEqual(["added", "removed", "same", "place", "place", "place"]);
});
