import type { Page } from "@/app/pages";

export const page: Page = {
  name: "groups",
  area: "inventory",
  routes: [{ path: "inventory/groups", load: () => import("./GroupsPage") }],
};
