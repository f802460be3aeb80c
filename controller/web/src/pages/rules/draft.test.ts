import { describe, expect, it } from "vitest";
import { bars, firingCounts, type Report } from "./backtestData";
import { type Body, bodyOf, draftOf, isSame, NEW_DRAFT, ruleErrors } from "./draft";
import { fromText, TextError, toText } from "./text";
import { formOf, judge, NEW_OVERRIDE, overrideBody, type SensorThresholds } from "./thresholds";

const group = {
  name: "own",
  description: "Ours",
  enabled: true,
  interval: "1m",
  rules: [
    { alert: "Hot", expr: 'ipmi_temperature_celsius{name="A"} > 5', for: "5m", labels: { severity: "critical" }, annotations: { summary: "{{ $value }}: hot" } },
    { record: "job:x:sum", expr: "sum(x)", enabled: false },
  ],
} as Body;

describe("rule groups", () => {
  it("go to the form and to the text and back unchanged", () => {
    const draft = draftOf(group);
    const wire = JSON.parse(JSON.stringify(bodyOf(draft)));
    expect(wire).toEqual(group);
    expect(isSame(fromText(toText(draft)), draft)).toBe(true);
  });

  it("leave out what a recorded series has not got, and pairs that are empty", () => {
    const draft = draftOf({ name: "x", enabled: true, rules: [{ enabled: true, alert: "A", expr: "x", for: "1m", labels: { a: "b" }, annotations: { c: "d" } }] });
    const rule = { ...draft.rules[0], kind: "record", labels: [["", ""], [" a ", "b"]] } as (typeof draft.rules)[0];
    expect(JSON.parse(JSON.stringify(bodyOf({ ...draft, rules: [rule] }))).rules).toEqual([{ record: "A", expr: "x", labels: { a: "b" } }]);
    expect(isSame(NEW_DRAFT, { ...NEW_DRAFT, name: " " })).toBe(true);
  });

  it("as a text say what is not known, and take numbers for texts", () => {
    expect(fromText("name: a\nrules:\n- alert: B\n  expr: 1\n  labels: {x: 5}").rules[0]).toMatchObject({ expr: "1", labels: [["x", "5"]] });
    for (const wrong of ["", "a: [", "name: a\nrules: {}", "name: a\nrules:\n- 5", "name: a\nrules:\n- exp: x", "name: a\nfoo: 1\nrules: []"]) {
      expect(() => fromText(wrong)).toThrow(TextError);
    }
  });

  it("have what is wrong at the rule and the field", () => {
    const errors = ruleErrors(new Map([["name", "x"], ["rules[1].labels.a", "bad"], ["rules[0].expr", "worse"]]));
    expect(errors.get(1)?.get("labels.a")).toBe("bad");
    expect([...errors.keys()].toSorted()).toEqual([0, 1]);
  });
});

describe("a back-test", () => {
  const report: Report = {
    since: "2026-01-01T00:00:00Z",
    until: "2026-01-01T01:00:00Z",
    step_seconds: 600,
    firings: 3,
    firing_seconds: 0,
    server_count: 1,
    servers: [],
    intervals: [
      { labels: { server_id: "1" }, from: "2026-01-01T00:10:00Z", until: "2026-01-01T00:30:00Z" },
      { labels: { server_id: "1" }, from: "2026-01-01T00:20:00Z", until: null },
      { labels: {}, from: "2026-01-01T00:00:00Z", until: "2026-01-01T00:10:00Z" },
    ],
  };

  it("counts what fires at each moment", () => {
    expect(firingCounts(report).counts).toEqual([1, 1, 2, 1, 1, 1, 1]);
  });

  it("draws one bar for what overlaps, and each server alone", () => {
    const [bar, ...others] = bars(report, 1);
    expect(others).toEqual([]);
    expect(bar?.left).toBeCloseTo(1 / 6);
    expect(bar?.width).toBeCloseTo(5 / 6);
    expect(bars(report, null)).toHaveLength(1);
    expect(bars(report, 2)).toEqual([]);
  });
});

function sensor(value: number | null): SensorThresholds {
  return {
  id: "1",
  name: "T",
  kind: "temperature",
  value,
  thresholds: [
    { bound: "upper", level: "warning", value: 40, source: "hardware" },
    { bound: "upper", level: "critical", value: 50, source: "override" },
    { bound: "lower", level: "critical", value: null, source: "override" },
  ],
};
}

describe("thresholds", () => {
  it("are reached at their value", () => {
    expect([null, 39, 40, 50].map((value) => judge(sensor(value)))).toEqual(["unknown", "ok", "warning", "critical"]);
  });

  it("are written as the controller wants them: none is null", () => {
    expect(overrideBody({ ...NEW_OVERRIDE, value: " ", server_id: "7", model: " x " })).toMatchObject({ value: null, server_id: 7, group_id: null, model: "x" });
    const stored = { ...overrideBody({ ...NEW_OVERRIDE, value: "4.5" }), id: 1, version: 1, created_at: "", updated_at: "" };
    expect(formOf(stored as never).value).toBe("4.5");
  });
});
