/** Keys: single ones, and two one after the other (`g s`). `?` lists them. */
import {
  createContext,
  lazy,
  type ReactNode,
  Suspense,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";

const ShortcutList = lazy(() => import("./ShortcutList"));

/** Time for the second key. */
const SECOND_KEY_MS = 1200;

export interface Shortcut {
  /** `x`, `?`, `g s`; letters are lower case. */
  keys: string;
  /** What it does, in the reader's language. */
  label: string;
  run(): void;
}

interface Registry {
  add(shortcuts: Shortcut[]): () => void;
}

const Context = createContext<Registry | null>(null);

/** Whether keys are text now, or somebody else's. */
function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) {
    return false;
  }
  return (
    target.isContentEditable ||
    target.matches("input, textarea, select, [role=textbox], .cm-content") ||
    target.closest("[role=dialog]") !== null
  );
}

export function ShortcutsProvider({ children }: { children: ReactNode }) {
  const sets = useRef(new Set<Shortcut[]>());
  const [shown, setShown] = useState<Shortcut[] | null>(null);
  const registry = useMemo<Registry>(
    () => ({
      add(shortcuts) {
        sets.current.add(shortcuts);
        return () => sets.current.delete(shortcuts);
      },
    }),
    [],
  );
  useEffect(() => {
    let first = "";
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event)) {
        return;
      }
      const all = [...sets.current].toReversed().flat();
      if (event.key === "?") {
        setShown(all);
        return;
      }
      const keys = first === "" ? event.key : `${first} ${event.key}`;
      const found = all.find((shortcut) => shortcut.keys === keys);
      clearTimeout(timer);
      first = "";
      if (found) {
        event.preventDefault();
        found.run();
      } else if (all.some((shortcut) => shortcut.keys.startsWith(`${event.key} `))) {
        first = event.key;
        timer = setTimeout(() => {
          first = "";
        }, SECOND_KEY_MS);
      }
    };
    document.addEventListener("keydown", onKey);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("keydown", onKey);
    };
  }, []);
  return (
    <Context value={registry}>
      {children}
      {shown && (
        <Suspense>
          <ShortcutList shortcuts={shown} onClose={() => setShown(null)} />
        </Suspense>
      )}
    </Context>
  );
}

/**
 * Keys that work while the component is there; of two with the same keys the newer
 * one. Keep the list stable with `useMemo`.
 */
export function useShortcuts(shortcuts: Shortcut[]): void {
  const registry = useContext(Context);
  useEffect(() => registry?.add(shortcuts), [registry, shortcuts]);
}
