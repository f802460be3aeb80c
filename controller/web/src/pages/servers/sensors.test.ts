import { describe, expect, it } from "vitest";
import type { Schema } from "@/api/client";
import { byKind, keyOfSensor, keyOfSeries, linesByKey, type Sensor, selector, thresholdBar, worstOf } from "./sensors";

function sensor(change: Partial<Sensor>): Sensor {
  return {
    id: 1,
    server_id: 7,
    sensor_id: "4",
    name: 'CPU "1"',
    sensor_type: "",
    metric_type: "temperature",
    metric: "ipmi_temperature_celsius",
    value: 41,
    unit: "°C",
    status: "ok",
    thresholds: limits({}),
    timestamp: "2026-11-23T12:00:00Z",
    age_seconds: 3,
    ...change,
  };
}

function limits(change: Schema<"Thresholds">): Schema<"Thresholds"> {
  return change;
}

function levels(of: Schema<"Thresholds">): string[] | undefined {
  return thresholdBar(50, of)?.zones.map(({ level }) => level);
}

describe("sensors", () => {
  it("stand by kind, in one order", () => {
    const kinds = byKind([sensor({ metric_type: "voltage" }), sensor({}), sensor({})]);
    expect(kinds.map(([kind, members]) => [kind, members.length])).toEqual([
      ["temperature", 2],
      ["voltage", 1],
    ]);
  });

  it("are as bad as the worst, and unknown when none says anything", () => {
    expect(worstOf([sensor({}), sensor({ status: "warning" })])).toBe("warning");
    expect(worstOf([sensor({ status: "critical" }), sensor({ status: "warning" })])).toBe("critical");
    expect(worstOf([sensor({ status: null })])).toBe("unknown");
  });

  it("find their series, also that of the whole machine", () => {
    const metric = { __name__: "ipmi_temperature_celsius", id: "4", name: 'CPU "1"', server_id: "7" };
    expect(keyOfSeries({ metric, values: [] })).toBe(keyOfSensor(sensor({})));
    const dcmi = sensor({ metric: "ipmi_dcmi_power_consumption_watts", sensor_id: "", name: "DCMI Power" });
    expect(keyOfSeries({ metric: { __name__: "ipmi_dcmi_power_consumption_watts" }, values: [] })).toBe(keyOfSensor(dcmi));
  });

  it("go on as one line when the server has moved", () => {
    const metric = { __name__: "ipmi_fan_speed_rpm", id: "9", name: "FAN1" };
    const all = [
      { metric: { ...metric, rack: "1" }, values: [] },
      { metric: { ...metric, rack: "2" }, values: [] },
    ];
    const lines = linesByKey(all, [
      [1, 2, null, null],
      [null, null, null, 4],
    ]);
    expect([...lines.values()]).toEqual([[1, 2, null, 4]]);
  });

  it("are asked for by their metrics", () => {
    expect(selector(7, [sensor({}), sensor({})])).toBe('{__name__=~"ipmi_temperature_celsius",server_id="7"}');
  });
});

describe("the bar of thresholds", () => {
  it("has zones from end to end, and the value in its own", () => {
    const bar = thresholdBar(
      85,
      limits({ lower_critical: 0, lower_non_critical: 5, upper_non_critical: 80, upper_critical: 90 }),
    );
    expect(bar?.zones.map(({ level }) => level)).toEqual(["critical", "warning", "ok", "warning", "critical"]);
    expect(bar?.zones[0]?.from).toBe(0);
    expect(bar?.zones.at(-1)?.to).toBe(1);
    const zone = bar?.zones.find(({ from, to }) => bar.at >= from && bar.at < to);
    expect(zone?.level).toBe("warning");
  });

  it("does with one limit", () => {
    expect(levels(limits({ upper_critical: 90 }))).toEqual(["ok", "critical"]);
    expect(levels(limits({ lower_critical: 10 }))).toEqual(["critical", "ok"]);
  });

  it("is not drawn for limits that mean nothing", () => {
    expect(thresholdBar(25, limits({}))).toBeUndefined();
    expect(thresholdBar(25, limits({ lower_critical: 0, upper_critical: 0 }))).toBeUndefined();
    expect(thresholdBar(25, limits({ lower_critical: 90, upper_critical: 10 }))).toBeUndefined();
  });
});
