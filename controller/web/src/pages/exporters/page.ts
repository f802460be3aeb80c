import type { Page } from "@/app/pages";

export const page: Page = {
  name: "exporters",
  area: "inventory",
  routes: [{ path: "inventory/exporters", load: () => import("./ExportersPage") }],
};
