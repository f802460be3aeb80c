/** A moment in the reader's zone, with UTC under the pointer. */
import { Tooltip } from "@mantine/core";
import { useEffect, useState } from "react";
import { useFormat } from "@/i18n/format";

const TICK_MS = 10_000;

/** `form="relative"` counts on by itself: "3 min ago". */
export function Moment({ at, form = "full" }: { at: string | null | undefined; form?: "full" | "short" | "relative" }) {
  const format = useFormat();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (form !== "relative") {
      return;
    }
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [form]);
  if (!at) {
    return <span>–</span>;
  }
  const text = { full: format.time, short: format.shortTime, relative: (when: string) => format.relative(when, Math.max(now, Date.now())) }[form](at);
  const more = form === "full" ? format.utc(at) : `${format.time(at)} · ${format.utc(at)}`;
  return (
    <Tooltip label={more}>
      <time dateTime={at} className="number">
        {text}
      </time>
    </Tooltip>
  );
}
