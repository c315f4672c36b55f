/** What the kernel of ranks does, through Jupyter's protocol, on real ranks: cases for every MPI. */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import type { Implementation } from "../../src/distributed/addon";
import { RANKS_MIME, type RankBundle } from "../../src/kernel/rank-bundle";
import type { Message } from "../../src/notebook/wire";
import { findMpi } from "../distributed/launch-ranks";
import { isAlive, processesUnder } from "../notebook/notebook-builder";
import { temporaryFolder } from "../temporary-folder";
import { type Answer, resultOf, streamOf, TestClient, typesOf } from "./test-client";

/** What `openWorld` gives, without the seconds that loading the package takes. */
const OPEN = `
const world: any = (globalThis as any)[Symbol.for("asterolab.world")];
const comm = await world;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));`;

export function testKernelOfRanks(implementation: Implementation): void {
  const { mpirun, skip } = findMpi(implementation);
  const start = (env: Readonly<Record<string, string>> = {}): Promise<TestClient> =>
    TestClient.start({
      kernel: "asterolab-mpi",
      env: { ASTEROLAB_RANKS: "2", ASTEROLAB_MPIRUN: mpirun!.command, ASTEROLAB_HANG_SECONDS: "600", ...env },
    });

  test(`${implementation}: a kernel that ends while its ranks start leaves no pipes behind`, { skip }, async (t) => {
    const folder = temporaryFolder(t);
    const client = await start({ TMPDIR: folder });
    t.after(() => client.stop());
    const pipes = (): string[] => readdirSync(folder).filter((name) => name.startsWith("asterolab-"));
    await client.until(() => pipes().length > 0);
    await client.stop();
    assert.deepEqual(pipes(), []);
  });

  test(`${implementation}: cells on two ranks`, { skip }, async (t) => {
    const client = await start();
    t.after(() => client.stop());
    const run = async (code: string): Promise<Answer> => {
      const answer = await client.execute(code);
      assert.equal(answer.reply.evalue, undefined);
      return answer;
    };

    await t.test("the kernel says what it is, and a cell that gives nothing shows nothing", async () => {
      const { reply } = await client.ask("kernel_info_request", {});
      assert.equal(reply.implementation, "asterolab-mpi");
      assert.match(String(reply.banner), /Each cell runs on 2 ranks/);
      assert.deepEqual(typesOf((await run(OPEN)).published), ["busy", "execute_input", "idle"]);
    });

    await t.test("what rank 0 prints is there while the cell runs", async () => {
      const id = client.send("shell", "execute_request", {
        code: "console.log('begun'); while (!(globalThis as any).isOver) await sleep(20); console.log('over');",
      });
      await client.until(() => streamOf(client.of(id)) === "begun\n");
      assert.ok(!typesOf(client.of(id)).includes("idle"));
      await client.ask("interrupt_request", {}, "control");
      assert.equal((await client.answerTo(id)).reply.ename, "KeyboardInterrupt");
    });

    await t.test("a sum over ranks; what ranks give alike is folded", async () => {
      const { published } = await run(
        "const sum = Float64Array.of(comm.rank + 1);\nawait comm.allreduce(sum, 'sum');\nconsole.log('same');\nsum[0]",
      );
      assert.deepEqual(typesOf(published).slice(2), ["stream", "execute_result", "display_data", "idle"]);
      assert.equal(streamOf(published), "same\n");
      assert.equal(resultOf(published), "3");
      const { bundle, text } = ranksOf(published);
      assert.deepEqual(bundle, { version: 1, size: 2, shown: 0, groups: [{ ranks: [0, 1], status: "ok" }] });
      assert.equal(text, "rank 1: the same as rank 0");
    });

    await t.test("what differs is kept by rank, native output and displays among it", async () => {
      const { published } = await run(
        "import { writeSync } from 'node:fs';\nimport { display } from 'tslab';\n" +
          "console.log('rank', comm.rank);\nconsole.error('to stderr');\n" +
          "display.markdown('of ' + comm.rank);\nwriteSync(1, 'native ' + comm.rank + '\\n');\nundefined",
      );
      assert.equal(streamOf(published).replace("native 0\n", ""), "rank 0\n");
      const { bundle, text } = ranksOf(published);
      assert.deepEqual(
        bundle.groups.map(({ ranks }) => ranks),
        [[0], [1]],
      );
      const outputs = bundle.groups[1]!.outputs!;
      const printed = outputs.map((output) => (output.output_type === "stream" ? output.text : "")).join("");
      assert.match(printed, /rank 1\n/);
      assert.match(printed, /native 1\n/);
      assert.match(printed, /to stderr\n/);
      const shown = outputs.find(({ output_type: type }) => type === "display_data") as { data: unknown };
      assert.deepEqual(shown.data, { "text/markdown": "of 1" });
      assert.match(text, /^rank 1:\n {4}rank 1\n/);
    });

    await t.test("a name is one binding on each rank, for functions of earlier cells too", async () => {
      await run("let turn = comm.rank; const bump = () => { turn += 10; };");
      await run("turn *= 2; bump();");
      const { published } = await run("turn + 0");
      assert.equal(resultOf(published), "10");
      assert.match(ranksOf(published).text, /^rank 1:\n {4}12$/m);
    });

    await t.test("a directive runs a cell on few ranks", async () => {
      const { published } = await run("// %ranks 1\nlet here = comm.rank;\nhere");
      assert.deepEqual(typesOf(published).slice(2), ["execute_result", "idle"]);
      assert.equal(resultOf(published), "1");
      assert.match(ranksOf((await run("String(here)")).published).text, /^rank 1:\n {4}'1'$/);
      const wrong = (await client.execute("// %ranks 2\n1")).reply;
      assert.equal(
        wrong.evalue,
        'Cannot run the cell on ranks "2": there is no rank 2, expected 0 to 1, as in 0,2 or 0-1',
      );
      const alone = (await client.execute("// %ranks 0\nawait comm.barrier();")).reply;
      assert.match(
        String(alone.evalue),
        /^Cannot call barrier in a cell that runs on rank 0: all 2 ranks must take part/,
      );
    });

    await t.test("a question that all ranks ask is put once", async () => {
      let count = 0;
      client.onInput = () => `answer ${++count}`;
      const { published } = await client.execute("prompt('name?')", { allow_stdin: true });
      assert.equal(resultOf(published), "'answer 1'");
      assert.equal(ranksOf(published).text, "rank 1: the same as rank 0");
      assert.equal(count, 1);
    });

    await t.test("an error of all ranks is one, and variables stay", async () => {
      const { reply, published } = await client.execute("let kept = 5 + comm.rank;\nthrow new TypeError('on both');");
      assert.deepEqual([reply.ename, reply.evalue], ["TypeError", "on both"]);
      const [heading, first] = reply.traceback as string[];
      assert.equal(heading, "[on ranks 0-1; the ranks are in step, and variables keep what they held]");
      assert.equal(first, "TypeError: on both");
      assert.deepEqual(published.find(({ header }) => header.msg_type === "error")!.content.traceback, reply.traceback);
      assert.equal(resultOf((await run("kept")).published), "5");
    });

    await t.test("an error of one rank names it; with the ranks in step, the kernel goes on", async () => {
      const { reply } = await client.execute("if (comm.rank === 1) throw new RangeError('only here');");
      assert.equal(reply.ename, "RankError");
      assert.equal(
        reply.evalue,
        "1 of 2 ranks failed (rank 1): RangeError: only here; the ranks are in step, and variables keep what they held",
      );
      assert.match((reply.traceback as string[]).join("\n"), /rank 1:\nRangeError: only here\n--> cell\[\d+\]:1\n/);
      assert.equal(resultOf((await run("kept")).published), "5");
    });

    await t.test("an interrupt reaches all ranks, whatever each does; variables stay", async () => {
      const id = client.send("shell", "execute_request", {
        code: "let step = 0;\nconsole.log('begun');\nif (comm.rank === 1) for (;;) step++;\nawait sleep(600_000);",
      });
      await client.until(() => streamOf(client.of(id)) === "begun\n");
      await sleep(500);
      await client.ask("interrupt_request", {}, "control");
      const { reply } = await client.answerTo(id);
      assert.equal(reply.ename, "KeyboardInterrupt");
      assert.match((reply.traceback as string[])[0]!, /^\[on ranks 0-1; the ranks are in step/);
      assert.equal(resultOf((await run("kept + (step >= 0 ? 1 : 0)")).published), "6");
    });

    await t.test("one rank fails while the other waits for it: the cell ends within 10 s with the cause", async () => {
      const id = client.send("shell", "execute_request", {
        code:
          "console.log('begun');\nif (comm.rank === 1) throw new Error('the roof fell in');\n" +
          "await comm.allreduce(Float64Array.of(1), 'sum');",
      });
      await client.until(() => streamOf(client.of(id)) === "begun\n");
      const startedAt = performance.now();
      const { reply } = await client.answerTo(id);
      const seconds = (performance.now() - startedAt) / 1000;
      assert.ok(seconds < 10, `the cell ended after ${seconds} s`);
      assert.equal(reply.ename, "RankError");
      assert.match(
        String(reply.evalue),
        /^1 of 2 ranks failed \(rank 1\): Error: the roof fell in; out of step .*: the ranks have been restarted, and all variables are gone$/,
      );
      assert.equal((reply.traceback as string[]).at(-1), "rank 0: stopped, waiting in allreduce");
      assert.match(String((await client.execute("kept")).reply.evalue), /Cannot find name 'kept'/);
    });

    await t.test("a rank that is killed ends the cell with the reason; the next cell runs on new ranks", async () => {
      await run(OPEN);
      const code = "if (comm.rank === 1) process.kill(process.pid, 'SIGKILL');\nawait comm.barrier();";
      const { reply } = await client.execute(code);
      assert.equal(reply.ename, "ProcessEnded");
      assert.match(
        String(reply.evalue),
        /^rank 1 \(process \d+\) was killed, or crashed; the ranks have been restarted/,
      );
      assert.equal(resultOf((await run("1 + 1")).published), "2");
    });

    await t.test("a shutdown leaves no process", async () => {
      const started = processesUnder(client.process.pid!);
      assert.ok(started.length >= 3, "mpirun and two ranks");
      await client.stop();
      await gone(started);
    });
  });

  test(`${implementation}: when the front is killed, no rank is left, whatever it does`, { skip }, async () => {
    const client = await start();
    const id = client.send("shell", "execute_request", { code: `${OPEN}\nconsole.log('begun');\nfor (;;);` });
    await client.until(() => streamOf(client.of(id)) === "begun\n");
    const started = processesUnder(client.process.pid!);
    assert.ok(started.length >= 3, "mpirun and two ranks");
    client.process.kill("SIGKILL");
    await gone(started);
    await client.stop();
  });
}

function ranksOf(published: readonly Message[]): { bundle: RankBundle; text: string } {
  const message = published.find(({ content }) => RANKS_MIME in ((content.data as object | undefined) ?? {}));
  assert.ok(message, "there is no bundle of ranks");
  const data = message.content.data as Record<string, unknown>;
  return { bundle: data[RANKS_MIME] as RankBundle, text: String(data["text/plain"]) };
}

/** Waits up to half a minute: the machine may be busy. */
async function gone(pids: readonly number[]): Promise<void> {
  for (let attempt = 0; attempt < 300 && pids.some(isAlive); attempt++) await sleep(100);
  assert.deepEqual(pids.filter(isAlive), []);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
