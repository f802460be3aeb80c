import { describe, expect, it } from "vitest";
import { makeFormat } from "./format";

const en = makeFormat("en-GB");
const zh = makeFormat("zh-CN");
const now = Date.parse("2026-11-23T12:00:00Z");

describe("formats", () => {
  it("tell how long ago, in the greatest unit that fits", () => {
    expect(en.relative("2026-11-23T11:59:20Z", now)).toBe("40 sec ago");
    expect(en.relative("2026-11-23T11:00:00Z", now)).toBe("1 hr ago");
    expect(en.relative("2026-11-20T12:00:00Z", now)).toBe("3 days ago");
    expect(zh.relative("2026-11-23T12:05:00Z", now)).toBe("5分钟后");
  });

  it("show readings with four digits at most", () => {
    expect(en.reading(12.3456)).toBe("12.35");
    expect(en.reading(10_320)).toBe("10,320");
    expect(en.reading(0)).toBe("0");
  });

  it("name UTC whatever the zone is", () => {
    expect(en.utc("2026-11-23T14:00:00+02:00")).toBe("2026-11-23 12:00:00 UTC");
  });

  it("count bytes and durations in units that people read", () => {
    expect(en.bytes(1536)).toBe("1.5 kB");
    expect(en.duration(7200)).toMatch(/^2 hr/);
  });
});
