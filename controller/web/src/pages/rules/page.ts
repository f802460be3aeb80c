import type { Page } from "@/app/pages";

export const page: Page = {
  name: "rules",
  area: "rules",
  routes: [
    { path: "rules", load: () => import("./RulesPage") },
    { path: "rules/:id", load: () => import("./RuleGroupPage") },
  ],
};
