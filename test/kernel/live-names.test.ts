/**
 * Top-level names across cells: one binding each, however and whenever it is read or assigned. What is expected is what
 * the REPLs of Deno 2.9 and Node 20 answer to the same lines, where those allow them.
 */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { resultOf, streamOf, TestClient } from "./test-client";

let client: TestClient;
before(async () => {
  client = await TestClient.start();
});
after(() => client.stop());

/** Runs the cells, and gives the last one's value. */
async function valueAfter(...cells: readonly string[]): Promise<string | undefined> {
  let value: string | undefined;
  for (const code of cells) {
    const { reply, published } = await client.execute(code);
    assert.equal(reply.evalue, undefined, code);
    value = resultOf(published) as string | undefined;
  }
  return value;
}

const CASES: readonly (readonly [what: string, cells: readonly string[], value: string])[] = [
  ["an assignment of a later cell", ["let n = 1; function show() { return n; }", "n = 5;", "show()"], "5"],
  ["an assignment by a function of an earlier cell", ["let n = 1; const bump = () => { n += 1; };", "bump(); n"], "2"],
  [
    "++ and destructuring",
    ["let a = 1, b = 2; const sum = () => [a, b];", "a++; [b, a] = [a, b];", "sum()"],
    "[ 2, 2 ]",
  ],
  [
    "a method and a class field",
    ["let n = 1; class K { m = () => n; get n() { return n; } }", "const k = new K(); n = 3; [k.m(), k.n]"],
    "[ 3, 3 ]",
  ],
  [
    "a generator",
    ["let n = 1; function* gen() { for (;;) yield n; }\nconst g = gen(); g.next().value", "n = 4; g.next().value"],
    "4",
  ],
  ["let declared again", ["let n = 1; function show() { return n; }", "let n = 5;", "show()"], "5"],
  ["const declared again", ["const n = 1; const show = () => n;", "const n = 5; show()"], "5"],
  [
    "a class declared again",
    ["class C { v = 1; }\nconst make = () => new C();", "class C { v = 2; }", "make().v"],
    "2",
  ],
  [
    "a class within itself",
    [
      "class C { static make() { return new C(); } v = 1; }\nconst old = C;",
      "class C { static make() { return new C(); } v = 2; }",
      "old.make().v",
    ],
    "1",
  ],
  [
    "a function declared again",
    ["function a() { return 1; }\nfunction b() { return a(); }", "function a() { return 2; }", "b()"],
    "2",
  ],
  [
    "let without a value declared again",
    ["let n: number | undefined = 1; const show = () => n;", "let n: number | undefined;", "show() === undefined"],
    "true",
  ],
  ["var declared again without a value", ["var v = 1;", "var v: number; v"], "1"],
  [
    "destructuring declarations",
    [
      "const { a, b: [c = 7, ...d], ...rest } = { a: 1, b: [undefined, 2], e: 3, f: 4 };\nconst all = () => [a, c, d, rest];",
      "all()",
    ],
    "[ 1, 7, [ 2 ], { e: 3, f: 4 } ]",
  ],
  [
    "presets that use what stands before them",
    ["const { p, q = p + 1 } = { p: 1 } as { p: number; q?: number }; let r = 1, s = r + q;", "[p, q, r, s]"],
    "[ 1, 2, 1, 3 ]",
  ],
  [
    "property names that types of earlier cells know",
    ["interface Star { mass: number }\nconst sun: Star = { mass: 1 };", "const { mass: m } = sun; m"],
    "1",
  ],
  [
    "var in loops and blocks",
    [
      "for (var i = 0, j = 9; i < 3; i++) { var [last] = [i]; }\nfor (var key in { x: 1 });\nfor (var [one, two = one] of [[5]]);\nif (last) var inner = 8;\n[i, j, last, key, one, two, inner]",
    ],
    "[\n  3, 9, 2, 'x',\n  5, 5, 8\n]",
  ],
  [
    "closures of a loop keep their own let",
    ["const made = []; for (let i = 0; i < 3; i++) made.push(() => i);", "made.map((f) => f())"],
    "[ 0, 1, 2 ]",
  ],
  [
    "functions before their declaration",
    ["const early = hoisted();\nfunction hoisted() { return 3; }", "early + hoisted()"],
    "6",
  ],
  [
    "overloads and generics",
    [
      "function over(a: string): string;\nfunction over(a: number): string;\nfunction over<T>(a: T): string { return String(a); }",
      "over(1) + over('x')",
    ],
    "'1x'",
  ],
  [
    "enums and namespaces",
    [
      "enum E { A = 1, B = E.A << 1 }\nconst enum C { P = 4 }\nnamespace N { export let x = 1; export const read = () => N.x + x; }\nN.x = 2;",
      "[E.B, C.P, N.read()]",
    ],
    "[ 2, 4, 4 ]",
  ],
  [
    "namespaces of cells before the last",
    [
      "namespace Units { export let scale = 1; export interface Length { metres: number } }\nclass Star {}\nnamespace Star { export const sun = 'Sun'; }",
      "1",
      "Units.scale = 3;",
      "const length: Units.Length = { metres: Units.scale }; [length.metres, Star.sun, new Star() instanceof Star]",
    ],
    "[ 3, 'Sun', true ]",
  ],
  [
    "a namespace whose name is declared again",
    ["namespace Again { export const a = 1; }", "const Again = 'text';", "1", "Again.length"],
    "4",
  ],
  [
    "classes that extend an earlier one",
    [
      "abstract class Base<T> { constructor(readonly t: T) {} static who = 'base'; }",
      "class Derived extends Base<number> {}\n[new Derived(3).t, Derived.who]",
    ],
    "[ 3, 'base' ]",
  ],
  [
    "names of functions and classes",
    [
      "const f = () => 1, g = function () {}, K = class {};\nlet late: () => number; late = () => 2;",
      "[f.name, g.name, K.name, late.name]",
    ],
    "[ 'f', 'g', 'K', 'late' ]",
  ],
  [
    "a called name has no this",
    [
      "function self(this: unknown) { return this; }\nself() === globalThis",
      "const tag = function (this: unknown, ..._parts: unknown[]) { return this; };\n[self() === globalThis, (self)() === globalThis, tag`` === globalThis, self?.() === globalThis]",
    ],
    "[ true, true, true, true ]",
  ],
  [
    "declarations with the word export",
    [
      "export const one = 1; export interface Two { two: number }\nexport function three(): number { return one + 2; }",
      "export const one = 5; export class Four implements Two { two = three(); }",
      "const text = 'export const'; export { text as other };\n[one, new Four().two, text]",
    ],
    "[ 5, 7, 'export const' ]",
  ],
  [
    "a parameter of the same name is its own",
    ["let n = 1; const inner = (n: number) => { n += 1; return { n }; };", "[inner(5).n, n]"],
    "[ 6, 1 ]",
  ],
  [
    "names of the module system are names as others",
    ["const exports = 3; const f = (exports: number) => exports + n;", "[f(1), exports]"],
    "[ 2, 3 ]",
  ],
  [
    "a name that was an import",
    [
      "import { sep } from 'node:path'; const mine = () => sep;",
      "const sep = 5; sep",
      "import { sep } from 'node:path'; [sep, mine()]",
    ],
    "[ '/', '/' ]",
  ],
];

