import type { Page } from "@/app/pages";

export const page: Page = {
  name: "setup",
  area: "administration",
  role: "admin",
  routes: [{ path: "setup", load: () => import("./SetupPage") }],
};
