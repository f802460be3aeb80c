import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seriousFindings } from "./axe";
import { ADMIN, ask, BMC_COUNT, launch, open, signIn, until } from "./system";

interface Overview {
  total: number;
  states: Record<string, number>;
}

let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await launch();
  ({ context, page, complaints } = await open(browser));
  await signIn(page);
  // Every machine was read once.
  await until("values of all machines", async () => {
    const { total, states } = await ask<Overview>(context, "GET", "fleet");
    return total >= BMC_COUNT && (states.unknown ?? 0) === 0;
  });
});

afterAll(async () => {
  await browser?.close();
});

describe("the log-in", () => {
  it("refuses a wrong password, and lets in with the right one", async () => {
    const other = await open(browser);
    await other.page.goto("/servers?sort=name");
    await other.page.getByLabel("User name").fill(ADMIN.username);
    await other.page.getByLabel("Password", { exact: true }).fill("nonsense");
    await other.page.getByRole("button", { name: "Sign in" }).click();
    await other.page.getByRole("alert").getByText("User name or password is wrong.").waitFor();
    await other.page.getByLabel("Password", { exact: true }).fill(ADMIN.password);
    await other.page.keyboard.press("Enter");
    // Where somebody wanted to go, they are.
    await other.page.getByRole("heading", { name: "Servers", level: 1 }).waitFor();
    expect(new URL(other.page.url()).search).toBe("?sort=name");
    await other.context.close();
  });

  it("says when to try again after too many tries", async () => {
    const other = await open(browser);
    await other.page.goto("/");
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await other.page.getByLabel("User name").fill("somebody");
      await other.page.getByLabel("Password", { exact: true }).fill("nonsense");
      const answer = other.page.waitForResponse("**/api/v1/auth/session");
      await other.page.keyboard.press("Enter");
      await answer;
    }
    await other.page.getByRole("alert").getByText(/Too many failed tries. Try again in \d+ second/).waitFor();
    expect(await other.page.getByRole("button", { name: "Sign in" }).isDisabled()).toBe(true);
    await other.context.close();
  });

  it("is in a cookie that no script reads, and nowhere else", async () => {
    const cookie = (await context.cookies()).find(({ name }) => name === "ipmi_session");
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
    const seen = await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }));
    expect(seen).not.toContain(cookie?.value);
    expect(seen).not.toContain("ipmi_session");
  });

  it("is asked for again when it has ended, at the same place", async () => {
    const other = await open(browser);
    await signIn(other.page);
    await other.page.goto("/servers");
    await other.page.getByRole("heading", { name: "Servers", level: 1 }).waitFor();
    await ask(other.context, "POST", "auth/logout");
    await other.page.keyboard.press(".");
    await other.page.getByText("Your log-in has ended.").waitFor();
    expect(new URL(other.page.url()).pathname).toBe("/servers");
    await other.context.close();
  });
});

describe("the fleet", () => {
  it("counts every server in one state, and the counts are filters", async () => {
    await page.goto("/fleet");
    const overview = await ask<Overview>(context, "GET", "fleet");
    const counts = page.getByRole("group", { name: "Servers by state" });
    await counts.getByRole("button").first().waitFor();
    // A fan of the first machine dies when the system starts.
    expect(overview.states.critical).toBeGreaterThan(0);
    const total = await until("counts of all servers", async () => {
      const texts = await counts.getByRole("button").allInnerTexts();
      const sum = texts.reduce((all, text) => all + Number(/\d+/.exec(text)?.[0] ?? 0), 0);
      return sum === overview.total && sum;
    });
    expect(total).toBe(BMC_COUNT);
    await counts.getByRole("button", { name: "Critical" }).click();
    expect(new URL(page.url()).searchParams.get("state")).toBe("critical");
    await page.goBack();
    expect(new URL(page.url()).searchParams.get("state")).toBeNull();
  });

  it("has a map that the keyboard reaches, and that opens servers", async () => {
    await page.goto("/fleet");
    const map = page.getByRole("listbox", { name: /Map of the fleet/ });
    await map.waitFor();
    await map.focus();
    const cell = map.getByRole("option");
    const first = await cell.textContent();
    await page.keyboard.press("ArrowRight");
    await until("the next cell", async () => (await cell.textContent()) !== first);
    const [name = ""] = ((await cell.textContent()) ?? "").split(",");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name, level: 1 }).waitFor();
  });

  it("shows a change as it happens", async () => {
    await page.goto("/servers?search=just-added");
    await page.getByText("Nothing matches the filters").waitFor();
    const name = "just-added <b onclick=alert(1)>";
    const added = await ask<{ id: number }>(context, "POST", "servers", {
      name,
      address: "192.0.2.77",
      monitoring_enabled: false,
    });
    // Names are text, whatever they look like.
    await page.getByRole("row", { name }).getByText(name).waitFor();
    await ask(context, "DELETE", `servers/${added.id}`);
    await page.getByText("Nothing matches the filters").waitFor();
  });
});

