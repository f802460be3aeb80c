/** Connected servers, as the controller names them. */
import type { Schema } from "@/api/client";

const KINDS = ["prometheus", "alertmanager", "grafana"] as const;

export type Kind = (typeof KINDS)[number] | "exporter" | "other";

/** What kind of server it is, its own name if there are several, and how it is. */
export function componentState({ name, is_configured, is_healthy }: Schema<"Component">): {
  kind: Kind;
  name: string;
  word: "well" | "ill" | "absent";
} {
  const word = is_configured ? (is_healthy ? "well" : "ill") : "absent";
  if (name.startsWith("exporter ")) {
    return { kind: "exporter", name: name.slice("exporter ".length), word };
  }
  return { kind: KINDS.find((kind) => kind === name) ?? "other", name, word };
}
