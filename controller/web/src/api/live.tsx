/**
 * Hears from the controller what changed (`GET /api/v1/events`), and has it asked
 * anew. A window that nobody sees does not listen: browsers open six connections to
 * one place over HTTP/1.1, and each listener keeps one.
 */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";

/** How it stands with hearing of changes. */
export type LiveState = "connecting" | "live" | "off";

/** A hidden window listens for this long, so that a short look elsewhere costs nothing. */
const HIDDEN_MS = 30_000;
/** The controller says something every 15 seconds; after three times that it is gone. */
const SILENT_MS = 45_000;
/** Rest before the next try after a refusal. */
const RETRY_MS = 15_000;

const Context = createContext<LiveState>("connecting");

interface Told {
  topics: string[];
  resources: string[];
}

/** Lists whose figures are about other lists: those are asked anew with them. */
const FOLLOWERS: Record<string, string[]> = {
  servers: ["groups", "fleet"],
  groups: ["servers", "fleet"],
  alerts: ["fleet"],
};

/** Has everything asked anew that is kept under these words. */
export function invalidateTopics(queries: QueryClient, topics: readonly string[]): void {
  const words = new Set(topics.flatMap((topic) => [topic, ...(FOLLOWERS[topic] ?? [])]));
  void queries.invalidateQueries({ predicate: ({ queryKey }) => words.has(String(queryKey[0])) });
}

/** Has everything asked anew but who is signed in. */
function invalidateAll(queries: QueryClient): void {
  void queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
}

function parse(text: string): Told | undefined {
  try {
    return JSON.parse(text) as Told;
  } catch {
    return undefined;
  }
}

/** Listens until it is told to stop. */
function listen(queries: QueryClient, tell: (state: LiveState) => void): () => void {
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let wasReady = false;

  const close = () => {
    clearTimeout(retry);
    clearTimeout(silence);
    source?.close();
    source = undefined;
  };
  const again = () => {
    close();
    tell("off");
    retry = setTimeout(open, RETRY_MS);
    // Perhaps the log-in has ended; asking says so.
    void queries.invalidateQueries({ queryKey: ["session"] });
  };
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(again, SILENT_MS);
    tell("live");
  };
  function open() {
    tell("connecting");
    source = new EventSource("/api/v1/events");
    source.addEventListener("ready", () => {
      heard();
      // What happened while nobody listened is not told.
      if (wasReady) {
        invalidateAll(queries);
      }
      wasReady = true;
    });
    source.addEventListener("beat", heard);
    source.addEventListener("reset", () => {
      heard();
      invalidateAll(queries);
    });
    source.addEventListener("change", (event: MessageEvent<string>) => {
      heard();
      const told = parse(event.data);
      if (told) {
        invalidateTopics(queries, told.topics);
      }
    });
    source.addEventListener("error", () => {
      if (source?.readyState === EventSource.CLOSED) {
        again();
      } else {
        tell("connecting");
      }
    });
  }

  let hidden: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(hidden);
    if (document.visibilityState === "hidden") {
      hidden = setTimeout(close, HIDDEN_MS);
    } else if (!source && retry === undefined) {
      open();
    } else if (!source) {
      close();
      open();
    }
  };
  document.addEventListener("visibilitychange", look);
  open();
  return () => {
    document.removeEventListener("visibilitychange", look);
    clearTimeout(hidden);
    close();
  };
}

export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [state, setState] = useState<LiveState>("connecting");
  useEffect(() => listen(queries, setState), [queries]);
  return <Context value={state}>{children}</Context>;
}

/** How it stands with hearing of changes. */
export function useLive(): LiveState {
  return useContext(Context);
}