describe("the list of servers", () => {
  it("is sorted by the controller, and the order is in the address", async () => {
    await page.goto("/servers");
    const table = page.getByRole("table", { name: "Servers" });
    await table.getByRole("button", { name: "Name" }).click();
    const expected = await ask<{ items: { name: string }[] }>(context, "GET", "fleet/servers?sort=name&limit=1");
    const first = table.locator("[aria-rowindex='2']");
    await until("the first by name", async () => (await first.getAttribute("aria-label")) === expected.items[0]?.name);
    expect(new URL(page.url()).searchParams.get("sort")).toBe("name");
    await first.focus();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByRole("tab", { name: "Sensors" }).waitFor();
  });
});

describe("a server", () => {
  it("shows every sensor that it has", async () => {
    const sensors = await ask<{ name: string }[]>(context, "GET", "monitoring/servers/1/sensors");
    expect(sensors.length).toBeGreaterThan(3);
    await page.goto("/servers/1");
    for (const { name } of sensors.slice(0, 5)) {
      await page.getByRole("cell", { name }).first().waitFor();
    }
    const rows = await page.locator("tbody tr").count();
    expect(rows).toBe(sensors.length);
  });

  it("shows their course as a chart and as a table", async () => {
    await page.goto("/servers/1?tab=charts&range=1h");
    await page.locator("canvas").first().waitFor();
    await page.getByRole("button", { name: "Show as table" }).first().click();
    await page.getByRole("columnheader", { name: "Time" }).waitFor();
  });

  it("that is not there is said to be missing", async () => {
    await page.goto("/servers/999999");
    await page.getByRole("alert").getByText("Not found").waitFor();
  });
});

describe("who is limited to a group", () => {
  it("sees its servers only", async () => {
    const group = await ask<{ id: number }>(context, "POST", "groups", { name: "one-rack" });
    const server = await ask<Record<string, unknown>>(context, "GET", "servers/1");
    const { id: _id, version: _version, created_at: _created, updated_at: _updated, ...body } = server;
    await ask(context, "PUT", "servers/1", { ...body, group_id: group.id });
    const user = { username: "limited", password: "limited to one rack" };
    await ask(context, "POST", "users", { ...user, role: "viewer", group_ids: [group.id] });
    const other = await open(browser);
    await signIn(other.page, user);
    await other.page.goto("/servers");
    await other.page.getByText("1 row", { exact: true }).waitFor();
    await other.page.goto("/servers/2");
    await other.page.getByRole("alert").getByText("Not found").waitFor();
    await other.page.goto("/servers/1");
    await other.page.getByRole("tab", { name: "Sensors" }).waitFor();
    // Reading now is for operators.
    expect(await other.page.getByRole("button", { name: "Read now" }).count()).toBe(0);
    await other.context.close();
  });
});

