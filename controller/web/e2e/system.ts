/** The running system, and a browser that looks at it. */
import { readFileSync } from "node:fs";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

function required(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set; scripts/web-e2e.sh sets it`);
  }
  return value;
}

/** Where the controller answers. */
export const URL_OF_PAGE = required("E2E_URL");
/** How many machines are simulated. */
export const BMC_COUNT = Number(required("E2E_BMC_COUNT"));
/** Longest wait for something that the system does. */
export const SOON_MS = 60_000;

const [adminName = "", adminPassword = ""] = readFileSync(required("E2E_LOGIN"), "utf8").trim().split(":");

export const ADMIN = { username: adminName, password: adminPassword };

export async function launch(): Promise<Browser> {
  // The sandbox does not work for root, which is who tests in containers.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
}

/** A window of its own; what its pages complain about is collected. */
export async function open(browser: Browser, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ baseURL: URL_OF_PAGE, locale: "en-GB", viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(SOON_MS);
  const complaints: string[] = [];
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // The browser notes each answer that is an error; who is signed in is asked so.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      complaints.push(message.text());
    }
  });
  return { context, page, complaints };
}

export async function signIn(page: Page, { username, password } = ADMIN): Promise<void> {
  await page.goto("/");
  await page.locator("input[autocomplete=username]").fill(username);
  await page.locator("input[autocomplete=current-password]").fill(password);
  await page.keyboard.press("Enter");
  await page.locator("nav a").first().waitFor();
}

/** Asks the interface as whoever is signed in. */
export async function ask<T>(context: BrowserContext, method: string, path: string, data?: unknown): Promise<T> {
  const response = await context.request.fetch(`/api/v1/${path}`, {
    method,
    headers: { "X-Requested-By": "test" },
    data,
  });
  if (!response.ok()) {
    throw new Error(`${method} ${path}: ${response.status()} ${await response.text()}`);
  }
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** Waits until something is so. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const end = Date.now() + SOON_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`waited in vain for ${what}`);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
  }
}
