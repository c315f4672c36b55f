/** A Python that has PyTorch, for tests that let it judge our files; the product needs none. */

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

const found = find();

/** For `test(name, { skip }, ...)`: false, or why there is nothing to ask. */
export const skipWithoutTorch: string | false =
  found === null ? "no Python with PyTorch: set ASTEROLAB_PYTHON, or install torch into .venv" : false;

/**
 * Defines `load(path, mmap)` in a script that has imported torch: `torch.load` with nothing but weights allowed. PyTorch 1.13
 * has no mmap, and its own weights_only reads no float, not even of its own files: there it is the plain `torch.load`.
 */
export const LOAD = `
def load(path, mmap=False):
    if int(torch.__version__.split(".")[0]) < 2:
        return torch.load(path)
    return torch.load(path, weights_only=True, mmap=mmap)
`;

/** Runs a script whose last line prints JSON, and returns that. */
export function askTorch(script: string, ...args: string[]): unknown {
  const output = execFileSync(found!, ["-c", script, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(output.trimEnd().split("\n").at(-1)!);
}

function find(): string | null {
  const candidates = [process.env.ASTEROLAB_PYTHON, ".venv/bin/python", "python3", "/usr/bin/python3"];
  for (const python of candidates) {
    if (!python || (python.includes("/") && !existsSync(python))) continue;
    try {
      execFileSync(python, ["-c", "import sys, importlib.util; sys.exit(importlib.util.find_spec('torch') is None)"], {
        stdio: "ignore",
      });
      return python;
    } catch {
      // The next one may have it.
    }
  }
  return null;
}
