import { describe, expect, it } from "vitest";
import { sparkPath } from "@/components/Sparkline";
import { align, stepFor, summarise } from "./data";

describe("charts", () => {
  it("have common times, and holes where nothing was stored", () => {
    const { times, values } = align(
      [
        { metric: {}, values: [[0, "1"], [60, "2"], [180, "4"]] },
        { metric: {}, values: [[60.4, "NaN"], [120, "7"]] },
      ],
      0,
      180,
      60,
    );
    expect(times).toEqual([0, 60, 120, 180]);
    expect(values).toEqual([
      [1, 2, null, 4],
      [null, null, 7, null],
    ]);
  });

  it("have a step that is a round time and few enough points", () => {
    expect(stepFor(3600)).toBe(15);
    expect(stepFor(24 * 3600)).toBe(300);
    expect(stepFor(30 * 86_400)).toBe(7200);
  });

  it("say least, greatest and last", () => {
    const series = { label: "Inlet", unit: "°C", values: [21, null, 25, 23] };
    expect(summarise(series, (value) => `${value}`)).toEqual({ label: "Inlet", min: "21", max: "25", last: "23" });
    expect(summarise({ ...series, values: [null] }, String)).toBeUndefined();
  });

  it("as sparklines begin anew after a hole", () => {
    expect(sparkPath([1, 2, null, 3, 4], 50, 20).match(/M/g)).toHaveLength(2);
    expect(sparkPath([5, 5], 50, 20)).toBe("M1.0 10.0L49.0 10.0");
    expect(sparkPath([null], 50, 20)).toBe("");
  });
});
