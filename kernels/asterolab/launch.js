// Starts the kernel of src/kernel: the compiled form when it is newer than its sources, the sources through ts-node
// otherwise. Usage: node launch.js CONNECTION_FILE [--ranks N]

const { existsSync, readdirSync, statSync } = require("node:fs");
const { join } = require("node:path");

const root = join(__dirname, "..", "..");
const build = join(root, "dist", "kernel", "main.js");
/** What the kernel is made of; the package that cells import is always the compiled one. */
const PARTS = ["distributed", "kernel", "notebook", "plot"];

function newestChange(directory) {
  const times = readdirSync(directory, { withFileTypes: true }).map((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? newestChange(path) : statSync(path).mtimeMs;
  });
  return Math.max(...times);
}

function isCurrent() {
  return existsSync(build) && PARTS.every((part) => statSync(build).mtimeMs >= newestChange(join(root, "src", part)));
}

let main = build;
if (!isCurrent()) {
  process.env.TS_NODE_PROJECT ??= join(root, "tsconfig.json");
  require(join(root, "node_modules", "ts-node", "register"));
  main = join(root, "src", "kernel", "main.ts");
}
require(main)
  .startKernel(...process.argv.slice(2))
  .catch((error) => {
    process.stderr.write(`${error.name}: ${error.message}\n`);
    process.exit(1);
  });
