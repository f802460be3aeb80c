import "./app/styles/shell";
import "./app/styles.css";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { startLanguages } from "./i18n";

const root = document.querySelector("#root");
if (root) {
  await startLanguages();
  createRoot(root).render(<App />);
}
