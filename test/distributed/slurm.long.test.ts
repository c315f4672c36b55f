/** Ranks that a real Slurm starts, warns, cancels and loses. */

import assert from "node:assert/strict";
import test from "node:test";
import { loadCheckpointFile } from "../../src/checkpoint";
import { train } from "../../src/train/loop";
import { readMetrics } from "../../src/train/metrics-file";
import { temporaryFolder } from "../data/make-shard";
import { tinyConfig } from "../train/tiny-run";
import { assertGone, findMpi } from "./launch-ranks";
import {
  assertInterruptedTogether,
  configure,
  logOf,
  outputOf,
  prepareRun,
  ranksOf,
  submitExample,
} from "./slurm-cases";
import { interfacesOf, startCluster, whyNoSlurm } from "./slurm-cluster";

const LONG = { num_epochs: 100_000, checkpoint_every_steps: 3, keep: 1 };
/** The two nodes are one machine, whose ranks Open MPI would look for at any address but loopback's. */
const ENV = { OMPI_MCA_btl_tcp_if_include: "lo" };
const openmpi = findMpi("openmpi").skip;
const mpich = findMpi("mpich").skip;

test("Slurm", { skip: whyNoSlurm(), concurrency: 4 }, async (t) => {
  const cluster = await startCluster(t);
  const interfaces = await interfacesOf(cluster);
  const noPmix = openmpi || (!interfaces.includes("pmix") && "this Slurm has no pmix");
  const noPmi2 = mpich || (!interfaces.includes("pmi2") && "this Slurm has no pmi2");
  const tests: Promise<void>[] = [];

  for (const [mpi, library, skip] of [
    ["pmix", "Open MPI", noPmix],
    ["pmi2", "MPICH", noPmi2],
  ] as const) {
    tests.push(
      t.test(
        `srun --mpi=${mpi}: two ranks on two nodes train to the losses of one, with ${library}`,
        {
          skip,
        },
        async (t) => {
          const { path, config, data } = prepareRun(t, { num_epochs: 2 });
          const command = ["srun", `--mpi=${mpi}`, "--nodes=2", "--ntasks=2", "node", "bin/asterolab.js", "train"];
          const ran = await cluster.run([...command, "--restore", "no", "--path", path, "--config", config], ENV);
          assert.equal(ran.code, 0, ran.stderr);
          assert.equal(ran.stdout.match(/^finished: 2 epochs, 8 steps/gm)?.length, 1);
          assert.match(logOf(path, 1), new RegExp(`rank 1 of 2 on .*${library}`));
          const expected: number[] = [];
          await train(tinyConfig(data, { engine: "native", threads: 1, num_epochs: 2 }), {
            path: temporaryFolder(t),
            restore: false,
            onEvent: (event) => event.kind === "train" && expected.push(event.loss),
          });
          const losses = (await readMetrics(path)).flatMap((record) => (record.kind === "train" ? [record.loss] : []));
          assert.equal(losses.length, expected.length);
          losses.forEach((loss, index) => {
            const difference = Math.abs(loss / expected[index]! - 1);
            assert.ok(difference <= 1e-5, `loss ${loss} of step ${index + 1}, expected ${expected[index]}`);
          });
        },
      ),
    );
  }

  for (const [mpi, env, message, skip] of [
    [
      "none",
      {},
      "srun started 2 processes without an interface by which they find each other; under srun, Open MPI joins with",
      openmpi,
    ],
    [
      "pmix",
      { ASTEROLAB_MPI: "mpich" },
      "srun --mpi=pmix started 2 processes, but MPICH.*, with which the addon was built, sees each alone;.* under srun, Open MPI joins with",
      mpich || noPmix,
    ],
  ] as const) {
    const words = ["srun", `--mpi=${mpi}`, ...Object.entries(env).map((pair) => pair.join("="))].join(" ");
    tests.push(
      t.test(`${words}: ranks that cannot find each other are refused, with what to ask for`, { skip }, async (t) => {
        const { path, config } = prepareRun(t, { num_epochs: 2 });
        const command = ["srun", `--mpi=${mpi}`, "--ntasks=2", "node", "bin/asterolab.js", "train"];
        const ran = await cluster.run([...command, "--restore", "no", "--path", path, "--config", config], env);
        assert.equal(ran.code, 2, ran.stderr);
        assert.match(ran.stderr, new RegExp(`^asterolab: Cannot join the ranks: ${message} --mpi=pmix`, "m"));
      }),
    );
  }

  tests.push(
    t.test(
      "Slurm's warning (USR1): all ranks save at the same step and end well; the next job goes on",
      {
        skip: noPmix,
      },
      async (t) => {
        const run = prepareRun(t, LONG);
        const first = await submitExample(cluster, run);
        const pids = await ranksOf(run);
        await cluster.run(["scancel", "--signal=USR1", first]);
        const { state, exitCode } = await cluster.ended(first);
        assert.deepEqual([state, exitCode], ["COMPLETED", "0:0"], outputOf(run.output));
        await assertInterruptedTogether(run);
        await assertGone(pids);
        const { step, epoch } = (await loadCheckpointFile(`${run.path}/checkpoint.pth`)).state!;
        configure(run, { ...LONG, num_epochs: epoch + 1 });
        const second = await submitExample(cluster, run);
        assert.equal((await cluster.ended(second)).state, "COMPLETED", outputOf(run.output));
        assert.match(
          logOf(run.path, 0),
          new RegExp(`continues from ".*checkpoint\\.pth" after epoch ${epoch}, step ${step}`),
        );
        assert.match(outputOf(run.output), new RegExp(`^finished: ${epoch + 1} epochs`, "m"));
      },
    ),
    t.test("scancel: all ranks save at the same step, and none is left", { skip: noPmi2 }, async (t) => {
      const run = prepareRun(t, LONG);
      const job = await submitExample(cluster, run, [["--mpi=pmix", "--mpi=pmi2"]]);
      const pids = await ranksOf(run);
      await cluster.run(["scancel", job]);
      assert.equal((await cluster.ended(job)).state, "CANCELLED", outputOf(run.output));
      await assertGone(pids);
      await assertInterruptedTogether(run);
    }),
  );
  for (const kill of [1, 0]) {
    tests.push(
      t.test(
        `a rank that is killed ends the job within half a minute (--kill-on-bad-exit=${kill})`,
        {
          skip: noPmix,
        },
        async (t) => {
          const run = prepareRun(t, LONG);
          const job = await submitExample(cluster, run, [["--kill-on-bad-exit=1", `--kill-on-bad-exit=${kill}`]]);
          const pids = await ranksOf(run);
          process.kill(pids[1]!, "SIGKILL");
          const killedAt = Date.now();
          const { state, endedAt } = await cluster.ended(job);
          assert.equal(state, "FAILED", outputOf(run.output));
          const seconds = (endedAt - killedAt) / 1000;
          assert.ok(seconds < 30, `the job ended ${seconds} s after the kill`);
          assert.match(outputOf(run.output), /task 1: Killed|rank 1 on .* ended without a word: it was killed/);
          await assertGone(pids);
        },
      ),
    );
  }
  await Promise.all(tests);
});