describe("the whole page", () => {
  it("changes its language without being loaded anew", async () => {
    const other = await open(browser);
    await signIn(other.page);
    await other.page.goto("/fleet");
    await other.page.evaluate("window.stillHere = true");
    await other.page.getByRole("button", { name: "Language" }).click();
    await other.page.getByRole("menuitem", { name: "中文" }).click();
    await other.page.getByRole("heading", { name: "机群", level: 1 }).waitFor();
    expect(await other.page.evaluate("window.stillHere")).toBe(true);
    expect(await other.page.getAttribute("html", "lang")).toBe("zh-CN");
    await other.page.reload();
    await other.page.getByRole("heading", { name: "机群", level: 1 }).waitFor();
    await other.context.close();
  });

  it("is dark where the system is, and where somebody wants it", async () => {
    const dark = await open(browser, { colorScheme: "dark" });
    await dark.page.goto("/");
    expect(await dark.page.getAttribute("html", "data-mantine-color-scheme")).toBe("dark");
    await dark.context.close();
    const light = await open(browser, { colorScheme: "light" });
    await signIn(light.page);
    await light.page.keyboard.press("t");
    await light.page.locator("html[data-mantine-color-scheme=dark]").waitFor();
    await light.page.reload();
    expect(await light.page.getAttribute("html", "data-mantine-color-scheme")).toBe("dark");
    await light.context.close();
  });

  it("finds servers in the palette, and lists its keys", async () => {
    await page.goto("/fleet");
    await page.getByRole("heading", { level: 1 }).waitFor();
    const { items } = await ask<{ items: { name: string }[] }>(context, "GET", "servers?limit=1");
    const name = items[0]?.name ?? "";
    await page.keyboard.press("Control+k");
    await page.getByPlaceholder("Page, command, server name or address").fill(name);
    await page.getByRole("dialog").getByText(name, { exact: true }).click();
    await page.getByRole("heading", { name, level: 1 }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).getByText("Go to Fleet").waitFor();
    await page.keyboard.press("Escape");
  });

  it("works on a phone", async () => {
    const phone = await open(browser, { viewport: { width: 390, height: 800 } });
    await phone.page.goto("/");
    await phone.page.locator("input[autocomplete=username]").fill(ADMIN.username);
    await phone.page.locator("input[autocomplete=current-password]").fill(ADMIN.password);
    await phone.page.keyboard.press("Enter");
    await phone.page.getByRole("button", { name: "Menu" }).click();
    await phone.page.getByRole("link", { name: "Servers" }).first().click();
    await phone.page.getByRole("heading", { name: "Servers", level: 1 }).waitFor();
    const overflow = await phone.page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(overflow).toBeLessThanOrEqual(0);
    await phone.context.close();
  });
});

/** Every page, with what shows that it is there. */
const PAGES = [
  { path: "/fleet", there: "role=listbox" },
  { path: "/servers", there: "[aria-rowindex='2']" },
  { path: "/servers/1", there: "tbody tr" },
  { path: "/servers/1?tab=charts", there: "canvas" },
  { path: "/servers/1?tab=alerts", there: "role=tabpanel" },
  { path: "/servers/1?tab=details", there: "role=tabpanel" },
  { path: "/nowhere", there: "role=main" },
];

describe("nobody is kept out", () => {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const locale of ["en-GB", "zh-CN"]) {
      it(`in ${locale}, ${colorScheme}`, async () => {
        const other = await open(browser, { colorScheme, locale, reducedMotion: "reduce" });
        await other.page.goto("/");
        await other.page.locator("form").waitFor();
        const findings = (await seriousFindings(other.page)).map((finding) => `log-in: ${finding}`);
        await signIn(other.page);
        for (const { path, there } of PAGES) {
          await other.page.goto(path);
          await other.page.locator(there).first().waitFor();
          findings.push(...(await seriousFindings(other.page)).map((finding) => `${path}: ${finding}`));
        }
        expect(findings).toEqual([]);
        // Nothing failed, and the policy of the page had nothing to forbid.
        expect(other.complaints).toEqual([]);
        await other.context.close();
      });
    }
  }

  it("and nothing was complained about on the way", () => {
    expect(complaints).toEqual([]);
  });
});
