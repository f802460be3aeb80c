import type { Page } from "@/app/pages";

export const page: Page = {
  name: "credentials",
  area: "inventory",
  role: "operator",
  routes: [{ path: "inventory/credentials", load: () => import("./CredentialsPage") }],
};
