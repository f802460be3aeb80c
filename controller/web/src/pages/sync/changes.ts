/** What of an entry changes, field by field. */
import type { Schema } from "@/api/client";
import type { State } from "@/components/StateBadge";

export type Change = Schema<"SyncChange">;
export type Status = Schema<"ArtefactStatus">;

export interface FieldChange {
  field: string;
  before: string | undefined;
  after: string | undefined;
}

/** Fields of a value by their paths, lists as one text. */
function flatten(value: unknown, path: string, into: Map<string, string>): Map<string, string> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    for (const [name, inner] of Object.entries(value)) {
      flatten(inner, path === "" ? name : `${path}.${name}`, into);
    }
  } else if (value !== undefined && value !== null) {
    into.set(path, typeof value === "string" ? value : Array.isArray(value) ? value.map(String).join(", ") : String(value));
  }
  return into;
}

/** Fields that come, go or change; of what comes or goes as a whole all of them. */
export function fieldChanges({ before, after }: Pick<Change, "before" | "after">): FieldChange[] {
  const old = flatten(before ?? undefined, "", new Map());
  const now = flatten(after ?? undefined, "", new Map());
  const fields = [...new Set([...old.keys(), ...now.keys()])].toSorted();
  return fields
    .map((field) => ({ field, before: old.get(field), after: now.get(field) }))
    .filter((change) => change.before !== change.after);
}

export type ChangeKind = "added" | "removed" | "changed";

export function changeKind({ before, after }: Pick<Change, "before" | "after">): ChangeKind {
  if (before === undefined || before === null) {
    return "added";
  }
  return after === undefined || after === null ? "removed" : "changed";
}

/** What an entry is called: the rule, the server's label, or its number. */
export function entryName(change: Change): string {
  if (change.rule) {
    return change.rule;
  }
  const fields = new Map([...flatten(change.before ?? undefined, "", new Map()), ...flatten(change.after ?? undefined, "", new Map())]);
  return fields.get("labels.server_name") ?? (change.server_id ? `#${change.server_id}` : "");
}

const STATES: Record<string, State> = {
  in_sync: "ok",
  empty: "unknown",
  starting: "unknown",
  unverified: "unknown",
  pending: "warning",
  awaiting_confirmation: "warning",
  held: "warning",
  failed: "critical",
};

/** How bad it is where an artefact stands. */
export function syncState(state: string): State {
  return STATES[state] ?? "unknown";
}

/** The worst first, then by name. */
export function byNeed(statuses: readonly Status[]): Status[] {
  const order: State[] = ["critical", "warning", "unknown", "ok"];
  return statuses.toSorted(
    (a, b) =>
      order.indexOf(syncState(a.state)) - order.indexOf(syncState(b.state)) ||
      a.artefact.localeCompare(b.artefact) ||
      a.server.localeCompare(b.server),
  );
}
