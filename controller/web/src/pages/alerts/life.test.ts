import { describe, expect, it } from "vitest";
import { exportPath, HISTORY_DEFAULTS, historyQuery } from "./data";
import { type AlertEvent, type AlertLife, detailText, hush, lasted, stages, webAddress } from "./life";

function life(more: Partial<AlertLife>, events: [AlertEvent["kind"], string, unknown?][] = []): AlertLife {
  return {
    id: 1,
    alertname: "A",
    severity: "critical",
    labels: {},
    annotations: {},
    fingerprint: "",
    generator_url: "",
    notified: false,
    starts_at: "2026-01-01T00:01:00Z",
    state: "firing",
    events: events.map(([kind, at, detail]) => ({ kind, at, detail: detail ?? {} })),
    ...more,
  };
}

describe("the life line", () => {
  it("has the stages by their times, with the time between", () => {
    const line = stages(
      life(
        { state: "resolved", ends_at: "2026-01-01T00:05:00Z", acknowledged_at: "2026-01-01T00:02:00Z", notified: true },
        [
          ["pending", "2026-01-01T00:00:00Z"],
          ["notified", "2026-01-01T00:02:30Z"],
        ],
      ),
    );
    expect(line.map(({ stage, after }) => [stage, after])).toEqual([
      ["pending", undefined],
      ["firing", 60],
      ["acknowledged", 60],
      ["notified", 30],
      ["ended", 150],
    ]);
  });

  it("shows what has not come yet, but no pending that never was", () => {
    expect(stages(life({})).map(({ stage, at }) => [stage, at !== undefined])).toEqual([
      ["firing", true],
      ["notified", false],
      ["acknowledged", false],
      ["ended", false],
    ]);
  });

  it("says what kept it from people", () => {
    expect(hush(life({ notified: true }))).toBeUndefined();
    expect(hush(life({}, [["silenced", "2026-01-01T00:02:00Z"]]))).toBe("silenced");
    expect(hush(life({}, [["inhibited", "2026-01-01T00:02:00Z"], ["unsuppressed", "2026-01-01T00:03:00Z"]]))).toBe("unknown");
    expect(hush(life({ state: "resolved" }))).toBe("short");
  });
});

function event(detail: unknown): AlertEvent {
  return { kind: "silenced", at: "", detail };
}

it("what events bring besides is not trusted to be there", () => {
  expect(detailText(event({ silences: ["a", "b"] }), "silences")).toBe("a, b");
  expect(detailText(event(null), "silences")).toBeUndefined();
  expect(detailText(event({ text: 5 }), "text")).toBeUndefined();
  expect(detailText(event({}), "toString")).toBeUndefined();
});

it("links lead to pages only", () => {
  expect(webAddress("https://x/y")).toBe("https://x/y");
  expect(webAddress("javascript:alert(1)")).toBeUndefined();
  expect(webAddress("")).toBeUndefined();
});

it("an episode that goes on lasts until now", () => {
  expect(lasted({ starts_at: "2026-01-01T00:00:00Z" }, Date.parse("2026-01-01T00:01:00Z"))).toBe(60);
  expect(lasted({ starts_at: "2026-01-01T00:00:00Z", ends_at: "2026-01-01T00:00:30Z" }, 0)).toBe(30);
});

describe("the history", () => {
  const now = Date.parse("2026-01-08T00:00:30Z");

  it("asks for what the address bar says, and for nothing that makes no sense", () => {
    const query = historyQuery({ ...HISTORY_DEFAULTS, server: "12", group: "x", state: "what", acknowledged: "no", search: " fan " }, now);
    expect(JSON.parse(JSON.stringify(query))).toEqual({
      server_id: 12,
      acknowledged: false,
      since: "2026-01-01T00:00:00.000Z",
      search: "fan",
    });
  });

  it("takes a range of one's own", () => {
    const query = historyQuery({ ...HISTORY_DEFAULTS, range: "custom", from: "2026-01-01T00:00:00Z", to: "nonsense" }, now);
    expect([query.since, query.until]).toEqual(["2026-01-01T00:00:00.000Z", undefined]);
    expect(historyQuery({ ...HISTORY_DEFAULTS, range: "all" }, now).since).toBeUndefined();
  });

  it("is exported with the same filters", () => {
    expect(exportPath({ severity: "critical", search: undefined, notified: true }, "csv")).toBe(
      "/api/v1/alerts/export?format=csv&severity=critical&notified=true",
    );
  });
});
