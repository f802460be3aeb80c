import { describe, expect, it } from "vitest";
import { type Channel, channelWord, startCommands } from "./channel";

const channel: Channel = {
  applied: "in_sync",
  connected_at: "2026-01-01T00:00:00Z",
  exporter_version: "0.1.0",
  is_connected: true,
  last_seen_at: "2026-01-01T00:00:00Z",
  source: "controller",
};

describe("an exporter's channel", () => {
  it("is said to be as bad as its worst part", () => {
    expect(channelWord(true, channel)).toBe("in_sync");
    expect(channelWord(true, { ...channel, source: "cache" })).toBe("cached");
    expect(channelWord(true, { ...channel, applied: "failed" })).toBe("failed");
    expect(channelWord(true, { ...channel, applied: "failed", is_connected: false })).toBe("away");
    expect(channelWord(true, null)).toBe("never");
    expect(channelWord(false, channel)).toBe("disabled");
  });

  it("is begun with the port of the exporter's address", () => {
    expect(startCommands("https://c.example", "http://192.0.2.7:9300")).toContain("--web.listen-address=:9300");
    expect(startCommands("https://c.example", "http://proxy/exporter")).toContain(":9290");
    expect(startCommands("https://c.example", "http://h:1")).not.toContain("token=");
  });
});
