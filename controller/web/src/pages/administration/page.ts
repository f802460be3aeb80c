import type { Page } from "@/app/pages";

export const page: Page = {
  name: "administration",
  area: "administration",
  routes: [{ path: "administration", load: () => import("./AdministrationPage") }],
};
