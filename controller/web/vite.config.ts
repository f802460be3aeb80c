import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { budget } from "./build/budget.ts";
import { compress } from "./build/compress.ts";

/** Where a controller answers while one works on the page; see README.md. */
const CONTROLLER = process.env.CONTROLLER_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), budget(), compress()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  // The controller puts a nonce of its own into each answer: see page/mod.rs.
  html: { cspNonce: "__CSP_NONCE__" },
  build: {
    outDir: "dist/page",
    emptyOutDir: true,
    target: "es2023",
    // Files inside of scripts would need data: in the policy.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: { "/api": CONTROLLER, "/-": CONTROLLER },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test/setup.ts"],
  },
});
