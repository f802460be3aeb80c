import type { Page } from "@/app/pages";

export const page: Page = {
  name: "imports",
  area: "inventory",
  role: "operator",
  routes: [{ path: "inventory/import", load: () => import("./ImportPage") }],
};
