/** How it stands with an exporter's channel, and how one is started. */
import type { Schema } from "@/api/client";
import type { State } from "@/components/StateBadge";

export type Exporter = Schema<"Exporter">;
export type Channel = Schema<"ChannelStatus">;

/** Words of the catalogue below `channel`, with the state that they are shown as. */
export type ChannelWord = "disabled" | "never" | "away" | "failed" | "pending" | "in_sync" | "cached";

export const CHANNEL_STATES: Record<ChannelWord, State> = {
  disabled: "off",
  never: "unknown",
  away: "unreachable",
  failed: "critical",
  pending: "warning",
  cached: "warning",
  in_sync: "ok",
};

/** The worst of what is to be said. */
export function channelWord(isEnabled: boolean, channel: Channel | null | undefined): ChannelWord {
  if (!isEnabled) {
    return "disabled";
  }
  if (!channel) {
    return "never";
  }
  if (!channel.is_connected) {
    return "away";
  }
  if (channel.applied !== "in_sync") {
    return channel.applied;
  }
  return channel.source === "cache" ? "cached" : "in_sync";
}

/** Puts the token into a file that only the exporter reads, and starts it. */
export function startCommands(controller: string, exporterUrl: string): string {
  const port = portOf(exporterUrl);
  return [
    "umask 077 && cat > exporter-token   # paste the token, then Enter and Ctrl-D",
    `ipmi_exporter --controller.url=${controller} \\`,
    "    --controller.token-file=exporter-token \\",
    `    --web.listen-address=:${port} --cache.dir=exporter-cache`,
  ].join("\n");
}

/** The port of a URL; that of the exporter when it names none. */
function portOf(url: string): string {
  try {
    return new URL(url).port || "9290";
  } catch {
    return "9290";
  }
}
