/** Asks the controller. Types come from its own description, `schema.ts`. */
import createClient, { type Middleware } from "openapi-fetch";
import { Problem, problemOf } from "./problem";
import type { components, paths } from "./schema";

/** Types of the interface by name: `Schema<"Server">`. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** Told when a log-in has ended. */
type Ended = () => void;
let ended: Ended = () => {};

/** Says who is to be told that a log-in has ended. */
export function onSessionEnd(listener: Ended): void {
  ended = listener;
}

/**
 * Changes bear a header that pages of other sites cannot send: see
 * `api/session.rs` of the controller.
 */
const requestedBy: Middleware = {
  onRequest({ request }) {
    request.headers.set("X-Requested-By", "page");
    return request;
  },
};

/** `api.GET("/api/v1/servers", …)`, in {@link take}. */
export const api = createClient<paths>({ baseUrl: "", querySerializer: { array: { style: "form", explode: true } } });
api.use(requestedBy);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/**
 * What an answer brings, or a {@link Problem} is thrown:
 * `take(api.GET("/api/v1/servers", { params: { query }, signal }))`.
 */
export async function take<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") {
      throw error;
    }
    throw new Problem(0, "", error instanceof Error ? error.message : String(error));
  }
  const { data, error, response } = answer;
  if (response.ok) {
    // Where there is no body, its type is `undefined` or `never`.
    return data as T;
  }
  if (response.status === 401) {
    ended();
  }
  throw problemOf(response, error);
}

/** The answer with the version that a change has to name in `If-Match`. */
export async function takeVersioned<T>(asked: Promise<Answer<T>>): Promise<{ data: T; etag: string | null }> {
  let etag: string | null = null;
  const data = await take(
    asked.then((answer) => {
      etag = answer.response.headers.get("etag");
      return answer;
    }),
  );
  return { data, etag };
}
