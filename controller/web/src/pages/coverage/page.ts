import type { Page } from "@/app/pages";

export const page: Page = {
  name: "coverage",
  area: "coverage",
  routes: [{ path: "coverage", load: () => import("./CoveragePage") }],
};
