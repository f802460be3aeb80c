import type { Page } from "@/app/pages";

export const page: Page = {
  name: "alerts",
  area: "alerts",
  routes: [
    { path: "alerts", load: () => import("./AlertsPage") },
    { path: "alerts/:id", load: () => import("./AlertPage") },
  ],
};
