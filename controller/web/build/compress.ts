import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** Ends of names of files that get smaller. */
const TEXT = [".js", ".css", ".svg", ".json"];
/** Smaller ones fit into one packet anyway. */
const LEAST_BYTES = 1024;

/**
 * Compresses the built files once, as well as can be, so that the controller does
 * not do it for each request. The names are those that `page/files.rs` looks for.
 */
export function compress(): Plugin {
  let directory = "";
  return {
    name: "compress",
    apply: "build",
    configResolved(config) {
      directory = config.build.outDir;
    },
    closeBundle() {
      for (const path of files(directory)) {
        const bytes = readFileSync(path);
        if (bytes.length < LEAST_BYTES || !TEXT.some((end) => path.endsWith(end))) {
          continue;
        }
        const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
        writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: quality }));
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

function files(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}
