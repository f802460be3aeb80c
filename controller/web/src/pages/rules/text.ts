/** A rule group as a text, in the form of Prometheus' rule files. Loaded with the editor. */
import { parse, stringify } from "yaml";
import { type Body, bodyOf, type Draft, draftOf } from "./draft";

export function toText(draft: Draft): string {
  // What is absent is left out.
  return stringify(JSON.parse(JSON.stringify(bodyOf(draft))), { lineWidth: 0 });
}

/** Much more than the greatest group. */
const MAX_ALIASES = 0;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Numbers and the like where texts belong: `5` for a label is "5". */
function texts(value: unknown): Record<string, string> | undefined {
  if (!isObject(value)) {
    return undefined;
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, text(one)]));
}

function text(value: unknown): string {
  return typeof value === "string" ? value : value === null || value === undefined ? "" : String(value);
}

const GROUP_KEYS = new Set(["name", "description", "enabled", "interval", "rules"]);
const RULE_KEYS = new Set(["alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations", "enabled"]);

/** What is wrong with a text. */
export class TextError extends Error {}

/** Reads {@link toText}. What is meant otherwise than it can be said is an error, not left out. */
export function fromText(source: string): Draft {
  let value: unknown;
  try {
    value = parse(source, { maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw new TextError(error instanceof Error ? error.message : String(error));
  }
  if (!isObject(value) || !Array.isArray(value.rules)) {
    throw new TextError("name: … and rules: [ … ] must be there");
  }
  check(value, GROUP_KEYS, "");
  const rules = value.rules.map((rule: unknown, index) => {
    if (!isObject(rule)) {
      throw new TextError(`rules[${index}]: is no rule`);
    }
    check(rule, RULE_KEYS, `rules[${index}].`);
    return {
      ...(rule.alert === undefined ? {} : { alert: text(rule.alert) }),
      ...(rule.record === undefined ? {} : { record: text(rule.record) }),
      expr: text(rule.expr),
      for: text(rule.for) || undefined,
      keep_firing_for: text(rule.keep_firing_for) || undefined,
      labels: texts(rule.labels),
      annotations: texts(rule.annotations),
      enabled: rule.enabled !== false,
    };
  });
  const body: Body = {
    name: text(value.name),
    description: text(value.description),
    enabled: value.enabled !== false,
    interval: text(value.interval) || undefined,
    rules,
  };
  return draftOf(body);
}

function check(value: Record<string, unknown>, known: ReadonlySet<string>, place: string) {
  for (const key of Object.keys(value)) {
    if (!known.has(key)) {
      throw new TextError(`${place}${key}: is not known`);
    }
  }
}
