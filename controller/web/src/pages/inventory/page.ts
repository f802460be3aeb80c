import type { Page } from "@/app/pages";

export const page: Page = {
  name: "inventory",
  area: "inventory",
  routes: [{ path: "inventory", load: () => import("./InventoryPage") }],
};
