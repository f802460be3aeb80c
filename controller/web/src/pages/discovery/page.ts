import type { Page } from "@/app/pages";

export const page: Page = {
  name: "discovery",
  area: "inventory",
  role: "operator",
  routes: [
    { path: "inventory/discovery", load: () => import("./DiscoveryPage") },
    { path: "inventory/discovery/:id", load: () => import("./ScanPage") },
  ],
};
