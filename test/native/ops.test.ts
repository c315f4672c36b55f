/** The C++ tests of the ops, linked with the very objects the addon was built from. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { projectRoot } from "../../src/version";

const built = join(projectRoot, "build", "Release", "obj.target");

test("the C++ tests of convolutions, products and threads pass on the addon's own objects", (t) => {
  if (process.platform !== "linux") return t.skip(`node-gyp lays its objects out otherwise on ${process.platform}`);
  const objects = objectsOfAddon();
  assert.ok(objects.length > 0, `Cannot find the addon's objects in ${built}; run \`npm run build:native\``);
  const sources = readdirSync(__dirname).filter((name) => name.endsWith("_test.cc"));
  const { status, stdout, stderr, error } = spawnSync(
    "make",
    ["-C", join(projectRoot, "native"), "test", "SUFFIX=-addon", `OBJECTS=${objects.join(" ")}`],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, error ? error.message : `${stdout.slice(-1000)}\n${stderr.slice(-2000)}`);
  // A program that checks nothing must not pass: each reports its count of failures, after checks it has made.
  assert.equal(stdout.match(/^.*\b0 failures$/gm)?.length, sources.length, stdout.slice(-1000));
  for (const what of ["checks", "products"]) {
    const made = Number(stdout.match(new RegExp(`^(\\d+) ${what},`, "m"))?.[1]);
    assert.ok(made > 500, `${what} made: ${made}`);
  }
});

/** Archives of the instruction sets, and the objects compiled once. */
function objectsOfAddon(): string[] {
  const once = join(built, "asterolab", "native", "ops");
  if (!existsSync(once)) return [];
  const objects = readdirSync(once).filter((name) => name.endsWith(".o"));
  const archives = readdirSync(built).filter((name) => name.startsWith("ops_") && name.endsWith(".a"));
  return [...objects.map((name) => join(once, name)), ...archives.map((name) => join(built, name))];
}
