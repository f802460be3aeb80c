/** Numbers and times in the reader's language and zone. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { currentLanguage, LANGUAGES } from ".";

const DAY_MS = 24 * 3600 * 1000;

/** Units of `Intl.RelativeTimeFormat`, the greatest first, with their seconds. */
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

export interface Format {
  /** A whole number or one with at most so many decimals. */
  number(value: number, decimals?: number): string;
  /** A value of a sensor: three or four significant digits. */
  reading(value: number): string;
  /** Share of one, as per cent. */
  percent(value: number): string;
  /** Bytes, in powers of 1024. */
  bytes(value: number): string;
  /** Date and time in the reader's zone, 24 hours. */
  time(at: Date | string | number): string;
  /** The time alone when it is of the last 24 hours, else with its date. */
  shortTime(at: Date | string | number): string;
  /** The same moment in UTC. */
  utc(at: Date | string | number): string;
  /** How long ago, or in how long. */
  relative(at: Date | string | number, now?: number): string;
  /** How long something lasts. */
  duration(seconds: number): string;
}

export function makeFormat(tag: string): Format {
  const whole = { hourCycle: "h23" } as const;
  const dateTime = new Intl.DateTimeFormat(tag, {
    ...whole,
    dateStyle: "medium",
    timeStyle: "medium",
  });
  const dayTime = new Intl.DateTimeFormat(tag, {
    ...whole,
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
  const clock = new Intl.DateTimeFormat(tag, {
    ...whole,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: "auto", style: "short" });
  const significant = new Intl.NumberFormat(tag, { maximumSignificantDigits: 4 });
  const percent = new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: 1 });
  const unit = (value: number, name: string) =>
    new Intl.NumberFormat(tag, {
      style: "unit",
      unit: name,
      unitDisplay: "short",
      maximumFractionDigits: value < 10 ? 1 : 0,
    }).format(value);
  return {
    number: (value, decimals = 0) =>
      new Intl.NumberFormat(tag, { maximumFractionDigits: decimals }).format(value),
    reading: (value) =>
      Math.abs(value) >= 1000
        ? new Intl.NumberFormat(tag, { maximumFractionDigits: 0 }).format(value)
        : significant.format(value),
    percent: (value) => percent.format(value),
    bytes: (value) => {
      const names = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
      let step = 0;
      let rest = value;
      while (rest >= 1024 && step < names.length - 1) {
        rest /= 1024;
        step += 1;
      }
      return unit(rest, names[step] ?? "byte");
    },
    time: (at) => dateTime.format(new Date(at)),
    shortTime: (at) => {
      const date = new Date(at);
      const isRecent = Math.abs(Date.now() - date.getTime()) < DAY_MS;
      return (isRecent ? clock : dayTime).format(date);
    },
    utc: (at) => `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`,
    relative: (at, now = Date.now()) => {
      const seconds = Math.round((new Date(at).getTime() - now) / 1000);
      for (const [name, length] of UNITS) {
        if (Math.abs(seconds) >= length || name === "second") {
          return relative.format(Math.trunc(seconds / length), name);
        }
      }
      return "";
    },
    duration: (seconds) => {
      for (const [name, length] of UNITS) {
        if (seconds >= length || name === "second") {
          return unit(seconds / length, name);
        }
      }
      return "";
    },
  };
}

/** The format of the language that is shown. */
export function useFormat(): Format {
  const { i18n } = useTranslation();
  // The language is what it depends on, though not by name.
  const { language } = i18n;
  return useMemo(() => makeFormat(LANGUAGES[currentLanguage()].tag ?? language), [language]);
}
