import { expect, it } from "vitest";
import { componentState } from "./components";

it("knows connected servers by their names", () => {
  const well = { is_configured: true, is_healthy: true, message: null };
  expect(componentState({ ...well, name: "prometheus" })).toEqual({ kind: "prometheus", name: "prometheus", word: "well" });
  expect(componentState({ ...well, name: "exporter east 1", is_healthy: false })).toEqual({ kind: "exporter", name: "east 1", word: "ill" });
  expect(componentState({ ...well, name: "grafana", is_configured: false, is_healthy: false }).word).toBe("absent");
  expect(componentState({ ...well, name: "new thing" }).kind).toBe("other");
});
