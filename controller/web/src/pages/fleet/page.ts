import type { Page } from "@/app/pages";

export const page: Page = {
  name: "fleet",
  area: "fleet",
  routes: [{ path: "fleet", load: () => import("./FleetPage") }],
};
