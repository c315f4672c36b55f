import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { projectRoot } from "../src/version";

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(projectRoot, name), "utf8"));
}

test("every package that has an install script is denied it", () => {
  const { packages } = readJson("package-lock.json") as {
    packages: Record<string, { hasInstallScript?: boolean }>;
  };
  const withScript = Object.entries(packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path]) => path.replace(/^.*node_modules\//, ""));
  const { allowScripts = {} } = readJson("package.json") as { allowScripts?: Record<string, boolean> };
  assert.deepEqual(allowScripts, Object.fromEntries(withScript.sort().map((name) => [name, false])));
});
