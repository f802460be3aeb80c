import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { endIn, isOver, SCOPES } from "./token";

it("ends after so many days, or never", () => {
  const now = Date.UTC(2026, 0, 1);
  expect(endIn("30", now)).toBe("2026-01-31T00:00:00.000Z");
  expect(endIn("", now)).toBeNull();
  expect(isOver({ expires_at: "2026-01-01T00:00:00Z" }, now)).toBe(true);
  expect(isOver({ expires_at: null }, now)).toBe(false);
});

it("offers only scopes that the controller has", () => {
  const rules = readFileSync(join(import.meta.dirname, "../../../../src/auth/access.rs"), "utf8");
  const known = new Set(rules.match(/"[a-z]+:[a-z]+"/g)?.map((quoted) => quoted.slice(1, -1)));
  expect(SCOPES.filter((scope) => !known.has(scope))).toEqual([]);
});
