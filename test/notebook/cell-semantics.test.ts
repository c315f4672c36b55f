/**
 * What cells mean, where our kernel stands in for tslab's front end: the same cells on both, with stock tslab as the
 * oracle. The kinds of cells are those of its specs for the converter and the executor, the cells our own.
 */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { runNotebook } from "../../src/notebook/executor";
import type { Cell, Output } from "../../src/notebook/notebook-file";
import { projectRoot } from "../../src/version";
import { codeCell, writeTestNotebook } from "./notebook-builder";

/** What the cells import. */
const FILES: Readonly<Record<string, string>> = {
  "local.ts": "export const greeting: string = 'from a file';\nexport interface Shape { side: number }\n",
  "chatty.ts": "console.log('loaded');\nexport * from './local';\nexport default class Named { id = 7 }\n",
  "numbers.json": '{ "one": 1 }',
};

/** A name and the cell; cells see those above them. */
const CELLS: readonly (readonly [name: string, source: string])[] = [
  ["a declaration shows nothing", "const a: number = 1;"],
  ["the last expression is shown", "a + 1"],
  ["also before a semicolon", "a + 2;"],
  ["also when undefined is what it is", "undefined"],
  ["an assignment is one", "let b = 0;\nb = 5"],
  ["an object", "({ k: [1, 2], s: 'x' })"],
  ["a string", "'text'"],
  ["a big integer, a regular expression, a symbol", "[10n, /a+/g, Symbol('s')]"],
  ["an expression above others is not", "a;\nlet c = 3;"],
  ["a constant declared again, as another type", "const a = 'now a string';\na.length"],
  ["a cell above keeps its meaning", "const keep = a.toUpperCase();\nkeep"],
  ["a function declared again", "function f(): number { return 1; }"],
  ["and its new self", "function f(): string { return 'two'; }\nf()"],
  [
    "a class",
    "class Star { constructor(readonly dnu: number) {}\n  get double() { return this.dnu * 2; } }\nnew Star(4).double",
  ],
  ["a class declared again", "class Star { static kind = 'giant'; }\nStar.kind"],
  ["a class that extends another cell's", "class Dwarf extends Star { size = 1 }\nnew Dwarf().size"],
  ["an enum", "enum Kind { Rgb = 1, Clump }\nKind.Clump"],
  ["an enum's names in the next cell", "Kind[1]"],
  ["a constant enum", "const enum Fast { A = 3 }\nFast.A"],
  ["an interface and a type", "interface P { x: number }\ntype Q = P | null;\nconst p: Q = { x: 3 };"],
  ["types in the next cell", "const q: P = { x: p!.x + 1 };\nq.x"],
  ["an interface declared again", "interface P { y: string }\nconst r: P = { y: 'y' };\nr.y"],
  ["a namespace", "namespace N { export const inside = 8; }\nN.inside"],
  [
    "destructuring",
    "const { k: first, ...rest } = { k: 1, l: 2, m: 3 };\nconst [x, , z = 9] = [1, 2];\n[first, rest, x, z]",
  ],
  [
    "a generator, spread and optional chaining",
    "function* g() { yield 1; yield 2; }\n[...g(), ({} as { o?: { p: number } }).o?.p]",
  ],
  ["a global name shadowed", "let parseInt = (text: string) => text + '!';\nparseInt('7')"],
  ["shadowed in the next cell, too", "parseInt('8')"],
  ["a name of another cell as a property", "const names = Object.keys({ a });\nnames"],
  ["await", "const late = await new Promise<number>((resolve) => setTimeout(resolve, 5, 6));\nlate"],
  ["await as the last expression", "await Promise.resolve('value')"],
  ["a loop that awaits", "let sum = 0;\nfor await (const n of [Promise.resolve(1), 2]) sum += n;\nsum"],
  ["declarations beside await", "const w1 = await 1;\nfunction w2() { return w1 + 1; }\nclass W3 { v = w1 }"],
  ["and what the next cell sees of them", "[w1, w2(), new W3().v]"],
  ["a namespace import", "import * as path from 'path';\npath.posix.join('a', 'b')"],
  ["a named import", "import { basename, extname as ext } from 'node:path';\n[basename('/a/b.c'), ext('b.c')]"],
  ["a default import of a CommonJS module", "import os from 'os';\ntypeof os.cpus"],
  ["imports in the next cell", "basename('/c/d')"],
  ["an import as a type alone", "import type { Stats } from 'fs';\nconst stats: Stats | null = null;\nstats"],
  ["an import while it runs", "const url = await import('url');\ntypeof url.URL"],
  [
    "a file of the folder",
    "import { greeting, Shape } from './local';\nconst s: Shape = { side: 1 };\n[greeting, s.side]",
  ],
  ["a file that prints and hands on", "import Named, { greeting as again } from './chatty';\n[new Named().id, again]"],
  ["imported twice, loaded once", "import * as chatty from './chatty';\nObject.keys(chatty).sort()"],
  ["a type error: nothing of the cell runs", "console.log('not printed');\nconst misfit: number = 'text';"],
  ["and it declares nothing", "typeof misfit"],
  ["a name that is nowhere", "nowhere + 1"],
  ["an import that cannot be found", "import { x1 } from './not-there';"],
  ["an import of a name that is not there", "import { absent } from './local';\nabsent"],
  ["a syntax error", "const = 3;"],
  ["JSX is not TypeScript's", "const element = <div>text</div>;"],
  ["an exception", "console.log('printed');\nthrow new RangeError('too far');"],
  ["an exception after await", "await 1;\nthrow new TypeError('late');"],
  ["something else thrown", "throw 'a text';"],
  ["the cell after a failure", "a"],
  ["assigned before the exception", "b = 6;\nthrow new Error('after');"],
  ["and seen in the next cell", "b"],
  ["an empty statement", ";"],
  ["a comment", "// nothing here"],
];

