import { expect, it } from "vitest";
import { bodyOf, formOf } from "./user";

it("limits a user only when that was chosen, and keeps the password unless one is typed", () => {
  expect(bodyOf({ ...formOf(), group_ids: ["1"] }).group_ids).toBeNull();
  expect(bodyOf({ ...formOf(), scope: "groups", group_ids: ["1", "7"] }).group_ids).toEqual([1, 7]);
  expect(bodyOf({ ...formOf(), scope: "groups" }).group_ids).toEqual([]);
  expect(JSON.parse(JSON.stringify(bodyOf(formOf())))).not.toHaveProperty("password");
});
