import { expect, it } from "vitest";
import { networksOf, percentOf } from "./networks";

it("parts networks at commas, blanks and lines", () => {
  expect(networksOf(" 10.0.0.0/24,10.1.0.1-10.1.0.9\n10.2.0.1 ")).toEqual(["10.0.0.0/24", "10.1.0.1-10.1.0.9", "10.2.0.1"]);
  expect(networksOf(" \n")).toEqual([]);
});

it("says how far a scan is, and never that it is done before", () => {
  expect(percentOf({ done: 0, addresses: 0 })).toBe(0);
  expect(percentOf({ done: 2047, addresses: 2048 })).toBe(99);
  expect(percentOf({ done: 5, addresses: 4 })).toBe(100);
});
