import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Tests with a browser against a running system, which `scripts/web-e2e.sh` starts. */
export default defineConfig({
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  test: {
    environment: "node",
    include: process.env.SCREENSHOTS ? ["e2e/screenshots.ts"] : ["e2e/**/*.e2e.ts"],
    fileParallelism: false,
    reporters: "verbose",
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
