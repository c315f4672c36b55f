import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { singleCommunicator } from "../../src/distributed";
import { CommunicatorError, KernelError } from "../../src/errors";
import type { CellOutcome } from "../../src/kernel/channel";
import { guardWorld } from "../../src/kernel/guarded-world";
import { readAddress, writeAddress } from "../../src/kernel/rank-address";
import { foldRanks, RANKS_MIME, type RankBundle } from "../../src/kernel/rank-bundle";
import { rankList, ranksOfCell } from "../../src/kernel/rank-directive";
import { type RankOutcome, summarizeErrors } from "../../src/kernel/rank-errors";
import { RankQuestions } from "../../src/kernel/rank-questions";
import { RankRecord } from "../../src/kernel/rank-record";
import { type RankLink, RankServer } from "../../src/kernel/rank-server";
import { worldSize } from "../../src/kernel/world-size";
import { temporaryFolder } from "../temporary-folder";

const OK: CellOutcome = { status: "ok" };

test("the first line of a cell names its ranks", () => {
  assert.equal(ranksOfCell("1 + 1\n// %ranks 0", 4), undefined);
  assert.equal(ranksOfCell("// %ranks all\n1", 4), undefined);
  assert.deepEqual(ranksOfCell("// %ranks 2-3, 0\n1", 4), [0, 2, 3]);
  assert.deepEqual(ranksOfCell("  //%ranks 1", 2), [1]);
  assert.equal(rankList([0, 1, 2, 5, 7, 8]), "0-2, 5, 7-8");
  for (const [text, reason] of [
    ["0,4", "there is no rank 4"],
    ["", '"" is no rank'],
    ["1-", '"1-" is no rank'],
    ["3-1", "3-1 is empty"],
  ] as const) {
    assert.throws(() => ranksOfCell(`// %ranks ${text}`, 4), {
      name: "RangeError",
      message: `Cannot run the cell on ranks "${text}": ${reason}, expected 0 to 3, as in 0,2 or 0-1`,
    });
  }
});

test("the environment decides on the number of ranks, then the notebook, then the kernelspec", (t) => {
  const path = join(temporaryFolder(t), "a.ipynb");
  writeFileSync(path, JSON.stringify({ metadata: { asterolab: { ranks: 3 } }, cells: [] }));
  assert.equal(worldSize(2, {}), 2);
  assert.equal(worldSize(2, { JPY_SESSION_NAME: path }), 3);
  assert.equal(worldSize(2, { JPY_SESSION_NAME: `${path}.gone` }), 2);
  assert.equal(worldSize(2, { JPY_SESSION_NAME: path, ASTEROLAB_RANKS: "4" }), 4);
  assert.throws(
    () => worldSize(2, { ASTEROLAB_RANKS: "many" }),
    (error) => {
      assert.ok(error instanceof KernelError);
      assert.equal(error.message, 'Cannot start the ranks: ASTEROLAB_RANKS is "many", expected an integer above 0');
      return true;
    },
  );
});

test("ranks that gave the same are one group, however their text was cut", () => {
  const records = [0, 1, 2].map(() => new RankRecord());
  const [first, second, third] = records as [RankRecord, RankRecord, RankRecord];
  first.add({ kind: "stream", name: "stdout", text: "ab\n" });
  for (const text of ["a", "b\n"]) second.add({ kind: "stream", name: "stdout", text });
  third.add({ kind: "stream", name: "stdout", text: "other\n" });
  third.end({ status: "ok", result: { data: { "text/plain": "5" }, metadata: {} } });
  const folded = foldRanks(
    records.map((record, rank) => ({ rank, record, outcome: OK })),
    3,
  )!;
  const bundle = folded.data[RANKS_MIME] as RankBundle;
  assert.deepEqual(bundle, {
    version: 1,
    size: 3,
    shown: 0,
    groups: [
      { ranks: [0, 1], status: "ok" },
      {
        ranks: [2],
        status: "ok",
        outputs: [
          { output_type: "stream", name: "stdout", text: "other\n" },
          { output_type: "execute_result", data: { "text/plain": "5" }, metadata: {} },
        ],
      },
    ],
  });
  assert.equal(folded.data["text/plain"], "rank 1: the same as rank 0\nrank 2:\n    other\n    5");
  assert.ok(first.isEmpty && third.isEmpty, "the next cell begins anew");
});

test("a cell that gives nothing anywhere has no bundle, nor has one that ran on one rank", () => {
  const ends = [0, 1].map((rank) => ({ rank, record: new RankRecord(), outcome: OK }));
  assert.equal(foldRanks(ends, 2), undefined);
  ends[0]!.record.add({ kind: "stream", name: "stdout", text: "a" });
  assert.equal(foldRanks(ends.slice(0, 1), 2), undefined);
});

test("a display keeps its last state, and what is cleared is not kept", () => {
  const record = new RankRecord();
  const content = (text: string) => ({
    data: { "text/plain": text },
    metadata: {},
    transient: { display_id: "a" },
  });
  record.add({ kind: "stream", name: "stdout", text: "gone" });
  record.add({ kind: "clear", wait: false });
  record.add({ kind: "display", content: content("1"), isUpdate: false });
  record.add({ kind: "display", content: content("2"), isUpdate: true });
  assert.deepEqual(record.take(), [{ output_type: "display_data", data: { "text/plain": "2" }, metadata: {} }]);
});

