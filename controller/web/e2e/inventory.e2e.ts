import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seriousFindings } from "./axe";
import { ask, launch, open, signIn, until } from "./system";

interface Named {
  id: number;
  name: string;
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

/** What the interface has of this name. */
async function named(list: string, name: string): Promise<Named | undefined> {
  const { items } = await ask<{ items: Named[] }>(context, "GET", `${list}?search=${encodeURIComponent(name)}`);
  return items.find((item) => item.name === name);
}

describe("one server", () => {
  it("is added, with what is wrong said at its field, changed and deleted", async () => {
    await page.goto("/inventory");
    await page.getByRole("button", { name: "Add a server" }).first().click();
    const form = page.getByRole("dialog", { name: "Add a server" });
    await form.getByRole("textbox", { name: "Name", exact: true }).fill("by-hand");
    await form.getByRole("button", { name: "Save", exact: true }).click();
    await form.getByText("Needed").first().waitFor();
    await form.getByRole("textbox", { name: "BMC address" }).fill("not an address");
    await form.getByRole("button", { name: "Save", exact: true }).click();
    // The controller refuses it; its words stand at the field.
    await until("the refusal at the field", async () => (await form.getByRole("textbox", { name: "BMC address" }).getAttribute("aria-invalid")) === "true");
    await form.getByRole("textbox", { name: "BMC address" }).fill("192.0.2.31");
    await form.getByRole("textbox", { name: "Labels" }).fill("owner=storage\nquery=a=b");
    await form.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("row", { name: "by-hand" }).waitFor();
    const made = await named("servers", "by-hand");
    expect(made).toMatchObject({ labels: { owner: "storage", query: "a=b" } });

    await page.getByRole("button", { name: "Edit: by-hand" }).click();
    await page.getByRole("dialog").getByRole("textbox", { name: "Rack" }).fill("A07");
    await page.getByRole("dialog").getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("row", { name: "by-hand" }).getByText("A07").waitFor();

    await page.getByRole("button", { name: "Delete: by-hand" }).click();
    await page.getByRole("dialog").getByText("192.0.2.31").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await until("the end of the server", async () => (await named("servers", "by-hand")) === undefined);
  });

  it("is tested: one that works, and one where nothing is", async () => {
    const { items } = await ask<{ items: Named[] }>(context, "GET", "servers?sort=id&limit=1");
    const [first] = items;
    await page.goto(`/inventory?search=${first?.name ?? ""}`);
    await page.getByRole("button", { name: `Test the connection: ${first?.name ?? ""}` }).click();
    await page.getByRole("dialog").getByText(/It works( in part)?$/).waitFor();
    await page.getByRole("dialog").getByText(/sensors read in/).waitFor();
    await page.keyboard.press("Escape");

    const { items: credentials } = await ask<{ items: Named[] }>(context, "GET", "credentials");
    const away = await ask<Named>(context, "POST", "servers", { name: "nobody-there", address: "127.0.0.9", port: 61_623, credential_id: credentials[0]?.id });
    await page.goto("/inventory?search=nobody-there");
    await page.getByRole("button", { name: "Test the connection: nobody-there" }).click();
    // Whether nothing answers is known only where scans are allowed.
    await page.getByRole("dialog").getByText(/The BMC is unreachable|Nothing could be read|does not know this server yet/).first().waitFor();
    await ask(context, "DELETE", `servers/${away.id}`);
  });
});

describe("many servers", () => {
  it("come from a file; its mistakes are said by line, and nothing changes before that was wanted", async () => {
    await page.goto("/inventory/import");
    const content = page.getByRole("textbox", { name: "Content" });
    await content.fill("name,address,port\nimported-1,192.0.2.41,623\nimported-2,192.0.2.42,99999\n");
    await page.getByRole("button", { name: "Check", exact: true }).click();
    const lines = page.getByRole("table", { name: "Lines of the file" });
    await lines.getByRole("row", { name: "3 imported-2" }).getByText(/^port: /).waitFor();
    await page.getByText("1 new, 0 changed, 0 as they are, 1 wrong").waitFor();
    expect(await page.getByRole("button", { name: /^Import \d/ }).count()).toBe(0);
    expect(await named("servers", "imported-1")).toBeUndefined();

    await content.fill("name,address,port\nimported-1,192.0.2.41,623\nimported-2,192.0.2.42,623\n");
    await page.getByRole("button", { name: "Check", exact: true }).click();
    await page.getByRole("button", { name: "Import 2 servers" }).click();
    await page.getByText("2 lines imported").waitFor();
    expect(await named("servers", "imported-2")).toBeDefined();
  });

  it("are changed together after a preview, and deleted together", async () => {
    await page.goto("/inventory?search=imported-");
    await page.getByRole("checkbox", { name: "Select all that are loaded" }).check();
    await page.getByRole("button", { name: "Change 2 selected" }).click();
    const form = page.getByRole("dialog");
    await form.getByRole("textbox", { name: "Site" }).fill("fra2");
    await form.getByRole("button", { name: "Preview" }).click();
    await form.getByText("2 would change, 0 are so already").waitFor();
    expect(await named("servers", "imported-1")).toMatchObject({ site: "" });
    await form.getByRole("button", { name: "Change 2 servers" }).click();
    await page.getByRole("row", { name: "imported-1" }).getByText("fra2").waitFor();

    await page.getByRole("checkbox", { name: "Select all that are loaded" }).check();
    await page.getByRole("button", { name: "Delete 2 selected" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("Nothing matches the filters").waitFor();
  });
});

describe("secrets", () => {
  it("of credentials are written and never shown, and stay when they are not typed", async () => {
    const secret = "s3cret-of-a-bmc";
    await page.goto("/inventory/credentials");
    await page.getByRole("button", { name: "Add a credential" }).first().click();
    const form = page.getByRole("dialog");
    await form.getByRole("textbox", { name: "Name", exact: true }).fill("written-only");
    await form.getByRole("textbox", { name: "User of the BMC" }).fill("monitor");
    await form.getByRole("textbox", { name: "Password", exact: true }).fill(secret);
    await form.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("button", { name: "Edit: written-only" }).click();
    await form.getByText("One is stored. It stays when this is left empty.").waitFor();
    expect(await page.content()).not.toContain(secret);
    await form.getByRole("textbox", { name: "User of the BMC" }).fill("other");
    await form.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("row", { name: "written-only" }).getByText("other").waitFor();
    const kept = await named("credentials", "written-only");
    expect(kept).toMatchObject({ password_set: true, username: "other" });
    await ask(context, "DELETE", `credentials/${kept?.id}`);
  });

  it("of exporters are shown once, when they are made", async () => {
    await page.goto("/inventory/exporters");
    await page.getByRole("button", { name: /^How to start it/ }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("In sync").waitFor();
    await dialog.getByRole("button", { name: "Make a token" }).click();
    const token = (await dialog.getByLabel("Token of the exporter", { exact: true }).innerText()).trim();
    expect(token.length).toBeGreaterThan(20);
    await dialog.getByRole("button", { name: "Close" }).last().click();
    await page.getByRole("button", { name: /^How to start it/ }).first().click();
    await dialog.getByRole("button", { name: "Make a token" }).waitFor();
    expect(await page.content()).not.toContain(token);
  });
});

describe("a viewer", () => {
  it("sees no buttons that change something, and is refused when forging the request", async () => {
    const user = { username: "only-looks", password: "only looks at things" };
    const { id } = await ask<Named>(context, "POST", "users", { ...user, role: "viewer" });
    const other = await open(browser);
    await signIn(other.page, user);
    await other.page.goto("/inventory");
    await other.page.locator("[aria-rowindex='2']").waitFor();
    expect(await other.page.getByRole("button", { name: /Add|Edit|Delete|Test/ }).count()).toBe(0);
    expect(await other.page.getByRole("link", { name: "Credentials" }).count()).toBe(0);
    const forged = await other.context.request.post("/api/v1/servers", { headers: { "X-Requested-By": "test" }, data: { name: "forged", address: "192.0.2.66" } });
    expect(forged.status()).toBe(403);
    await other.context.close();
    await ask(context, "DELETE", `users/${id}`);
  });
});

const PAGES = ["/inventory", "/inventory/import", "/inventory/discovery", "/inventory/groups", "/inventory/credentials", "/inventory/exporters"];

describe("nobody is kept out of the inventory", () => {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const locale of ["en-GB", "zh-CN"]) {
      it(`in ${locale}, ${colorScheme}`, async () => {
        const other = await open(browser, { colorScheme, locale, reducedMotion: "reduce" });
        await signIn(other.page);
        const findings: string[] = [];
        for (const path of PAGES) {
          await other.page.goto(path);
          await other.page.locator("main nav a[aria-current=page]").waitFor();
          findings.push(...(await seriousFindings(other.page)).map((finding) => `${path}: ${finding}`));
        }
        expect(findings).toEqual([]);
        expect(other.complaints).toEqual([]);
        await other.context.close();
      });
    }
  }

  it("and nothing was complained about on the way", () => {
    expect(complaints).toEqual([]);
  });
});
