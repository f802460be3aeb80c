/** A change of many servers, as its form has it and as the interface does. */
import { api, type Schema, take } from "@/api/client";
import { parseLabels } from "./server";

/** What is to change; what is absent stays. */
export type Changes = Partial<Schema<"BulkChanges">>;

/** Which servers, and what becomes of them. */
export type Bulk = Partial<Omit<Schema<"BulkBody">, "changes" | "filter">> & {
  changes?: Changes;
  filter?: Partial<Schema<"BulkFilter">>;
};

/** Changes many servers. Absent fields have defaults, which the types do not know. */
export function changeMany(body: Bulk) {
  return take(api.POST("/api/v1/servers/bulk", { body: body as Schema<"BulkBody"> }));
}

/** In the form: the empty text leaves as it is, `none` takes away. */
export const NONE = "none";

export interface BulkForm extends Record<string, unknown> {
  monitoring: string;
  group: string;
  credential: string;
  exporter: string;
  site: string;
  rack: string;
  add_tags: string[];
  remove_tags: string[];
  set_labels: string;
  remove_labels: string[];
}

export const EMPTY_CHANGES: BulkForm = {
  monitoring: "",
  group: "",
  credential: "",
  exporter: "",
  site: "",
  rack: "",
  add_tags: [],
  remove_tags: [],
  set_labels: "",
  remove_labels: [],
};

const chosen = (value: string | null) => (value === NONE ? null : value ? Number(value) : undefined);

/** What is sent: only what is to change. */
export function bulkChanges(form: BulkForm): Changes {
  const labels = parseLabels(form.set_labels) ?? {};
  const all: Changes = {
    monitoring_enabled: form.monitoring ? form.monitoring === "on" : undefined,
    group_id: chosen(form.group),
    credential_id: chosen(form.credential),
    exporter_id: chosen(form.exporter),
    site: form.site.trim() || undefined,
    rack: form.rack.trim() || undefined,
    add_tags: form.add_tags.length > 0 ? form.add_tags : undefined,
    remove_tags: form.remove_tags.length > 0 ? form.remove_tags : undefined,
    set_labels: Object.keys(labels).length > 0 ? labels : undefined,
    remove_labels: form.remove_labels.length > 0 ? form.remove_labels : undefined,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
