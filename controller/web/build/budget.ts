import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** Bytes of scripts and styles, by gzip, that have to come before anything is shown. */
const FIRST_LOAD = 200 * 1024;

/** Refuses a build whose first load is too large: then something has to be loaded lazily. */
export function budget(): Plugin {
  return {
    name: "budget",
    apply: "build",
    writeBundle(_, bundle) {
      const wanted = new Set<string>();
      const add = (name: string) => {
        const file = bundle[name];
        if (file === undefined || wanted.has(name)) {
          return;
        }
        wanted.add(name);
        if (file.type === "chunk") {
          file.imports.forEach(add);
          file.viteMetadata?.importedCss.forEach(add);
        }
      };
      for (const [name, file] of Object.entries(bundle)) {
        if (file.type === "chunk" && file.isEntry) {
          add(name);
        }
      }
      let total = 0;
      for (const name of wanted) {
        const file = bundle[name];
        if (file !== undefined) {
          total += gzipSync(file.type === "chunk" ? file.code : file.source, { level: 9 }).length;
        }
      }
      const text = `first load: ${(total / 1024).toFixed(1)} kB by gzip in ${wanted.size} files`;
      if (total > FIRST_LOAD) {
        this.error(`${text}, more than ${FIRST_LOAD / 1024} kB`);
      }
      this.info(text);
    },
  };
}
