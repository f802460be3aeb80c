import "./app/styles/shell";
import "./app/styles.css";
import { setNonce } from "get-nonce";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { NONCE } from "./app/nonce";
import { startLanguages } from "./i18n";

// For what dialogs add while the page behind them must not scroll.
setNonce(NONCE);

const root = document.querySelector("#root");
if (root) {
  await startLanguages();
  createRoot(root).render(<App />);
}
