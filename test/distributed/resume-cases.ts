/** A run of several ranks that is cut at random steps and restored is the uncut run, bit for bit: cases for every MPI. */

import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import type { Implementation } from "../../src/distributed/addon";
import { Random } from "../../src/random";
import { temporaryFolder } from "../data/make-shard";
import { hashOf } from "../reliability/cut-runs";
import { writeTinyData } from "../train/tiny-run";
import { resultOf } from "./failure-cases";
import { findMpi, launchRanks } from "./launch-ranks";

const RANKS = 2;
/** 16 spectra in steps of 5, 5, 5 and 1: in the last step of an epoch one rank has no row. */
const SPEC = { num_epochs: 4, num_batchsize: 5, dropout: 0.2, checkpoint_every_steps: 3 };
const STEPS = 16;
const TIMEOUT_MS = 300_000;

export function testResume(implementation: Implementation, cuts: number): void {
  const { mpirun, skip } = findMpi(implementation);

  test(`${implementation}: cut at random steps and restored on ${RANKS} ranks, a run ends in the same bits`, {
    skip,
  }, async (t) => {
    const seed = Date.now() % 1_000_000;
    const random = new Random(seed);
    const data = writeTinyData(temporaryFolder(t));
    const runOn = async (path: string, restore: boolean, stopAt?: number) => {
      const argument = { data, path, spec: { ...SPEC, seed }, restore, stopAt };
      const ended = await launchRanks(mpirun!, {
        ranks: RANKS,
        script: "train-rank.ts",
        argument,
        timeoutMs: TIMEOUT_MS,
      });
      assert.equal(ended.code, 0, ended.stderr);
      return resultOf(ended);
    };
    const whole = temporaryFolder(t);
    const { step, losses } = await runOn(whole, false);
    assert.equal(step, STEPS);

    const path = temporaryFolder(t);
    const steps: number[] = [];
    const joined: number[] = [];
    for (let cut = 0; cut <= cuts; cut++) {
      const done = steps.at(-1) ?? 0;
      // Rank 1 asks within a step, and all agree with the next one; there is one more after that.
      const isLast = cut === cuts || done > STEPS - 4;
      const result = await runOn(path, cut > 0, isLast ? undefined : done + 1 + random.integer(STEPS - 3 - done));
      steps.push(result.step);
      joined.push(...result.losses);
      assert.equal(result.stopped, isLast ? "finished" : "interrupted");
      if (isLast) break;
    }
    const where = `seed ${seed}, cut after steps ${steps.slice(0, -1).join(", ")} of ${STEPS}`;
    assert.deepEqual(joined, losses, where);
    assert.equal(await hashOf(join(path, "model.pth")), await hashOf(join(whole, "model.pth")), where);
  });
}
