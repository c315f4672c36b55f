/** Debian's Chromium (or another that `ASTEROLAB_CHROMIUM` names), driven without a window. */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { projectRoot } from "../../src/version";

const PATHS = [process.env.ASTEROLAB_CHROMIUM ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"];
const executablePath = PATHS.find((path) => path !== "" && existsSync(path));

/** Why tests in the browser are skipped; false when there is one. */
export const noChromium = executablePath === undefined ? "no Chromium here (Debian: apt-get install chromium)" : false;

/** Minutes pass before this is too long: the tests share the machine with others. */
export const PATIENCE_MS = 600_000;

export async function openChromium(t: TestContext): Promise<Browser> {
  // Its sandbox refuses to run as root, as whom containers work; the pages are our own.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({ executablePath, args, timeout: PATIENCE_MS });
  t.after(async () => {
    const pages = browser.contexts().flatMap((context) => context.pages());
    for (const [index, page] of pages.entries()) await keepPicture(page, `last-${index}`);
    await browser.close();
  });
  return browser;
}

export interface WatchedPage {
  readonly page: Page;
  /** What the page's scripts threw, and requests to elsewhere than this machine, which are refused. */
  readonly faults: readonly string[];
}

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 1000 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const faults: string[] = [];
  await context.route(
    (url) => /^(https?|wss?):$/.test(url.protocol) && url.hostname !== "127.0.0.1",
    (route) => {
      faults.push(`request to ${route.request().url()}`);
      return route.abort();
    },
  );
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(error.message));
  return { page, faults };
}

/** Keeps what the page looks like. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  keep(`${name}.png`, await page.screenshot());
}

/** Keeps something of a test in `.cache/browser`, for whoever wonders why it failed. */
export function keep(name: string, content: string | Uint8Array): void {
  const folder = join(projectRoot, ".cache", "browser");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), content);
}
