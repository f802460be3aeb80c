import type { Page } from "@/app/pages";

export const page: Page = {
  name: "tokens",
  area: "administration",
  routes: [{ path: "administration/tokens", load: () => import("./TokensPage") }],
};
