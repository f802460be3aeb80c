/** A unified diff, by sign and colour. */
import { useTranslation } from "react-i18next";
import classes from "./DiffText.module.css";

export function DiffText({ text, label }: { text: string; label: string }) {
  const { t } = useTranslation("shell");
  return (
    // A long text is scrolled by keys as well.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className={classes.diff} tabIndex={0} aria-label={label}>
      {numbered(text).map(({ key, line, kind }) => (
        <span key={key} className={classes.line} data-kind={kind}>
          {kind === "added" && <span className="visually-hidden">{t("diff.added")} </span>}
          {kind === "removed" && <span className="visually-hidden">{t("diff.removed")} </span>}
          {line === "" ? " " : line}
        </span>
      ))}
    </pre>
  );
}

export type LineKind = "added" | "removed" | "place" | "same";

/** What a line of a unified diff is. */
export function lineKind(line: string): LineKind {
  if (line.startsWith("+++") || line.startsWith("---") || line.startsWith("@@")) {
    return "place";
  }
  return line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : "same";
}

function numbered(text: string) {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line, index) => ({ key: `line ${index}`, line, kind: lineKind(line) }));
}
