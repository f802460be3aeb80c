import type { Page } from "@/app/pages";

export const page: Page = {
  name: "servers",
  area: "servers",
  routes: [
    { path: "servers", load: () => import("./ServersPage") },
    { path: "servers/:id", load: () => import("./ServerPage") },
  ],
};
