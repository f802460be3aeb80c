/** Pictures of every page, light and dark, for people to look at: `make screenshots`. */
import { mkdirSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, it } from "vitest";
import { ask, BMC_COUNT, launch, open, signIn, until } from "./system";

const DIRECTORY = process.env.SCREENSHOTS ?? "screenshots";
const PAGES = [
  { name: "fleet", path: "/fleet", there: "role=listbox" },
  { name: "fleet-inlet", path: "/fleet?metric=inlet&by=model", there: "role=listbox" },
  { name: "servers", path: "/servers", there: "[aria-rowindex='2']" },
  { name: "server", path: "/servers/1", there: "tbody tr" },
  { name: "server-charts", path: "/servers/1?tab=charts&range=1h", there: "canvas" },
  { name: "server-alerts", path: "/servers/1?tab=alerts", there: "role=tabpanel" },
  { name: "server-details", path: "/servers/1?tab=details", there: "role=tabpanel" },
];

let browser: Browser;

beforeAll(async () => {
  mkdirSync(DIRECTORY, { recursive: true });
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const [language, locale] of [
    ["en", "en-GB"],
    ["zh", "zh-CN"],
  ] as const) {
    it(`${colorScheme} ${language}`, async () => {
      const { context, page } = await open(browser, { colorScheme, locale, reducedMotion: "reduce" });
      const shoot = (name: string) => page.screenshot({ path: `${DIRECTORY}/${name}-${colorScheme}-${language}.png` });
      await page.goto("/");
      await page.locator("form").waitFor();
      await shoot("login");
      await signIn(page);
      await until("values", async () => {
        const { states } = await ask<{ states: Record<string, number> }>(context, "GET", "fleet");
        return (states.unknown ?? BMC_COUNT) < BMC_COUNT || states.unknown === undefined;
      });
      for (const { name, path, there } of PAGES) {
        await page.goto(path);
        await page.locator(there).first().waitFor();
        await page.waitForLoadState("networkidle").catch(() => {});
        await shoot(name);
      }
      await context.close();
    });
  }
}
