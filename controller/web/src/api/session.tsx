/** Who is signed in. The log-in itself is in a cookie that no script reads. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { api, onSessionEnd, type Schema, take } from "./client";
import { asProblem, Problem } from "./problem";

export type User = Schema<"User">;
export type Role = User["role"];
type Session = Schema<"SessionBody">;

const ROLES: Role[] = ["viewer", "operator", "admin"];

interface Value {
  /** Who is signed in; nobody when absent. */
  session: Session | undefined;
  /** Whether that is not known yet. */
  isLoading: boolean;
  /** Why it cannot be known. */
  problem: Problem | undefined;
  /** Whether a log-in ended while the page was open. */
  hasEnded: boolean;
  logIn(username: string, password: string): Promise<void>;
  logOut(): Promise<void>;
  retry(): void;
}

const Context = createContext<Value | null>(null);

/** The code that a log-in by OpenID Connect left in the address, once. */
function takeLoginCode(): string | undefined {
  const code = new URLSearchParams(location.hash.slice(1)).get("login_code");
  if (code === null) {
    return undefined;
  }
  history.replaceState(history.state, "", location.pathname + location.search);
  return code;
}

let loginCode = takeLoginCode();

async function ask(signal: AbortSignal): Promise<Session | null> {
  const code = loginCode;
  loginCode = undefined;
  if (code !== undefined) {
    return take(api.POST("/api/v1/auth/session/oidc", { body: { code } }));
  }
  try {
    return await take(api.GET("/api/v1/auth/session", { signal }));
  } catch (error) {
    if (error instanceof Problem && error.status === 401) {
      return null;
    }
    throw error;
  }
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [hasEnded, setEnded] = useState(false);
  const { data, isPending, error, refetch } = useQuery({
    queryKey: ["session"],
    queryFn: ({ signal }) => ask(signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    onSessionEnd(() => {
      if (queries.getQueryData(["session"])) {
        setEnded(true);
        queries.setQueryData(["session"], null);
      }
    });
  }, [queries]);
  const value = useMemo<Value>(
    () => ({
      session: data ?? undefined,
      isLoading: isPending,
      problem: error ? asProblem(error) : undefined,
      hasEnded,
      async logIn(username, password) {
        const session = await take(api.POST("/api/v1/auth/session", { body: { username, password } }));
        // What another user saw is not this one's to see.
        queries.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
        setEnded(false);
        queries.setQueryData(["session"], session);
      },
      async logOut() {
        await take(api.POST("/api/v1/auth/logout"));
        setEnded(false);
        queries.setQueryData(["session"], null);
        queries.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
      },
      retry() {
        void refetch();
      },
    }),
    [data, isPending, error, hasEnded, queries, refetch],
  );
  return <Context value={value}>{children}</Context>;
}

export function useSession(): Value {
  const value = useContext(Context);
  if (!value) {
    throw new Error("useSession outside of SessionProvider");
  }
  return value;
}

/** Who is signed in, for what is only shown when somebody is. */
export function useUser(): User {
  const { session } = useSession();
  if (!session) {
    throw new Error("nobody is signed in");
  }
  return session.user;
}

/** Whether somebody has at least this role. */
export function hasRole(user: User, least: Role): boolean {
  return ROLES.indexOf(user.role) >= ROLES.indexOf(least);
}

/**
 * Whether who is signed in may do what needs at least this role. It decides what is
 * shown; what may be done the controller decides.
 */
export function useMay(least: Role): boolean {
  return hasRole(useUser(), least);
}
