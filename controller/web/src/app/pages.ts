/**
 * All pages. A page is a folder of `src/pages` with a file `page.ts` that gives its
 * description as `page`; nothing else has to know of it.
 */
import type { ComponentType } from "react";
import type { Role } from "@/api/session";
import type { Area } from "./areas";

export interface Page {
  /** Folder, and namespace of the catalogues. */
  name: string;
  /** Which place of the navigation it belongs to. */
  area: Area;
  /** Who sees it at all; everybody when absent. */
  role?: Role;
  /** What is shown at which path below `/`. Each module is a file of its own in the build. */
  routes: {
    path: string;
    load: () => Promise<{ default: ComponentType }>;
  }[];
}

const MODULES = import.meta.glob<{ page: Page }>("../pages/*/page.ts", { eager: true });

export const PAGES: Page[] = Object.values(MODULES).map((module) => module.page);

/** Places of which there is a page, with the role that is needed. */
export const PRESENT_AREAS: ReadonlyMap<Area, Role> = PAGES.reduce((areas, page) => {
  const known = areas.get(page.area);
  const role = page.role ?? "viewer";
  // The least role of any of its pages.
  const order: Role[] = ["viewer", "operator", "admin"];
  if (known === undefined || order.indexOf(role) < order.indexOf(known)) {
    areas.set(page.area, role);
  }
  return areas;
}, new Map<Area, Role>());
