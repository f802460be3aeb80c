import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { LANGUAGES } from ".";

const SOURCE = join(import.meta.dirname, "..");

function files(directory: string, fits: (name: string) => boolean): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      return files(path, fits);
    }
    return fits(entry.name) ? [path] : [];
  });
}

function keys(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) {
    return [path];
  }
  return Object.entries(value).flatMap(([key, inner]) => keys(inner, path ? `${path}.${key}` : key));
}

function texts(value: unknown): string[] {
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [String(value)];
}

const read = (path: string) => JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
const folders = [
  ...new Set(
    [...files(join(SOURCE, "i18n"), isCatalogue), ...files(join(SOURCE, "pages"), isCatalogue)].map((path) => dirname(path)),
  ),
];

function isCatalogue(name: string): boolean {
  return Object.keys(LANGUAGES).some((language) => name === `${language}.json`);
}

/** Values that a text has places for. */
function places(text: string): string[] {
  return [...new Set(text.match(/\{\{\s*\w+/g) ?? [])].toSorted();
}

describe("catalogues", () => {
  it.each(folders)("%s has the same keys in all languages", (folder) => {
    const [first, ...others] = Object.keys(LANGUAGES).map((language) => keys(read(join(folder, `${language}.json`))).toSorted());
    for (const other of others) {
      expect(other).toEqual(first);
    }
  });

  it.each(folders)("%s has no empty text, and the same places for values", (folder) => {
    const [en, zh] = ["en", "zh"].map((language) => texts(read(join(folder, `${language}.json`))));
    for (const [index, text] of (en ?? []).entries()) {
      expect(text.trim()).not.toBe("");
      expect(places(zh?.[index] ?? "")).toEqual(places(text));
    }
  });

  it("has every text that the pages ask for", () => {
    const missing: string[] = [];
    for (const path of files(SOURCE, (name) => /\.tsx?$/.test(name) && !name.includes(".test."))) {
      const source = readFileSync(path, "utf8");
      // The first namespace of the file is that of `t`; one more is asked by its own name.
      const namespace = /\bt\b[^=\n]*\} = useTranslation\("(\w+)"/.exec(source)?.[1];
      if (namespace === undefined) {
        continue;
      }
      const folder = folders.find((candidate) => candidate.endsWith(`/${namespace}`));
      if (folder === undefined) {
        missing.push(`${path}: there is no catalogue ${namespace}`);
        continue;
      }
      const known = new Set(keys(read(join(folder, "en.json"))).map((key) => key.replace(/_(one|other)$/, "")));
      for (const [, key] of source.matchAll(/(?<![\w.])t\("([\w.]+)"/g)) {
        if (key !== undefined && !known.has(key)) {
          missing.push(`${path}: ${namespace}:${key}`);
        }
      }
    }
    expect(missing).toEqual([]);
  });
});