/** Where stock tslab gives up, or shows less. */
const OURS: Readonly<Record<string, Answer>> = {
  // "ReferenceError: a is not defined"
  "a name of another cell as a property": { shown: "[ 'a' ]", error: undefined },
  // "SyntaxError: Unexpected reserved word"
  "a loop that awaits": { shown: "3", error: undefined },
  // nothing
  "an import as a type alone": { shown: "null", error: undefined },
  // "Error: a text"
  "something else thrown": { shown: "", error: "Thrown: 'a text'" },
};

interface Answer {
  readonly shown: string;
  readonly error: string | undefined;
}

const answers: Record<string, Answer[]> = {};

before(async () => {
  const cells = CELLS.map(([, source]) => codeCell(source, "raises-exception"));
  const { folder } = writeTestNotebook("stock", cells);
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
  const spec = join(folder, "kernels", "stock");
  mkdirSync(spec, { recursive: true });
  const argv = [join(projectRoot, "node_modules", ".bin", "tslab"), "kernel", "--config-path", "{connection_file}"];
  writeFileSync(join(spec, "kernel.json"), JSON.stringify({ argv, language: "typescript" }));
  process.env.JUPYTER_PATH = folder;
  const runs = ["stock", "asterolab"].map(async (kernel) => {
    const { input, output } = writeTestNotebook(kernel, cells);
    const { notebook } = await runNotebook({ input, output, cwd: folder });
    answers[kernel] = notebook.cells.map(answerOf);
  });
  await Promise.all(runs);
  delete process.env.JUPYTER_PATH;
});

function answerOf({ outputs = [] }: Cell): Answer {
  const error = outputs.find((output) => output.output_type === "error");
  const text = error?.output_type === "error" ? `${error.ename}: ${error.evalue}` : undefined;
  return {
    shown: outputs.map(textOf).join("").trim(),
    // Our kernel adds the cell and the compiler's number of the error.
    error: text?.replace(/cell\[\d+\]:(\d+:\d+ - )TS\d+: /, "$1"),
  };
}

/** tslab prints the last value, our kernel sends it as a result. */
function textOf(output: Output): string {
  if (output.output_type === "error") return "";
  return output.output_type === "stream" ? output.text : String(output.data["text/plain"]);
}

/** tslab prints a text that is the last value as it is, our kernel shows it as the value it is. */
function isSame(mine: Answer, stock: Answer): boolean {
  return mine.error === stock.error && [stock.shown, `'${stock.shown}'`].includes(mine.shown);
}

for (const [index, [name]] of CELLS.entries()) {
  test(name, () => {
    const [mine, stock] = [answers.asterolab![index]!, answers.stock![index]!];
    assert.equal(isSame(mine, stock), !(name in OURS), JSON.stringify({ mine, stock }));
    if (name in OURS) assert.deepEqual(mine, OURS[name]);
  });
}
