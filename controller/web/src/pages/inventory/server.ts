/** A server as its form has it, and as the interface does. */
import type { Schema } from "@/api/client";
import { idOf } from "@/api/choices";

export type Server = Schema<"Server">;

/** Port of IPMI. */
const IPMI_PORT = 623;

export interface ServerForm extends Record<string, unknown> {
  name: string;
  address: string;
  port: number | string;
  credential_id: string | null;
  exporter_id: string | null;
  group_id: string | null;
  site: string;
  rack: string;
  manufacturer: string;
  model: string;
  serial_number: string;
  description: string;
  tags: string[];
  /** Lines of `name=value`. */
  labels: string;
  monitoring_enabled: boolean;
}

const text = (id: number | null | undefined) => (id === null || id === undefined ? null : String(id));

/** What the form begins with. */
export function formOf(server?: Server): ServerForm {
  return {
    name: server?.name ?? "",
    address: server?.address ?? "",
    port: server?.port ?? IPMI_PORT,
    credential_id: text(server?.credential_id),
    exporter_id: text(server?.exporter_id),
    group_id: text(server?.group_id),
    site: server?.site ?? "",
    rack: server?.rack ?? "",
    manufacturer: server?.manufacturer ?? "",
    model: server?.model ?? "",
    serial_number: server?.serial_number ?? "",
    description: server?.description ?? "",
    tags: server?.tags ?? [],
    labels: linesOf(server?.labels ?? {}),
    monitoring_enabled: server?.monitoring_enabled ?? true,
  };
}

/** What is sent. Lines of labels must have been found good by {@link parseLabels}. */
export function bodyOf(form: ServerForm): Schema<"ServerBody"> {
  return {
    ...form,
    port: Number(form.port),
    credential_id: idOf(form.credential_id),
    exporter_id: idOf(form.exporter_id),
    group_id: idOf(form.group_id),
    labels: parseLabels(form.labels) ?? {},
  };
}

/** Labels as lines of `name=value`. */
export function linesOf(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");
}

/** Lines of `name=value` as labels; nothing when a line has no `=`. */
export function parseLabels(lines: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const line of lines.split("\n")) {
    const trimmed = line.trim();
    if (trimmed === "") {
      continue;
    }
    const at = trimmed.indexOf("=");
    if (at < 1) {
      return undefined;
    }
    labels[trimmed.slice(0, at).trim()] = trimmed.slice(at + 1).trim();
  }
  return labels;
}
