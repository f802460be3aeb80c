/** CodeMirror in the page's colours. Names of metrics and labels come from Prometheus. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, defaultHighlightStyle, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useComputedColorScheme } from "@mantine/core";
import { PromQLExtension } from "@prometheus-io/codemirror-promql";
import { useEffect, useRef } from "react";
import { NONCE } from "@/app/nonce";
import { api, take } from "@/api/client";
import classes from "./Code.module.css";

export interface CodeProps {
  label: string;
  language: "promql" | "yaml";
  value: string;
  onChange?(value: string): void;
  isWrong?: boolean;
}

const dark = HighlightStyle.define([
  { tag: tags.keyword, color: "#ff9ac1" },
  { tag: [tags.string, tags.special(tags.string)], color: "#9fdcae" },
  { tag: [tags.number, tags.bool, tags.null], color: "#f5b94a" },
  { tag: [tags.propertyName, tags.definition(tags.propertyName), tags.labelName], color: "#8cc8ff" },
  { tag: [tags.function(tags.variableName), tags.modifier], color: "#d1b3ff" },
  { tag: tags.comment, color: "#aab2bd" },
]);

const theme = EditorView.theme({
  "&": { fontSize: "13px", backgroundColor: "transparent" },
  ".cm-content": { fontFamily: "var(--mantine-font-family-monospace)", caretColor: "currentColor", padding: "8px 0" },
  ".cm-gutters": { backgroundColor: "transparent", border: "none", color: "var(--mantine-color-dimmed)" },
  ".cm-cursor": { borderLeftColor: "currentColor" },
  "&.cm-focused": { outline: "none" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "inherit", border: "1px solid var(--mantine-color-default-border)" },
});

/** Most names that are offered. */
const MAX_NAMES = 5000;

/** Values of a label that somebody may see. */
async function names(label: string): Promise<string[]> {
  const answer = (await take(
    api.GET("/api/v1/monitoring/prometheus/label/{name}/values", { params: { path: { name: label } } }),
  )) as unknown as { data?: string[] };
  return (answer.data ?? []).slice(0, MAX_NAMES);
}

/** Nothing is offered where nothing can be asked. */
function quiet(label: string): Promise<string[]> {
  return names(label).catch((): string[] => []);
}

/** Completion asks the controller, which shows everybody only what is theirs to see. */
function promql(): Extension {
  const remote = {
    labelNames: async () => {
      const answer = (await take(api.GET("/api/v1/monitoring/prometheus/labels")).catch(() => undefined)) as unknown as
        | { data?: string[] }
        | undefined;
      return answer?.data ?? [];
    },
    labelValues: quiet,
    metricMetadata: () => Promise.resolve({}),
    series: () => Promise.resolve([]),
    metricNames: () => quiet("__name__"),
    flags: () => Promise.resolve({}),
    destroy() {},
  };
  // The controller judges the expression, in words for the field.
  return new PromQLExtension().activateLinter(false).setComplete({ remote }).asExtension();
}

function highlighting(scheme: "light" | "dark"): Extension {
  return syntaxHighlighting(scheme === "dark" ? dark : defaultHighlightStyle);
}

export default function Code({ label, language, value, onChange, isWrong }: CodeProps) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const changed = useRef(onChange);
  const start = useRef(value);
  const scheme = useComputedColorScheme("light");
  const colours = useRef(new Compartment());
  const initialScheme = useRef(scheme);
  const isReadOnly = onChange === undefined;
  useEffect(() => {
    changed.current = onChange;
  }, [onChange]);
  useEffect(() => {
    if (!parent.current) {
      return;
    }
    const editor = new EditorView({
      parent: parent.current,
      state: EditorState.create({
        doc: start.current,
        extensions: [
          EditorView.cspNonce.of(NONCE),
          theme,
          colours.current.of(highlighting(initialScheme.current)),
          history(),
          bracketMatching(),
          closeBrackets(),
          autocompletion(),
          // The tabulator goes on to the next field, as everywhere on the page.
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label }),
          EditorState.readOnly.of(isReadOnly),
          EditorView.editable.of(!isReadOnly),
          ...(language === "yaml" ? [yaml(), lineNumbers()] : [promql()]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) {
              changed.current?.(update.state.doc.toString());
            }
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      start.current = editor.state.doc.toString();
      editor.destroy();
      view.current = null;
    };
  }, [label, language, isReadOnly]);
  useEffect(() => {
    view.current?.dispatch({ effects: colours.current.reconfigure(highlighting(scheme)) });
  }, [scheme]);
  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    }
  }, [value]);
  return <div ref={parent} className={classes.editor} data-wrong={isWrong || undefined} data-language={language} />;
}
