import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seriousFindings } from "./axe";
import { ask, launch, open, signIn, until } from "./system";

interface PageOf<T> {
  items: T[];
  total: number;
}
interface Alert {
  id: number;
  alertname: string;
  acknowledged_at: string | null;
  labels: Record<string, string>;
}

let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await launch();
  ({ context, page, complaints } = await open(browser));
  await signIn(page);
});

afterAll(async () => {
  await browser?.close();
});

/** Changes a server's monitoring, and with it the targets. */
async function addServer(name: string): Promise<{ id: number }> {
  return ask(context, "POST", "servers", { name, address: "192.0.2.78", monitoring_enabled: true });
}

describe("alerts", () => {
  it("arrive, are acknowledged and filtered by a click on a label", async () => {
    const alert = await until("an alert that nobody took notice of", async () => {
      const found = await ask<PageOf<Alert>>(context, "GET", "alerts?state=firing&acknowledged=false&limit=1");
      return found.items[0];
    });
    await page.goto(`/alerts/${alert.id}`);
    await page.getByRole("heading", { name: alert.alertname, level: 1 }).waitFor();
    await page.getByRole("button", { name: "Acknowledge" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(/Comment/).fill("<b>on it</b>");
    await dialog.getByRole("button", { name: "Acknowledge" }).click();
    await page.getByRole("region", { name: "What happened" }).getByText("<b>on it</b>").waitFor();
    const stored = await ask<Alert>(context, "GET", `alerts/${alert.id}`);
    expect(stored.acknowledged_at).not.toBeNull();
    await page.getByTitle(`Show only alertname=${alert.alertname}`).first().click();
    await page.getByRole("heading", { name: "Alerts", level: 1 }).waitFor();
    expect(new URL(page.url()).searchParams.get("match")).toBe(`alertname=${alert.alertname}`);
    // Others are not there.
    await page.getByRole("region", { name: alert.alertname }).waitFor();
    expect(await page.locator("main section").count()).toBe(1);
    await ask(context, "DELETE", `alerts/${alert.id}/acknowledge`);
  });

  it("lead to a silence with their labels", async () => {
    await page.goto("/alerts");
    const link = page.locator("main section").first().getByRole("link", { name: /Silence/ });
    const target = new URL((await link.getAttribute("href")) ?? "", page.url());
    expect(target.pathname).toBe("/silences");
    expect(target.searchParams.getAll("matcher").some((text) => text.startsWith("alertname="))).toBe(true);
  });

  it("are kept, with filters in the address", async () => {
    await page.goto("/alerts?view=history&range=all&state=firing");
    const total = (await ask<PageOf<Alert>>(context, "GET", "alerts?state=firing&limit=1")).total;
    expect(total).toBeGreaterThan(0);
    const table = page.getByRole("table", { name: "History" });
    await until("all rows", async () => Number(await table.getAttribute("aria-rowcount")) > 1);
    await page.getByRole("textbox", { name: "Search" }).fill("nothing has this in it");
    await page.getByText("No alerts in this selection").waitFor();
    expect(new URL(page.url()).searchParams.get("search")).toBe("nothing has this in it");
  });
});

describe("rules", () => {
  it("are refused while they are wrong, tried over past days, kept, and changed by others with a word about it", async () => {
    await page.goto("/rules/new");
    const name = "tried-by-browser";
    await page.getByLabel("Name of the group").fill(name);
    await page.getByLabel("Name of the alert").fill("TriedByBrowser");
    const expression = page.getByRole("textbox", { name: "Expression (PromQL)" });
    await expression.click();
    await page.keyboard.insertText("ipmi_fan_speed_rpm > (");
    await page.getByText("Not right yet").waitFor();
    const save = page.getByRole("button", { name: "Save" });
    expect(await save.isDisabled()).toBe(true);
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.insertText("ipmi_fan_speed_rpm >= 0");
    await page.getByText("Everything is right").waitFor();
    await page.getByLabel("Fires after").fill("1m");
    const test = page.getByRole("region", { name: "Back-test" });
    await test.getByRole("button", { name: "Test" }).click();
    await test.getByText(/It would (never )?have fired/).waitFor();
    await page.getByText("Everything is right").waitFor();
    await save.click();
    await page.getByRole("heading", { name, level: 1 }).waitFor();
    await until("the address of the group", async () => /\/rules\/\d+/.test(page.url()));
    const id = Number(/\/rules\/(\d+)/.exec(page.url())?.[1]);
    // Somebody else changes it while one writes.
    await page.getByLabel("Description").fill("mine");
    const group = await ask<Record<string, unknown>>(context, "GET", `rules/${id}`);
    const answer = await context.request.put(`/api/v1/rules/${id}`, {
      headers: { "X-Requested-By": "test", "If-Match": `"v${String(group.version)}"` },
      data: { name, description: "theirs", enabled: false, rules: group.rules },
    });
    expect(answer.status()).toBe(200);
    await page.getByText("Somebody else changed this group meanwhile").waitFor();
    await page.getByRole("button", { name: "Take what is stored, drop mine" }).click();
    await until("what is stored", async () => (await page.getByLabel("Description").inputValue()) === "theirs");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("heading", { name: "Rules", level: 1 }).waitFor();
  });
});

describe("coverage", () => {
  it("names a server that nobody asks, first, and says what to do", async () => {
    const added = await addServer("nobody-asks-me");
    await page.goto("/coverage");
    const row = page.getByRole("row", { name: /nobody-asks-me, breaks at: Credential/ });
    await row.getByText("Give it a credential profile").waitFor();
    await ask(context, "DELETE", `servers/${added.id}`);
    await row.waitFor({ state: "detached" });
  });
});

describe("sync", () => {
  it("says where everything stands, and what changed in a version", async () => {
    await page.goto("/sync");
    await page.getByRole("region", { name: /Rules at/ }).getByText("In sync").waitFor();
    await page.getByRole("button", { name: /Plan for Rules/ }).click();
    await page.getByText("Publishing now would change nothing.").waitFor();
    await page.getByRole("tab", { name: "Versions" }).click();
    await page.getByRole("row", { name: /^Version \d/ }).first().click();
    await page.getByRole("region", { name: "What changes" }).waitFor();
  });
});

const PAGES = [
  "/alerts",
  "/alerts?view=history",
  "/alerts?view=statistics",
  "/alerts?view=gaps",
  "/rules",
  "/rules/new",
  "/rules?view=overrides",
  "/rules?view=effective&server=1",
  "/sync",
  "/sync?view=versions",
  "/coverage",
];

describe("all of these pages", () => {
  it.each(["light", "dark"] as const)("are for everybody: %s, in both languages", async (scheme) => {
    for (const locale of ["en-GB", "zh-CN"]) {
      const other = await open(browser, { colorScheme: scheme, locale, reducedMotion: "reduce" });
      await signIn(other.page);
      for (const path of PAGES) {
        await other.page.goto(path);
        await other.page.locator("main h1").waitFor();
        await until(`the content of ${path}`, async () => (await other.page.locator("main [aria-busy=true], main [role=status][aria-label]").count()) === 0);
        expect(await seriousFindings(other.page), `${path} ${locale}`).toEqual([]);
      }
      expect(other.complaints).toEqual([]);
      await other.context.close();
    }
  });

  it("complain about nothing", () => {
    expect(complaints).toEqual([]);
  });
});
