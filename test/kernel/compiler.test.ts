/** The compiler beside files that change, and a compiler that has ended. */

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type * as TypeScript from "typescript";
import { Compiler } from "../../src/kernel/compiler";
import { withSharedTimer } from "../../src/kernel/shared-timer";
import { temporaryFolder } from "../data/make-shard";

/** Timers as tslab's converter has them: one at a time, run by hand. */
function converterTimers() {
  let held: { callback: () => void } | null = null;
  const system = {
    setTimeout(callback: () => void) {
      if (held !== null) throw new Error("Unexpected pending rebuildTimer");
      held = {
        callback() {
          callback();
          held = null;
        },
      };
      return held;
    },
  } as unknown as TypeScript.System;
  return {
    system: withSharedTimer(system),
    rebuild() {
      if (held === null) throw new Error("rebuildTimer is not set properly");
      held.callback();
    },
    isIdle: () => held === null,
  };
}

test("the compiler's two timers wait behind one and run with it, with what they set in turn", () => {
  const { system, rebuild, isIdle } = converterTimers();
  const ran: string[] = [];
  system.setTimeout!(() => {
    ran.push("looked for in vain");
    system.setTimeout!(() => ran.push("program"), 250);
  }, 250);
  const cleared = system.setTimeout!(() => ran.push("cleared"), 250);
  system.setTimeout!((name: string) => ran.push(name), 250, "changed");
  system.clearTimeout!(cleared);
  rebuild();
  assert.deepEqual(ran, ["looked for in vain", "changed", "program"]);
  assert.ok(isIdle());
  assert.throws(rebuild, /not set properly/);
  system.setTimeout!(() => ran.push("later"), 250);
  rebuild();
  assert.equal(ran.at(-1), "later");
});

test("a timer that fails leaves the others, which run with the next", () => {
  const { system, rebuild } = converterTimers();
  const ran: string[] = [];
  system.setTimeout!(() => {
    throw new Error("a file was half written");
  }, 250);
  system.setTimeout!(() => ran.push("second"), 250);
  assert.throws(rebuild, /half written/);
  system.setTimeout!(() => ran.push("third"), 250);
  rebuild();
  assert.deepEqual(ran, ["second", "third"]);
});

test("cells compile while the files they import come, change and go", async (t) => {
  const folder = temporaryFolder(t);
  const before = process.cwd();
  process.chdir(folder); // the compiler's thread takes the folder over
  const compiler = new Compiler();
  t.after(() => {
    process.chdir(before);
    return compiler.end();
  });
  const write = (name: string, value: number): void => {
    writeFileSync(join(folder, `${name}.ts`), `export const ${name} = ${value};\n`);
  };
  write("kept", 0);
  const code = 'import { kept } from "./kept";\nimport { coming } from "./coming";\nkept + coming;';
  const compile = async (count: number): Promise<number> =>
    (await compiler.compile(code, `cell[${count}]`)).diagnostics.length;
  assert.ok((await compile(0)) > 0, "one of the files is not there yet");
  // The compiler learns of a change some time later; whenever that is, no cell may be refused for another reason.
  let wasFound = false;
  for (let round = 1; round <= 200 && !wasFound; round++) {
    write("kept", round);
    write(`other${round}`, round);
    write("coming", round);
    await new Promise((resolve) => setTimeout(resolve, 50));
    wasFound = (await compile(round)) === 0;
  }
  assert.ok(wasFound, "the file that came was never found");
  rmSync(join(folder, "coming.ts"));
  write("kept", -1);
  for (let round = 1; round <= 5; round++) await compile(1000 + round);
});

test("after the compiler has ended, every request is refused with the reason", async () => {
  const compiler = new Compiler();
  const running = compiler.compile("1 + 1", "cell[1]");
  const text = /^Cannot compile: the compiler has ended \(.*\); restart the kernel$/;
  (compiler as unknown as { worker: NodeJS.EventEmitter }).worker.emit("error", new Error("out of memory"));
  await assert.rejects(running, { name: "Error", message: text });
  await assert.rejects(compiler.isComplete("1"), { name: "Error", message: text });
  await compiler.end();
});
