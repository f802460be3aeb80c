/** Two texts beside each other, with what differs; loaded when it is needed. */
import { MergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { NONCE } from "@/app/nonce";
import classes from "./Code.module.css";

export default function Compare({ before, after, labels }: { before: string; after: string; labels: [string, string] }) {
  const parent = useRef<HTMLDivElement>(null);
  const [first, second] = labels;
  useEffect(() => {
    if (!parent.current) {
      return;
    }
    const extensions = (label: string) => [
      EditorView.cspNonce.of(NONCE),
      EditorView.lineWrapping,
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
      EditorView.theme({ "&": { fontSize: "12px" } }),
    ];
    const view = new MergeView({
      parent: parent.current,
      a: { doc: before, extensions: extensions(first) },
      b: { doc: after, extensions: extensions(second) },
      collapseUnchanged: { margin: 2, minSize: 6 },
    });
    return () => view.destroy();
  }, [before, after, first, second]);
  return <div ref={parent} className={classes.editor} />;
}
