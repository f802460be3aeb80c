/** The chain from the inventory to somebody who is told, link by link, for each server. */
import type { Schema } from "@/api/client";

export type Server = Schema<"Server">;

export const LINKS = ["inventory", "credential", "exporter", "scrape", "rules", "route"] as const;
export type LinkName = (typeof LINKS)[number];

/** `off`: nobody wants it watched. `unknown`: nobody could be asked. */
export type LinkState = "ok" | "warning" | "critical" | "unknown" | "off";

export interface Link {
  state: LinkState;
  /** Word of the catalogue. */
  word: string;
  /** Seconds since 1970 of what it is about. */
  at?: number;
  /** The controller's own words about it. */
  detail?: string;
  count?: number;
}

export interface Chain {
  server: Server;
  links: Record<LinkName, Link>;
  /** The first link that does not hold. */
  broken: LinkName | undefined;
}

export interface Exporter {
  id: number;
  enabled: boolean;
  /** Whether it asked the controller lately; unknown when it is not connected by the channel. */
  isConnected: boolean | undefined;
  error: string | undefined;
}

/** What all chains are made of. What is undefined could not be asked. */
export interface Known {
  /** Monitored servers that are no target, with why. */
  blindSpots: ReadonlyMap<number, string> | undefined;
  exporters: readonly Exporter[] | undefined;
  /** When a server last answered, in seconds since 1970. */
  answered: ReadonlyMap<number, number> | undefined;
  /** Published alerting rules, and whether Prometheus has them. */
  rules: { count: number; areLive: boolean } | undefined;
  alertmanager: { isConfigured: boolean; isHealthy: boolean } | undefined;
  now: number;
}

/** An answer older than this is not a good one: several scrapes were missed. */
export const STALE_SECONDS = 300;

const UNKNOWN: Link = { state: "unknown", word: "unknown" };

function exporterLink(server: Server, known: Known): Link {
  const blind = known.blindSpots?.get(server.id);
  if (blind !== undefined && server.credential_id) {
    return { state: "critical", word: "noTarget", detail: blind };
  }
  if (!known.exporters) {
    return UNKNOWN;
  }
  const enabled = known.exporters.filter((exporter) => exporter.enabled);
  const candidates = server.exporter_id ? enabled.filter(({ id }) => id === server.exporter_id) : enabled;
  if (candidates.length === 0) {
    return { state: "critical", word: server.exporter_id ? "exporterDisabled" : "noExporter" };
  }
  const failing = candidates.filter(({ isConnected }) => isConnected === false);
  const error = candidates.find((exporter) => exporter.error !== undefined)?.error;
  if (failing.length === candidates.length) {
    return { state: "critical", word: "exporterGone" };
  }
  if (error !== undefined || failing.length > 0) {
    return { state: "warning", word: "exporterTrouble", detail: error };
  }
  return { state: "ok", word: server.exporter_id ? "exporterChosen" : "exporterAny" };
}

function scrapeLink(server: Server, known: Known): Link {
  if (!known.answered) {
    return UNKNOWN;
  }
  const at = known.answered.get(server.id);
  if (at === undefined) {
    return { state: "critical", word: "neverScraped" };
  }
  return known.now / 1000 - at > STALE_SECONDS ? { state: "critical", word: "staleScrape", at } : { state: "ok", word: "scraped", at };
}

function rulesLink({ rules }: Known): Link {
  if (!rules) {
    return UNKNOWN;
  }
  if (rules.count === 0) {
    return { state: "critical", word: "noRules" };
  }
  return { state: rules.areLive ? "ok" : "warning", word: rules.areLive ? "rulesLive" : "rulesNotLive", count: rules.count };
}

function routeLink({ alertmanager }: Known): Link {
  if (!alertmanager) {
    return UNKNOWN;
  }
  if (!alertmanager.isConfigured) {
    return { state: "critical", word: "noAlertmanager" };
  }
  return alertmanager.isHealthy ? { state: "ok", word: "alertmanager" } : { state: "critical", word: "alertmanagerDown" };
}

/** The chain of one server. */
export function chainOf(server: Server, known: Known): Chain {
  if (!server.monitoring_enabled) {
    const off: Link = { state: "off", word: "off" };
    return {
      server,
      links: { inventory: off, credential: off, exporter: off, scrape: off, rules: off, route: off },
      broken: undefined,
    };
  }
  const links: Record<LinkName, Link> = {
    inventory: { state: "ok", word: "monitored" },
    credential: server.credential_id ? { state: "ok", word: "credential" } : { state: "critical", word: "noCredential" },
    exporter: exporterLink(server, known),
    scrape: scrapeLink(server, known),
    rules: rulesLink(known),
    route: routeLink(known),
  };
  const broken = LINKS.find((name) => links[name].state === "critical") ?? LINKS.find((name) => links[name].state === "warning");
  return { server, links, broken };
}

function need({ server, links, broken }: Chain): number {
  if (!server.monitoring_enabled) {
    return LINKS.length + 2;
  }
  if (broken === undefined) {
    return LINKS.length + 1;
  }
  return links[broken].state === "critical" ? LINKS.indexOf(broken) : LINKS.length;
}

/** Blind spots first: the earlier the chain breaks, the less is known of the server. */
export function byNeed(chains: readonly Chain[]): Chain[] {
  return chains.toSorted((a, b) => need(a) - need(b) || a.server.name.localeCompare(b.server.name));
}

/** Whether nobody would hear of trouble at a server. */
export function isBlind({ server, links, broken }: Chain): boolean {
  return server.monitoring_enabled && broken !== undefined && links[broken].state === "critical";
}

interface VectorAnswer {
  data?: { result?: { metric?: Record<string, string>; value?: [number, string] }[] };
}

/** Numbers by server out of an answer of Prometheus; the greatest of several. */
export function byServer(answer: unknown): Map<number, number> {
  const found = new Map<number, number>();
  for (const { metric, value } of (answer as VectorAnswer | undefined)?.data?.result ?? []) {
    const id = Number(metric?.server_id);
    const number = Number(value?.[1]);
    if (Number.isInteger(id) && id > 0 && Number.isFinite(number)) {
      found.set(id, Math.max(found.get(id) ?? Number.NEGATIVE_INFINITY, number));
    }
  }
  return found;
}
