/** The time, going on by itself. */
import { useEffect, useState } from "react";

const TICK_MS = 10_000;

/** Milliseconds since 1970, anew every ten seconds. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