test("text beyond the limit is counted, not kept, and still tells ranks apart", () => {
  const [one, other] = [new RankRecord(4), new RankRecord(4)];
  one.add({ kind: "stream", name: "stdout", text: "abcdef" });
  other.add({ kind: "stream", name: "stdout", text: "abcdeg" });
  assert.notEqual(one.fingerprint(), other.fingerprint());
  assert.deepEqual(one.take(), [
    { output_type: "stream", name: "stdout", text: "abcd" },
    { output_type: "stream", name: "stderr", text: "\n[asterolab] 2 more characters of this rank are not kept\n" },
  ]);
});

const failed = (rank: number, evalue: string): RankOutcome => ({
  rank,
  outcome: { status: "error", error: { ename: "RangeError", evalue, stack: `RangeError: ${evalue}` } },
  collectives: { begun: 0, pending: [] },
  wasStopped: false,
});
const stopped = (rank: number): RankOutcome => ({
  ...failed(rank, "stopped"),
  collectives: { begun: 1, pending: ["allreduce"] },
  wasStopped: true,
});

test("an error that all ranks share keeps its name; others are summarised, with who was stopped in what", () => {
  const shared = summarizeErrors([failed(0, "a"), failed(1, "a")], "all is well");
  assert.deepEqual([shared.ename, shared.evalue], ["RangeError", "a"]);
  assert.deepEqual(shared.parts, [{ heading: "[on ranks 0-1; all is well]" }, { stack: "RangeError: a" }]);
  const mixed = summarizeErrors([stopped(0), failed(1, "a"), stopped(2), failed(3, "b")], "restarted");
  const summary = "2 of 4 ranks failed (rank 1, rank 3): RangeError: a; restarted";
  assert.deepEqual([mixed.ename, mixed.evalue], ["RankError", summary]);
  assert.deepEqual(mixed.parts, [
    { heading: `RankError: ${summary}` },
    { heading: "rank 1:", stack: "RangeError: a" },
    { heading: "rank 3:", stack: "RangeError: b" },
    { heading: "ranks 0, 2: stopped, waiting in allreduce" },
  ]);
  const many = summarizeErrors(
    [0, 1, 2, 3, 4, 5].map((rank) => failed(rank, `error ${rank}`)),
    "x",
  );
  assert.deepEqual(many.parts!.at(-1), { heading: "and 2 more errors" });
});

test("the guarded world counts calls, refuses them in a cell of few ranks, and never ends the process", async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const world = guardWorld({ ...singleCommunicator(), size: 2, barrier: () => held });
  const waiting = world.comm.barrier();
  await world.comm.allreduce(Float64Array.of(1), "sum");
  assert.deepEqual(world.state(), { begun: 2, pending: ["barrier"] });
  release();
  await waiting;
  await world.settled(1000);
  assert.deepEqual(world.state(), { begun: 2, pending: [] });
  world.setRunning([1]);
  await assert.rejects(world.comm.gather(Float64Array.of(1)), (error) => {
    assert.ok(error instanceof CommunicatorError);
    const text = "Cannot call gather in a cell that runs on rank 1: all 2 ranks must take part";
    assert.equal(error.message, text);
    return true;
  });
  assert.throws(() => world.comm.abort("over"), { name: "CommunicatorError", message: "over" });
});

test("a question that ranks ask at the same place is put once, others after it", () => {
  const asked: string[] = [];
  const answers: [number, string][] = [];
  const questions = new RankQuestions(
    ({ prompt }) => asked.push(prompt),
    (rank, { value }) => answers.push([rank, value]),
  );
  questions.take(0, { prompt: "name?", isPassword: false });
  questions.take(1, { prompt: "name?", isPassword: false });
  questions.take(2, { prompt: "age?", isPassword: false });
  assert.deepEqual(asked, ["name?"]);
  questions.settle({ value: "a" });
  questions.settle({ value: "b" });
  assert.deepEqual(asked, ["name?", "age?"]);
  questions.take(3, { prompt: "name?", isPassword: false });
  assert.deepEqual(answers, [
    [0, "a"],
    [1, "a"],
    [2, "b"],
    [3, "a"],
  ]);
});

test("only who has the token is a rank, and each rank only once", async (t) => {
  let opened: (link: RankLink) => void = () => undefined;
  const rank = new Promise<RankLink>((resolve) => {
    opened = resolve;
  });
  const ignore = (): void => undefined;
  const server = await RankServer.listen({ ranks: 2, onRank: opened, onMessage: ignore, onClose: ignore });
  t.after(() => server.close());
  const { host, port, token } = readAddress(writeAddress(server.address));
  const open = (hello: object): Socket =>
    connect({ host, port }, function (this: Socket) {
      this.write(`${JSON.stringify(hello)}\n`);
    }).on("error", ignore);
  const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once("close", () => resolve()));
  const right = { token, rank: 1, pid: 5, isNativeHeard: false };
  const accepted = ["messages", "requests", "control", "input"].map((channel) => open({ ...right, channel }));
  assert.equal((await rank).rank, 1);
  for (const wrong of [
    { ...right, channel: "messages" },
    { ...right, pid: 6, channel: "input" },
    { ...right, rank: 0, token: token.replace(/./g, "0"), channel: "messages" },
    { ...right, rank: 2, channel: "messages" },
    { ...right, rank: 0, channel: "other" },
    {},
  ]) {
    await closed(open(wrong));
  }
  assert.ok(accepted.every((socket) => !socket.destroyed));
  const all = Promise.all(accepted.map(closed));
  server.close();
  await all;
});
