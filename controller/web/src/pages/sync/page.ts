import type { Page } from "@/app/pages";

export const page: Page = {
  name: "sync",
  area: "sync",
  routes: [
    { path: "sync", load: () => import("./SyncPage") },
    { path: "sync/versions/:id", load: () => import("./VersionPage") },
  ],
};
