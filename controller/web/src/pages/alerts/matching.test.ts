import { describe, expect, it } from "vitest";
import { type Alert, compile, facets, formatMatcher, groupAlerts, negate, ownLabels, parseMatcher, silencePath, withMatcher } from "./matching";

function alert(id: number, labels: Record<string, string>, more: Partial<Alert> = {}): Alert {
  return {
    id,
    labels,
    alertname: labels.alertname ?? "",
    severity: labels.severity ?? "",
    annotations: {},
    fingerprint: `${id}`,
    generator_url: "",
    notified: false,
    starts_at: `2026-01-0${id}T00:00:00Z`,
    state: "firing",
    ...more,
  };
}

function matcher(text: string) {
  const parsed = parseMatcher(text);
  if (!parsed) {
    throw new Error(`${text} is no matcher`);
  }
  return parsed;
}

describe("filters by label", () => {
  it("are read as Alertmanager writes them, and written so again", () => {
    expect(parseMatcher(' site != "a, b" ')).toEqual({ name: "site", operator: "!=", value: "a, b" });
    expect(parseMatcher("name=~Fan.*")).toEqual({ name: "name", operator: "=~", value: "Fan.*" });
    expect(parseMatcher("a=b=c")).toEqual({ name: "a", operator: "=", value: "b=c" });
    expect(formatMatcher(matcher("rack!~x|y"))).toBe("rack!~x|y");
    for (const wrong of ["", "site", "1a=b", "=b", "a=~("]) {
      expect(parseMatcher(wrong)).toBeUndefined();
    }
  });

  it("hold all together, a pattern for the whole value, and what is absent is empty", () => {
    const fits = compile([matcher("name=~Fan.*"), matcher("site!=lab")]);
    expect(fits({ name: "Fan 1" })).toBe(true);
    expect(fits({ name: "Fan 1", site: "lab" })).toBe(false);
    expect(fits({ name: "CPU Fan" })).toBe(false);
    expect(compile([matcher('rack=""')])({})).toBe(true);
    expect(compile([])({})).toBe(true);
  });

  it("turn round, and are not there twice", () => {
    expect(negate(negate(matcher("a=~b")))).toEqual(matcher("a=~b"));
    expect(withMatcher([matcher("a=b"), matcher("c=d")], matcher("a=b")).map(formatMatcher)).toEqual(["c=d", "a=b"]);
  });
});

describe("groups", () => {
  const alerts = [
    alert(1, { alertname: "Slow", severity: "warning", site: "x", name: "Fan 1" }, { acknowledged_at: "2026-01-02T00:00:00Z" }),
    alert(2, { alertname: "Slow", severity: "warning", site: "x", name: "Fan 2" }),
    alert(3, { alertname: "Dead", severity: "critical", site: "y" }),
    alert(4, { alertname: "Odd", severity: "strange" }),
  ];

  it("come the gravest first, the newest first inside", () => {
    const groups = groupAlerts(alerts, "alertname");
    expect(groups.map(({ key }) => key)).toEqual(["Dead", "Slow", "Odd"]);
    expect(groups[1]?.alerts.map(({ id }) => id)).toEqual([2, 1]);
    expect(groups[1]?.unacknowledged).toBe(1);
  });

  it("say once what all have alike", () => {
    const [, slow] = groupAlerts(alerts, "alertname");
    expect(slow?.shared.map(([name]) => name)).toEqual(["alertname", "severity", "site"]);
    expect(ownLabels(alerts[0] as Alert, slow?.shared ?? [])).toEqual([["name", "Fan 1"]]);
  });

  it("of a label that some do not have are there, too", () => {
    expect(groupAlerts(alerts, "site").map(({ key }) => key)).toEqual(["y", "x", ""]);
    expect(groupAlerts(alerts, "")).toHaveLength(1);
  });

  it("offer values that differ, the most frequent first", () => {
    expect(facets(alerts, ["site", "rack", "severity"], 1)).toEqual([
      ["site", [["x", 2]]],
      ["severity", [["warning", 2]]],
    ]);
  });
});

it("the way to a silence has one matcher for each label", () => {
  const path = silencePath([["alertname", "A & B"], ["site", ""]]);
  const params = new URL(path, "http://x").searchParams;
  expect(params.getAll("matcher")).toEqual(["alertname=A & B", "site="]);
});
