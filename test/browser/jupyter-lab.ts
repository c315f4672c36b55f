/** JupyterLab as a person has it: its server from the project's virtual environment, its page in Chromium. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";
import { projectRoot } from "../../src/version";
import { temporaryFolder } from "../data/make-shard";
import { keep, openPage, PATIENCE_MS } from "./open-chromium";

const program = process.env.ASTEROLAB_JUPYTER ?? join(projectRoot, ".venv", "bin", "jupyter-lab");

/** Why tests with JupyterLab are skipped; false when it is installed. */
export const noJupyterLab = existsSync(program)
  ? false
  : "no JupyterLab here (python3 -m venv .venv && .venv/bin/pip install jupyterlab plotly)";

/** Python's package plotly brings what draws live figures; without it the picture stands there. */
const isLive = existsSync(join(projectRoot, ".venv/share/jupyter/labextensions/jupyterlab-plotly"));
const LIVE = ".jp-OutputArea .js-plotly-plot .svg-container:visible";
const STILL = ".jp-OutputArea img:visible:not([src=''])";

const TOKEN = "of-this-test";

/** A whole page in the document, also what is scrolled out of sight, and no news from the network. */
const SETTINGS = {
  "@jupyterlab/notebook-extension:tracker": { windowingMode: "none" },
  "@jupyterlab/apputils-extension:notification": { checkForUpdates: false, doNotDisturbMode: true, fetchNews: "false" },
};

/**
 * Serves the files of a folder; settings, runtime files and kernels of the person at this machine stay out of it.
 *
 * @param options further ones of the server
 */
export async function startJupyterLab(
  t: TestContext,
  folder: string,
  options: readonly string[] = [],
): Promise<string> {
  const own = temporaryFolder(t);
  mkdirSync(join(own, "settings"));
  writeFileSync(join(own, "settings", "overrides.json"), JSON.stringify(SETTINGS));
  const flags = ["--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", `--IdentityProvider.token=${TOKEN}`];
  if (process.getuid?.() === 0) flags.push("--allow-root");
  const child = spawn(
    program,
    [...flags, `--ServerApp.root_dir=${folder}`, `--LabApp.app_settings_dir=${join(own, "settings")}`, ...options],
    {
      cwd: folder,
      env: {
        ...process.env,
        JUPYTER_PATH: projectRoot,
        JUPYTER_CONFIG_DIR: join(own, "config"),
        JUPYTER_DATA_DIR: join(own, "data"),
        JUPYTER_RUNTIME_DIR: join(own, "runtime"),
      },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let log = "";
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  t.after(async () => {
    child.kill("SIGTERM"); // ends its kernels, too
    await ended;
    keep("jupyter-lab.log", log);
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`JupyterLab says no address:\n${log}`)), PATIENCE_MS);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(log);
      if (address === null) return;
      clearTimeout(timer);
      resolve(address[0]);
    });
    child.once("error", reject);
    void ended.then(() => reject(new Error(`JupyterLab ended:\n${log}`)));
  });
}

/** The names that JupyterLab's toolbar shows. */
export const KERNELS = {
  asterolab: "Asterolab (TypeScript)",
  "asterolab-mpi": "Asterolab (TypeScript, MPI ranks)",
} as const;

/** A notebook open in JupyterLab. */
export class LabNotebook {
  private constructor(
    readonly page: Page,
    readonly faults: readonly string[],
  ) {}

  /** Opens a notebook of the server's folder, and waits until its kernel is idle. */
  static async open(
    browser: Browser,
    address: string,
    name: string,
    kernel: string = KERNELS.asterolab,
  ): Promise<LabNotebook> {
    const { page, faults } = await openPage(browser);
    // A workspace of its own: the server's default one opens the notebooks of earlier pages again.
    const workspace = name.replace(/\W/g, "-");
    await page.goto(`${address}/lab/workspaces/${workspace}/tree/${name}?token=${TOKEN}`);
    const notebook = new LabNotebook(page, faults);
    // Until there is a kernel, its state reads "idle", too.
    await page.locator(".jp-Toolbar-kernelName", { hasText: kernel }).waitFor();
    await notebook.idle();
    return notebook;
  }

  /** The code cell of a number, from 0. */
  cell(index: number): Locator {
    return this.page.locator(".jp-Notebook .jp-CodeCell").nth(index);
  }

  /** Outputs that say that a cell failed: JupyterLab shows them as what goes to stderr, so by their text. */
  errors(): Locator {
    const red = this.page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]');
    return red.filter({ hasText: /^\s*(\w*(Error|Interrupt|Ended|Thrown): |cell\[[\d+]+\]:\d+:\d+ - TS\d+: )/ });
  }

  /** Every figure that can be seen as it ought to: live where something draws figures, as its picture elsewhere. */
  figures(areLive = isLive): Locator {
    return this.page.locator(areLive ? LIVE : STILL);
  }

  /** Ends when so many figures are drawn; fails when there are more, or a picture cannot be decoded. */
  async drawn(count: number, areLive = isLive): Promise<void> {
    const figures = this.figures(areLive);
    await figures.nth(count - 1).waitFor();
    assert.equal(await figures.count(), count);
    assert.equal(await this.figures(!areLive).count(), 0);
    const decoded = figures.evaluateAll((figures) =>
      Promise.all(
        figures.map((figure) => ("decode" in figure ? (figure as { decode(): Promise<void> }).decode() : undefined)),
      ),
    );
    await assert.doesNotReject(decoded, "a picture cannot be decoded");
  }

  outputOf(index: number): Locator {
    return this.cell(index).locator(".jp-OutputArea-output");
  }

  /** `[3]:` once a cell has run, `[*]:` while it runs or waits. */
  async prompt(index: number, text: RegExp): Promise<void> {
    await this.cell(index).locator(".jp-InputArea-prompt").filter({ hasText: text }).waitFor();
  }

  async save(): Promise<void> {
    await this.page.keyboard.press("Control+s");
    await this.page.locator(".jp-mod-dirty").waitFor({ state: "detached" });
  }

  async runAll(): Promise<void> {
    await this.page.locator(".lm-MenuBar-itemLabel", { hasText: /^Run$/ }).click();
    await this.page.locator(".lm-Menu-itemLabel", { hasText: /^Run All Cells$/ }).click();
  }

  async run(index: number): Promise<void> {
    await this.cell(index).locator(".jp-InputArea-editor").click();
    await this.page.keyboard.press("Control+Enter");
  }

  /** The button in the notebook's toolbar. */
  async interrupt(): Promise<void> {
    await this.page.locator('[data-jp-item-name="interrupt"]').click();
  }

  /** Until the server has the new kernel: before that the page still shows the old one's state, and drops requests. */
  async restart(): Promise<void> {
    await this.page.locator('[data-jp-item-name="restart"]').click();
    const isRestart = (url: string): boolean => /\/api\/kernels\/[^/]+\/restart/.test(url);
    const restarted = this.page.waitForResponse((response) => isRestart(response.url()));
    await this.page.locator(".jp-Dialog .jp-mod-accept").click();
    await restarted;
    await this.idle();
  }

  /** Shuts the kernel down and leaves the page: the next notebook has the machine for itself. */
  async close(): Promise<void> {
    await this.page.evaluate(async (token) => {
      const headers = { Authorization: `token ${token}` };
      const sessions = (await (await fetch("/api/sessions", { headers })).json()) as { id: string }[];
      await Promise.all(sessions.map(({ id }) => fetch(`/api/sessions/${id}`, { method: "DELETE", headers })));
    }, TOKEN);
    await this.page.close();
  }

  async idle(): Promise<void> {
    await this.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor();
  }
}
