import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seriousFindings } from "./axe";
import { ask, launch, open, signIn, until } from "./system";

interface User {
  id: number;
  username: string;
  group_ids: number[] | null;
}

let browser: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  browser = await launch();
  ({ context, page } = await open(browser));
  await signIn(page);
});

afterAll(async () => {
  await browser?.close();
});

describe("users", () => {
  it("are made with a role and groups, may sign in, and are deleted", async () => {
    const password = "a long enough password";
    await page.goto("/administration/users");
    await page.getByRole("button", { name: "Add a user" }).click();
    const form = page.getByRole("dialog");
    await form.getByRole("textbox", { name: "User name" }).fill("made-by-hand");
    await form.locator("input[autocomplete=new-password]").fill(password);
    await form.getByRole("radio", { name: "Operator" }).check();
    await form.getByRole("button", { name: "Save" }).click();
    await page.getByRole("row", { name: "made-by-hand" }).getByText("Operator").waitFor();
    const other = await open(browser);
    await signIn(other.page, { username: "made-by-hand", password });
    await other.page.goto("/administration");
    await other.page.getByRole("heading", { name: "Administration", level: 1 }).waitFor();
    expect(await other.page.getByRole("link", { name: "Users" }).count()).toBe(0);
    await other.context.close();
    await page.getByRole("button", { name: "Delete: made-by-hand" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await until("the end of the user", async () => {
      const { items } = await ask<{ items: User[] }>(context, "GET", "users?search=made-by-hand");
      return items.length === 0;
    });
  });
});

describe("tokens", () => {
  it("are shown once, do what they are limited to, and end when they are taken back", async () => {
    await page.goto("/administration/tokens");
    await page.getByRole("button", { name: "Make a token" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("for-a-script");
    await dialog.getByLabel("Limited to").first().click();
    await page.getByRole("option", { name: "servers:read" }).click();
    await page.keyboard.press("Escape");
    await dialog.getByRole("button", { name: "Make it" }).click();
    const token = (await dialog.getByLabel("Text of the token", { exact: true }).innerText()).trim();
    await dialog.getByRole("button", { name: "I have copied it" }).click();
    expect(await page.content()).not.toContain(token);
    const program = await browser.newContext({ baseURL: page.url(), extraHTTPHeaders: { Authorization: `Bearer ${token}` } });
    const status = async (path: string) => (await program.request.get(path)).status();
    expect(await status("/api/v1/servers")).toBe(200);
    expect(await status("/api/v1/users")).toBe(403);
    await page.getByRole("button", { name: "Take back: for-a-script" }).click();
    await dialog.getByRole("button", { name: "Take back" }).click();
    await until("the refusal of the token", async () => (await status("/api/v1/servers")) === 401);
    await program.close();
  });
});

describe("the audit trail", () => {
  it("is filtered, opened and verified", async () => {
    const group = await ask<{ id: number }>(context, "POST", "groups", { name: "for-the-trail" });
    await ask(context, "DELETE", `groups/${group.id}`);
    await page.goto(`/administration/audit?action=group.delete&resource=groups/${group.id}`);
    await page.getByRole("row", { name: /group\.delete/ }).click();
    await page.getByRole("dialog").getByText("for-the-trail").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Verify" }).click();
    await page.getByText("The trail is whole").waitFor();
  });
});

describe("the guided set-up", () => {
  it("knows what is there already, and tests the connections", async () => {
    await page.goto("/setup");
    await page.getByRole("button", { name: "It stays as it is" }).click();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByRole("heading", { name: "Connections" }).waitFor();
    await page.getByRole("button", { name: "Test now" }).click();
    await page.getByText("Answers").first().waitFor();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText(/There (is|are) \d+ credentials?\./).waitFor();
    await page.getByRole("button", { name: /First server/ }).click();
    await page.getByText(/There are \d+ servers\./).waitFor();
  });
});

const PAGES = ["/administration", "/administration/users", "/administration/tokens", "/administration/audit", "/administration/backups", "/setup"];

describe("nobody is kept out of the administration", () => {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const locale of ["en-GB", "zh-CN"]) {
      it(`in ${locale}, ${colorScheme}`, async () => {
        const other = await open(browser, { colorScheme, locale, reducedMotion: "reduce" });
        await signIn(other.page);
        const findings: string[] = [];
        for (const path of PAGES) {
          await other.page.goto(path);
          await other.page.locator("main h1").waitFor();
          await other.page.waitForLoadState("networkidle", { timeout: 5000 }).catch(() => {});
          findings.push(...(await seriousFindings(other.page)).map((finding) => `${path}: ${finding}`));
        }
        expect(findings).toEqual([]);
        expect(other.complaints).toEqual([]);
        await other.context.close();
      });
    }
  }
});
