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
  const ahead = Date.parse(at) - now;
  // What happened since the last tick is of now, and not in some seconds.
  const reference = ahead > 0 && ahead < TICK_MS ? now + ahead : now;
  const text = { full: format.time, short: format.shortTime, relative: (when: string) => format.relative(when, reference) }[form](at);
  const more = form === "full" ? format.utc(at) : `${format.time(at)} · ${format.utc(at)}`;
  return (
    <Tooltip label={more}>
      <time dateTime={at} className="number">
        {text}
      </time>
    </Tooltip>
  );
}
