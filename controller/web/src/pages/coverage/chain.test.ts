import { describe, expect, it } from "vitest";
import { byNeed, byServer, chainOf, isBlind, type Known, type Server } from "./chain";

function server(id: number, more: Partial<Server> = {}): Server {
  return { id, name: `s${id}`, monitoring_enabled: true, credential_id: 1, ...more } as Server;
}

const now = Date.parse("2026-01-01T00:10:00Z");
const good: Known = {
  blindSpots: new Map(),
  exporters: [{ id: 1, enabled: true, isConnected: true, error: undefined }],
  answered: new Map([[1, now / 1000 - 10]]),
  rules: { count: 50, areLive: true },
  alertmanager: { isConfigured: true, isHealthy: true },
  now,
};

describe("the chain of a server", () => {
  it("holds when every link does", () => {
    const chain = chainOf(server(1), good);
    expect(chain.broken).toBeUndefined();
    expect(Object.values(chain.links).every(({ state }) => state === "ok")).toBe(true);
  });

  it.each<[string, Partial<Server>, Partial<Known>, string]>([
    ["credential", { credential_id: null }, { blindSpots: new Map([[1, "it has none"]]) }, "noCredential"],
    ["exporter", {}, { blindSpots: new Map([[1, "all are full"]]) }, "noTarget"],
    ["exporter", {}, { exporters: [] }, "noExporter"],
    ["exporter", { exporter_id: 2 }, {}, "exporterDisabled"],
    ["exporter", {}, { exporters: [{ id: 1, enabled: true, isConnected: false, error: undefined }] }, "exporterGone"],
    ["scrape", {}, { answered: new Map() }, "neverScraped"],
    ["scrape", {}, { answered: new Map([[1, now / 1000 - 3600]]) }, "staleScrape"],
    ["rules", {}, { rules: { count: 0, areLive: true } }, "noRules"],
    ["route", {}, { alertmanager: { isConfigured: true, isHealthy: false } }, "alertmanagerDown"],
  ])("breaks at the %s: %o %o", (link, of, known, word) => {
    const chain = chainOf(server(1, of), { ...good, ...known });
    expect(chain.broken).toBe(link);
    expect(chain.links[link as "scrape"].word).toBe(word);
    expect(isBlind(chain)).toBe(true);
  });

  it("is not called broken where nobody could be asked, nor where nobody wants it", () => {
    const chain = chainOf(server(1), { ...good, answered: undefined, rules: undefined });
    expect(chain.broken).toBeUndefined();
    expect(chain.links.scrape.state).toBe("unknown");
    expect(isBlind(chainOf(server(1, { monitoring_enabled: false, credential_id: null }), good))).toBe(false);
  });

  it("comes the earlier in the list, the earlier it breaks", () => {
    const chains = [
      chainOf(server(1), good),
      chainOf(server(2, { monitoring_enabled: false }), good),
      chainOf(server(3), good),
      chainOf(server(4, { credential_id: null }), good),
      chainOf(server(1), { ...good, rules: { count: 1, areLive: false } }),
    ];
    expect(byNeed(chains).map(({ server: { id }, broken }) => [id, broken])).toEqual([
      [4, "credential"],
      [3, "scrape"],
      [1, "rules"],
      [1, undefined],
      [2, undefined],
    ]);
  });
});

it("answers of Prometheus are read without trust", () => {
  const result = [
    { metric: { server_id: "1" }, value: [0, "5"] },
    { metric: { server_id: "1" }, value: [0, "7"] },
    { metric: {}, value: [0, "9"] },
    { metric: { server_id: "2" }, value: [0, "NaN"] },
  ];
  expect([...byServer({ data: { result } })]).toEqual([[1, 7]]);
  expect(byServer(undefined).size).toBe(0);
});
