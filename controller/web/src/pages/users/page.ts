import type { Page } from "@/app/pages";

export const page: Page = {
  name: "users",
  area: "administration",
  role: "admin",
  routes: [{ path: "administration/users", load: () => import("./UsersPage") }],
};
