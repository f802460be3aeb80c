import { expect, it } from "vitest";
import { firstOpen, isDone, STEPS } from "./progress";

const nothing = { isPasswordSettled: false, isPrometheusWell: false, credentials: 0, exporters: 0, servers: 0 };

it("goes on where something is missing, whatever was done out of order", () => {
  expect(firstOpen(nothing)).toBe(0);
  expect(firstOpen({ ...nothing, isPasswordSettled: true, credentials: 2 })).toBe(1);
  expect(firstOpen({ ...nothing, isPasswordSettled: true, isPrometheusWell: true, credentials: 2 })).toBe(3);
  const all = { isPasswordSettled: true, isPrometheusWell: true, credentials: 1, exporters: 1, servers: 1 };
  expect(firstOpen(all)).toBe(STEPS.length);
  expect(isDone("server", nothing)).toBe(false);
});
