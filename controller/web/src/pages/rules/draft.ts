/** A rule group while somebody works on it, and how it goes to the controller and back. */
import type { Schema } from "@/api/client";

export type RuleGroup = Schema<"RuleGroup">;
export type Rule = Schema<"Rule">;
export type Body = Schema<"RuleGroupBody">;

export type Pair = [name: string, value: string];

export interface RuleDraft {
  kind: "alert" | "record";
  name: string;
  expr: string;
  hold: string;
  keepFiring: string;
  labels: Pair[];
  annotations: Pair[];
  enabled: boolean;
}

export interface Draft {
  name: string;
  description: string;
  enabled: boolean;
  interval: string;
  rules: RuleDraft[];
}

export const NEW_RULE: RuleDraft = {
  kind: "alert",
  name: "",
  expr: "",
  hold: "5m",
  keepFiring: "",
  labels: [["severity", "warning"]],
  annotations: [["summary", ""]],
  enabled: true,
};

export const NEW_DRAFT: Draft = { name: "", description: "", enabled: true, interval: "", rules: [NEW_RULE] };

function pairs(filled: Record<string, string> | undefined): Pair[] {
  return Object.entries(filled ?? {});
}

function ruleDraft(rule: Rule): RuleDraft {
  return {
    kind: rule.record ? "record" : "alert",
    name: rule.alert ?? rule.record ?? "",
    expr: rule.expr,
    hold: rule.for ?? "",
    keepFiring: rule.keep_firing_for ?? "",
    labels: pairs(rule.labels),
    annotations: pairs(rule.annotations),
    enabled: rule.enabled ?? true,
  };
}

export function draftOf(group: Body): Draft {
  return {
    name: group.name,
    description: group.description ?? "",
    enabled: group.enabled ?? true,
    interval: group.interval ?? "",
    rules: group.rules.map(ruleDraft),
  };
}

/** Pairs whose name and value are both empty were never filled in. */
function filledMap(entries: Pair[]): Record<string, string> | undefined {
  const filled = entries.filter(([name, value]) => name.trim() !== "" || value.trim() !== "");
  return filled.length === 0 ? undefined : Object.fromEntries(filled.map(([name, value]) => [name.trim(), value]));
}

export function ruleOf(draft: RuleDraft): Rule {
  const isAlert = draft.kind === "alert";
  return {
    [draft.kind]: draft.name.trim(),
    expr: draft.expr,
    for: isAlert ? draft.hold.trim() || undefined : undefined,
    keep_firing_for: isAlert ? draft.keepFiring.trim() || undefined : undefined,
    labels: filledMap(draft.labels),
    annotations: isAlert ? filledMap(draft.annotations) : undefined,
    // Only what is switched off says so.
    ...(draft.enabled ? {} : { enabled: false }),
  } as Rule;
}

export function bodyOf(draft: Draft): Body {
  return {
    name: draft.name.trim(),
    description: draft.description,
    enabled: draft.enabled,
    interval: draft.interval.trim() || undefined,
    rules: draft.rules.map(ruleOf),
  };
}

/** Whether two drafts would be stored alike. */
export function isSame(a: Draft, b: Draft): boolean {
  return JSON.stringify(bodyOf(a)) === JSON.stringify(bodyOf(b));
}

/** Name of a rule, whatever it is. */
export function ruleName(rule: Rule): string {
  return rule.alert ?? rule.record ?? "";
}

/** Rules that something is wrong with, by their places, out of fields such as `rules[2].expr`. */
export function ruleErrors(fields: ReadonlyMap<string, string>): Map<number, Map<string, string>> {
  const found = new Map<number, Map<string, string>>();
  for (const [field, message] of fields) {
    const [, place, rest] = /^rules\[(\d+)\]\.?(.*)$/.exec(field) ?? [];
    if (place !== undefined && rest !== undefined) {
      const rule = found.get(Number(place)) ?? new Map<string, string>();
      rule.set(rest, message);
      found.set(Number(place), rule);
    }
  }
  return found;
}
