import type { Page } from "@/app/pages";

export const page: Page = {
  name: "audit",
  area: "administration",
  role: "admin",
  routes: [{ path: "administration/audit", load: () => import("./AuditPage") }],
};
