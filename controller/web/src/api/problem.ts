/** Errors of the interface, which are RFC 9457 problems. */
import type { components } from "./schema";

type Body = components["schemas"]["ProblemBody"];

/** An answer that was not what was asked for. Status 0: there was none. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  /** Mistakes in single fields, by the field's name. */
  readonly fields: ReadonlyMap<string, string>;
  /** When to try again at the earliest. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    title: string,
    detail: string,
    fields: ReadonlyMap<string, string> = new Map(),
    retryAfterSeconds?: number,
  ) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.title = title;
    this.fields = fields;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Whether trying again may help without changing anything. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

function isBody(value: unknown): value is Body {
  return typeof value === "object" && value !== null && "title" in value && "detail" in value;
}

/** What an answer that is an error says; proxies answer without a problem. */
export function problemOf(response: Response, body: unknown): Problem {
  const after = Number(response.headers.get("retry-after") ?? "");
  const retryAfter = Number.isFinite(after) && after > 0 ? after : undefined;
  if (!isBody(body)) {
    return new Problem(response.status, response.statusText, "", new Map(), retryAfter);
  }
  const fields = new Map<string, string>();
  for (const { field, message } of body.errors ?? []) {
    const before = fields.get(field);
    fields.set(field, before ? `${before}; ${message}` : message);
  }
  return new Problem(response.status, body.title, body.detail, fields, retryAfter);
}

/** Any error as a problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) {
    return error;
  }
  return new Problem(0, "", error instanceof Error ? error.message : String(error));
}
