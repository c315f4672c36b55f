import assert from "node:assert/strict";
import { test } from "node:test";
import type { CellOutcome, UserMessage } from "../../src/kernel/channel";
import { RankCells } from "../../src/kernel/rank-cells";
import { temporaryFolder } from "../data/make-shard";
import { findMpi } from "../distributed/launch-ranks";
import { isAlive, processesUnder } from "../notebook/notebook-builder";

/** Cells as the compiler gives them, on ranks without a front around them. */
class Ranks {
  readonly started: boolean[] = [];
  readonly messages: UserMessage[] = [];
  private settle: (end: { reason?: string; outcome?: CellOutcome }) => void = () => undefined;
  readonly cells: RankCells;
  private count = 0;

  constructor(folder: string, ranks = 2) {
    const onStart = (hasStarted: boolean): void => void this.started.push(hasStarted);
    this.cells = new RankCells(
      { folder, ranks, isDelayed: false, onStart },
      {
        onMessage: (message) => {
          this.messages.push(message);
          if (message.kind === "end") this.settle({ outcome: message.outcome });
        },
        onEnd: (reason, outcome) => this.settle({ reason, outcome }),
      },
    );
  }

  run(code: string): Promise<{ reason?: string; outcome?: CellOutcome }> {
    return new Promise((resolve) => {
      this.settle = resolve;
      const cell = { file: `cell[${++this.count}]`, code, files: [] };
      this.cells.run({ kind: "run", cell, allowStdin: false, isSilent: false }, code);
    });
  }

  /** Waits until rank 0 has printed something that contains the text. */
  async printed(text: string): Promise<void> {
    while (!this.messages.some((message) => message.kind === "stream" && message.text.includes(text))) await sleep(50);
  }
}

const BEGUN = "const comm = await globalThis[Symbol.for('asterolab.world')];\nconsole.log('begun');\n";

for (const implementation of ["openmpi", "mpich"] as const) {
  const { mpirun, skip } = findMpi(implementation);

  test(`${implementation}: when mpirun is killed, its ranks end, and the cell says so`, { skip }, async (t) => {
    process.env.ASTEROLAB_MPIRUN = mpirun!.command;
    const ranks = new Ranks(temporaryFolder(t));
    t.after(() => ranks.cells.stop());
    const end = ranks.run(`${BEGUN}for (;;);`);
    await ranks.printed("begun");
    const started = processesUnder(process.pid);
    assert.ok(started.length >= 3, "mpirun and two ranks");
    process.kill(started[0]!, "SIGKILL");
    assert.match((await end).reason!, /; the ranks have been restarted, and all variables are gone$/);
    await gone(started);
  });

  test(`${implementation}: an interrupt of ranks that wait for each other in vain restarts them`, {
    skip,
  }, async (t) => {
    process.env.ASTEROLAB_MPIRUN = mpirun!.command;
    const ranks = new Ranks(temporaryFolder(t));
    t.after(() => ranks.cells.stop());
    const end = ranks.run(`${BEGUN}await (comm.rank === 0 ? comm.barrier() : new Promise(() => undefined));`);
    await ranks.printed("begun");
    await sleep(1000);
    const started = processesUnder(process.pid);
    assert.ok(started.length >= 3, "mpirun and two ranks");
    ranks.cells.interrupt();
    const { reason, outcome } = await end;
    assert.match(reason!, /^out of step \(rank 0 made 1 calls to all ranks, rank 1 0\): the ranks have been restarted/);
    assert.equal(outcome?.status === "error" && outcome.error.ename, "KeyboardInterrupt");
    await gone(started);
  });

  test(`${implementation}: a rank that leaves is named with its exit code`, { skip }, async (t) => {
    process.env.ASTEROLAB_MPIRUN = mpirun!.command;
    const ranks = new Ranks(temporaryFolder(t));
    t.after(() => ranks.cells.stop());
    const end = ranks.run(`${BEGUN}if (comm.rank === 1) process.exit(3);\nawait comm.barrier();`);
    assert.match((await end).reason!, /^rank 1 \(process \d+\) left with exit code 3; the ranks have been restarted/);
    assert.deepEqual(ranks.started, [true, true]);
  });
}

test("ranks that cannot be started are told with the reason", async (t) => {
  process.env.ASTEROLAB_MPIRUN = "/no/such/mpirun";
  t.after(() => {
    delete process.env.ASTEROLAB_MPIRUN;
  });
  const ranks = new Ranks(temporaryFolder(t));
  const { reason } = await ranks.run("1");
  assert.match(
    reason!,
    /^the ranks could not be started: Cannot start 2 ranks: no mpirun is found; run .*; the next cell tries again$/,
  );
  assert.deepEqual(ranks.started, [false]);
});

/** Waits up to a minute: the machine may be busy. */
async function gone(pids: readonly number[]): Promise<void> {
  for (let attempt = 0; attempt < 600 && pids.some(isAlive); attempt++) await sleep(100);
  assert.deepEqual(pids.filter(isAlive), []);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
