import { describe, expect, it } from "vitest";
import { bodyOf, formOf, parseSettings } from "./credential";

describe("a credential's form", () => {
  it("does not mention secrets that were not typed, so that they stay", () => {
    const body = bodyOf(formOf());
    expect(JSON.parse(JSON.stringify(body))).not.toHaveProperty("password");
    expect(JSON.parse(JSON.stringify(body))).not.toHaveProperty("k_g");
  });

  it("takes a secret away only when that was said", () => {
    expect(bodyOf({ ...formOf(), password: "new" }).password).toBe("new");
    expect(bodyOf({ ...formOf(), password: "new", withoutPassword: true }).password).toBeNull();
    expect(bodyOf({ ...formOf(), withoutKey: true }).k_g).toBeNull();
  });

  it("knows settings that are no object", () => {
    expect(parseSettings("")).toEqual({});
    expect(parseSettings('{"collectors": ["ipmi"]}')).toEqual({ collectors: ["ipmi"] });
    expect(parseSettings("[]")).toBeUndefined();
    expect(parseSettings("{")).toBeUndefined();
  });
});
