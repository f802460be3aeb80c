import type { Page } from "@/app/pages";

export const page: Page = {
  name: "backups",
  area: "administration",
  role: "admin",
  routes: [{ path: "administration/backups", load: () => import("./BackupsPage") }],
};
