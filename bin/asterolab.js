#!/usr/bin/env node
// Starts the command line: the compiled form when it is newer than every source, the sources through ts-node otherwise.
const { existsSync, readdirSync, statSync } = require("node:fs");
const { join } = require("node:path");

const root = join(__dirname, "..");
const sources = join(root, "src");
const build = join(root, "dist", "cli", "main.js");

function newestChange(directory) {
  let newest = statSync(directory).mtimeMs;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestChange(path) : statSync(path).mtimeMs);
  }
  return newest;
}

if (!existsSync(join(root, "node_modules", "commander"))) {
  console.error('asterolab: its packages are not installed; run "npm run setup" in the folder of the project first');
  process.exit(1);
}

if (existsSync(build) && statSync(build).mtimeMs >= newestChange(sources)) {
  require(build).main(process.argv);
} else {
  process.env.TS_NODE_PROJECT ??= join(root, "tsconfig.json");
  require("ts-node/register");
  require("../src/cli/main.ts").main(process.argv);
}
