/** What the command palette offers besides pages and servers. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";

export interface Command {
  id: string;
  label: string;
  description?: string;
  run(): void;
}

interface Registry {
  commands: Command[];
  add(commands: Command[]): () => void;
}

const Context = createContext<Registry>({ commands: [], add: () => () => {} });

export function CommandsProvider({ children }: { children: ReactNode }) {
  const [sets, setSets] = useState<Command[][]>([]);
  const add = useMemo(
    () => (commands: Command[]) => {
      setSets((before) => [...before, commands]);
      return () => setSets((before) => before.filter((set) => set !== commands));
    },
    [],
  );
  const value = useMemo(() => ({ commands: sets.flat(), add }), [sets, add]);
  return <Context value={value}>{children}</Context>;
}

/** All that are offered now. */
export function useAllCommands(): Command[] {
  return useContext(Context).commands;
}

/** Offers commands while the component is there. Keep the list stable with `useMemo`. */
export function useCommands(commands: Command[]): void {
  const { add } = useContext(Context);
  useEffect(() => add(commands), [add, commands]);
}