for (const [what, cells, value] of CASES) {
  test(what, async () => assert.equal(await valueAfter(...cells), value));
}

test("a timer of a cell that has ended goes on changing its variable", async () => {
  await valueAfter("let count = 0; const timer = setInterval(() => count++, 10);");
  assert.equal(
    await valueAfter(
      "const seen = count; while (count < seen + 3) await new Promise((r) => setTimeout(r, 5)); count > seen",
    ),
    "true",
  );
  assert.equal(
    await valueAfter(
      "count = -1e6;",
      "await new Promise((r) => setTimeout(r, 50)); clearInterval(timer); count > -1e6 && count < 0",
    ),
    "true",
  );
});

test("imports of earlier cells are live, their functions as those that the file changes", async () => {
  writeFileSync(
    join(client.folder, "counter.ts"),
    "export let n = 0;\nexport const add = () => ++n;\nexport default class { v = n; }\n",
  );
  await valueAfter(
    "import Box, * as all from './counter';\nimport { n as turns, add } from './counter';\nconst read = () => turns;",
  );
  assert.equal(await valueAfter("add(); add();", "[turns, all.n, read(), new Box().v]"), "[ 2, 2, 2, 2 ]");
});

test("a cell that fails or is interrupted before a declaration leaves the name as it was", async () => {
  await valueAfter("let kept = 1; const readKept = () => kept;");
  const { reply } = await client.execute("const fail = (): number => { throw new Error('x'); };\nlet kept = fail();");
  assert.equal(reply.evalue, "x");
  assert.equal(await valueAfter("[kept, readKept()]"), "[ 1, 1 ]");
});

test("messages of errors show names as they stand in the cell, at their place", async () => {
  await valueAfter("let nothing: any; const list: any = 5;");
  for (const [code, text, column] of [
    ["nothing.x", /^Cannot read properties of undefined/, 9],
    ["1;\nnothing()", /^nothing is not a function$/, 1],
    ["list.push(3)", /^list\.push is not a function$/, 6],
    ["for (const x of list);", /^list is not iterable$/, 17],
  ] as const) {
    const { reply } = await client.execute(code);
    assert.match(String(reply.evalue), text);
    const traceback = (reply.traceback as string[]).join("\n");
    assert.match(traceback, new RegExp(`cell\\[\\d+\\]:${code.split("\n").length}:${column}`), `${code}\n${traceback}`);
    assert.doesNotMatch(traceback, /__/);
  }
});

test("what a cell prints of an error it caught, or of a function, shows names as they stand in the cell", async () => {
  const { published } = await client.execute(
    "const five: any = 5; const call = () => five();\n" +
      "try { five(); } catch (error) { console.log(error.message, '|', String(error)); console.error(error); }\n" +
      "Promise.reject(new TypeError('(0 , __names__.five) is odd')).catch((error) => console.log(error.message));\n" +
      "call",
  );
  assert.equal(streamOf(published), "five is not a function | TypeError: five is not a function\nfive is odd\n");
  assert.match(streamOf(published, "stderr"), /^TypeError: five is not a function\n/);
  assert.equal(streamOf((await client.execute("console.log(String(call))")).published), "() => five()\n");
});

test("a loop over top-level variables takes nanoseconds a turn", async () => {
  const loop =
    "const t0 = performance.now(); for (let i = 0; i < 1e7; i++) total += i;\n(performance.now() - t0) / 10 < 100";
  assert.equal(await valueAfter("let total = 0;", loop), "true"); // 3 ns here; 600 ns when each assignment went through a proxy
});
