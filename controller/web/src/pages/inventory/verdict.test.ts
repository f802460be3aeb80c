import { describe, expect, it } from "vitest";
import { failedCollectors, judge, reasonOf } from "./verdict";

const collected = (status: "success" | "partial_success" | "error", ...errors: string[]) => ({
  status,
  errors,
  collected_metrics: [],
  timestamp: "2026-01-01T00:00:00Z",
  api_execution_time: 0.1,
});
const FAILED = "ipmi: the collector failed, or could not finish in time";

describe("a connection test", () => {
  it("tells an exporter that is away from one that has no such target", () => {
    expect(judge(collected("error", "the exporter east does not answer: connection refused"), "unknown")).toBe("exporterSilent");
    expect(judge(collected("error", "the exporter east answers with status 403: not listed"), "unknown")).toBe("exporterNotReady");
    expect(judge(collected("error", "the exporter east answers with no metrics: x"), "unknown")).toBe("exporterRefuses");
  });

  it("tells a BMC that is silent from one that refuses the log-in", () => {
    expect(judge(collected("error", FAILED), "silent")).toBe("unreachable");
    expect(judge(collected("error", FAILED), { suites: [3, 17] })).toBe("logInRefused");
    expect(judge(collected("error", FAILED), { suites: undefined })).toBe("logInRefused");
    expect(judge(collected("error", FAILED), { suites: [0, 1, 2] })).toBe("noSuite");
    expect(judge(collected("error", FAILED), "unknown")).toBe("nothingRead");
  });

  it("believes the exporter's own word above all", () => {
    expect(judge(collected("error", `${FAILED} (wrong_password)`), { suites: [17] })).toBe("wrong_password");
    expect(reasonOf(["network: connection refused"])).toBe("network");
    expect(reasonOf(["the network is slow"])).toBeUndefined();
  });

  it("says what works", () => {
    expect(judge(collected("success"), "unknown")).toBe("works");
    expect(judge(collected("partial_success", "sel: the collector failed, or"), "unknown")).toBe("partly");
    expect(failedCollectors(["sel: the collector failed, or could not", "else"])).toEqual(["sel"]);
  });
});
