/** Asks before something that cannot be undone, with its name and how much it is about. */
import { createContext, lazy, type ReactNode, Suspense, useCallback, useContext, useRef, useState } from "react";

const ConfirmDialog = lazy(() => import("./ConfirmDialog"));

export interface Question {
  /** What is going to happen, as a question. */
  title: string;
  /** What follows from it; names the object and how many are affected. */
  text: ReactNode;
  /** Word on the button. */
  action: string;
  /** Whether it destroys something. */
  isDangerous?: boolean;
  /** What has to be typed before, for what is grave. */
  typed?: string;
}

type Ask = (question: Question) => Promise<boolean>;

const Context = createContext<Ask>(() => Promise.resolve(false));

/** `if (await confirm({ … })) …` */
export function useConfirm(): Ask {
  return useContext(Context);
}

export function ConfirmProvider({ children }: { children: ReactNode }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const [isOpen, setOpen] = useState(false);
  const answer = useRef<(isSure: boolean) => void>(() => {});
  const ask = useCallback<Ask>((next) => {
    answer.current(false);
    setQuestion(next);
    setOpen(true);
    return new Promise((resolve) => {
      answer.current = resolve;
    });
  }, []);
  const close = useCallback((isSure: boolean) => {
    answer.current(isSure);
    answer.current = () => {};
    setOpen(false);
  }, []);
  return (
    <Context value={ask}>
      {children}
      {question && (
        <Suspense>
          <ConfirmDialog question={question} isOpen={isOpen} onAnswer={close} />
        </Suspense>
      )}
    </Context>
  );
}
