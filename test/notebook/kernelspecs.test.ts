import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";
import { NotebookError } from "../../src/errors";
import {
  findKernelSpec,
  findRankedSpec,
  kernelCommand,
  kernelEnvironment,
  kernelFolders,
  withRankLogs,
} from "../../src/notebook/kernelspecs";
import { projectRoot } from "../../src/version";
import { temporaryFolder } from "../temporary-folder";

// biome-ignore lint/suspicious/noTemplateCurlyInString: kernel.json has this syntax, too
const PLACE_TEMPLATE = "${HOME}/x${NONE}";

function folderWith(name: string, json: unknown): string {
  const folder = join(temporaryFolder(), "kernels");
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, "kernel.json"), typeof json === "string" ? json : JSON.stringify(json));
  return folder;
}

test("folders are searched in Jupyter's order, this repository's last", { skip: process.platform !== "linux" }, () => {
  const env = { JUPYTER_PATH: "/a:/b", VIRTUAL_ENV: "/venv", XDG_DATA_HOME: "/data" };
  assert.deepEqual(kernelFolders(env), [
    "/a/kernels",
    "/b/kernels",
    "/venv/share/jupyter/kernels",
    "/data/jupyter/kernels",
    "/usr/local/share/jupyter/kernels",
    "/usr/share/jupyter/kernels",
    join(homedir(), ".ipython", "kernels"),
    join(projectRoot, "kernels"),
  ]);
  assert.equal(kernelFolders({ JUPYTER_DATA_DIR: "/own" })[0], "/own/kernels");
});

test("the first of two kernels of one name is found, whatever the letter case", () => {
  const first = folderWith("Lab", { argv: ["first"], language: "typescript" });
  const second = folderWith("lab", { argv: ["second"], language: "typescript" });
  assert.deepEqual(findKernelSpec("LAB", [first, second]).argv, ["first"]);
});

test("templates of the command and variables of the environment are filled in", () => {
  const argv = ["node", "{resource_dir}/start.js", "--config={connection_file}", "{unknown}"];
  const folder = folderWith("lab", { argv, language: "typescript", env: { PLACE: PLACE_TEMPLATE } });
  const spec = findKernelSpec("lab", [folder]);
  assert.deepEqual(kernelCommand(spec, "/run/c.json"), [
    process.execPath,
    join(folder, "lab", "start.js"),
    "--config=/run/c.json",
    "{unknown}",
  ]);
  assert.deepEqual(kernelEnvironment(spec, { HOME: "/home/a" }), { HOME: "/home/a", PLACE: "/home/a/x" });
  assert.equal(spec.interruptMode, "signal");
});

test("the kernels of this repository are always found", () => {
  for (const name of ["asterolab", "asterolab-mpi"]) {
    assert.equal(findKernelSpec(name).resourceDir, join(projectRoot, "kernels", name));
  }
});

test("a number of ranks leads to the kernel that has them; without one, the notebook's own counts there", () => {
  const own = { asterolab: { ranks: 3 } };
  assert.equal(findRankedSpec("asterolab", undefined, own).name, "asterolab");
  const asked = findRankedSpec("asterolab", 4, own);
  assert.deepEqual([asked.name, asked.env.ASTEROLAB_RANKS], ["asterolab-mpi", "4"]);
  assert.equal(findRankedSpec("asterolab-mpi", undefined, own).env.ASTEROLAB_RANKS, "3");
  assert.equal(findRankedSpec("asterolab-mpi", undefined, {}).env.ASTEROLAB_RANKS, undefined);
  const logged = withRankLogs(asked, "/results/out.ipynb");
  assert.equal(logged.env.ASTEROLAB_RANK_LOGS, "/results/out");
});

test("ranks of a kernel of another language are refused", () => {
  const folder = folderWith("other", { argv: ["x"], language: "python" });
  process.env.JUPYTER_PATH = dirname(folder);
  try {
    assert.throws(
      () => findRankedSpec("other", 2, {}),
      (error) => {
        assert.ok(error instanceof NotebookError && error.isRequest);
        const text = 'Cannot run on 2 ranks with kernel "other": its language is "python", expected typescript';
        assert.equal(error.message, text);
        return true;
      },
    );
  } finally {
    delete process.env.JUPYTER_PATH;
  }
});

test("an unknown name lists what is installed; a broken kernel.json says what is wrong with it", () => {
  const folder = folderWith("lab", { argv: [] });
  assert.throws(
    () => findKernelSpec("lap", [folder]),
    (error) => {
      assert.ok(error instanceof NotebookError && error.isRequest);
      assert.equal(error.message, 'Cannot find kernel "lap"; installed are lab; did you mean "lab"?');
      return true;
    },
  );
  assert.throws(() => findKernelSpec("lab", [folder]), /^NotebookError: Cannot use kernel ".*kernel\.json": .*argv/);
  assert.throws(() => findKernelSpec("x", [folderWith("x", "{")]), /^NotebookError: Cannot use kernel .*JSON/);
  assert.throws(() => findKernelSpec("x", []), /^NotebookError: Cannot find kernel "x"$/);
});
