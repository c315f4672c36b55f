/** However many ranks share a batch, the run is the same: cases for every MPI. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { loadCheckpointFile } from "../../src/checkpoint";
import type { ConfigSpec } from "../../src/config";
import type { Implementation } from "../../src/distributed/addon";
import { train } from "../../src/train/loop";
import { temporaryFolder } from "../data/make-shard";
import { skipOf } from "../engines";
import { tinyConfig, writeTinyData } from "../train/tiny-run";
import { resultOf } from "./failure-cases";
import { type Ended, findMpi, launchRanks } from "./launch-ranks";
import type { TrainRankArgument } from "./ranks/train-rank";

/** 18 spectra: steps of 5, 5, 5 and 3, so that shares differ, and on three and four ranks some have no row. */
const DATA = { shards: 3, rows: 9 };
const SPEC = { num_epochs: 13, num_batchsize: 5, dropout: 0.2 };
const STEPS = 52;
const RTOL = 1e-5;

export function testSameResult(implementation: Implementation, rankCounts: readonly number[]): void {
  const { mpirun, skip } = findMpi(implementation);

  const onRanks = (ranks: number, argument: TrainRankArgument): Promise<Ended> =>
    launchRanks(mpirun!, { ranks, script: "train-rank.ts", argument });

  async function alone(
    t: TestContext,
    data: string,
    spec: ConfigSpec,
    { path, restore }: { path: string; restore: boolean } = { path: temporaryFolder(t), restore: false },
  ): Promise<{ losses: number[]; validation: number }> {
    const losses: number[] = [];
    const { validation } = await train(tinyConfig(data, { engine: "native", threads: 1, ...spec }), {
      path,
      restore,
      onEvent: (event) => event.kind === "train" && losses.push(event.loss),
    });
    return { losses, validation: validation!.loss };
  }

  function assertSame(ended: Ended, expected: { losses: number[]; validation: number }, steps: number): void {
    assert.equal(ended.code, 0, ended.stderr);
    const { losses, step, validation } = resultOf(ended);
    assert.equal(step, steps);
    assertLosses(losses, expected.losses);
    assert.ok(Math.abs(validation.loss / expected.validation - 1) <= RTOL, `validation loss ${validation.loss}`);
    assert.equal(validation.rows, DATA.rows);
  }

  for (const { name, spec, counts } of [
    { name: "one batch a step", spec: SPEC, counts: rankCounts },
    { name: "accumulated batches", spec: { ...SPEC, accumulate: 2, num_epochs: 3 }, counts: rankCounts.slice(-1) },
  ]) {
    test(`${implementation}: ${counts.join(", ")} ranks give the losses and weights of one, with ${name}`, {
      skip,
    }, async (t) => {
      const data = writeTinyData(temporaryFolder(t), DATA);
      const pathOfOne = temporaryFolder(t);
      const expected = await alone(t, data, spec, { path: pathOfOne, restore: false });
      for (const ranks of counts) {
        const path = temporaryFolder(t);
        assertSame(await onRanks(ranks, { data, path, spec }), expected, expected.losses.length);
        assert.deepEqual(
          await weightsIn(path),
          await weightsIn(pathOfOne),
          `the weights of ${ranks} ranks, bit for bit`,
        );
      }
      if (spec === SPEC) assert.equal(expected.losses.length, STEPS);
    });
  }

  for (const engine of ["cpu", "tensorflow"] as const) {
    test(`${implementation}: the ${engine} engine, which keeps its gradients elsewhere, gives the same`, {
      skip: skip || skipOf(engine),
    }, async (t) => {
      const data = writeTinyData(temporaryFolder(t), DATA);
      const spec = { ...SPEC, engine, num_epochs: 1, filters: [2, 2] };
      assertSame(await onRanks(2, { data, path: temporaryFolder(t), spec }), await alone(t, data, spec), 4);
    });
  }

  test(`${implementation}: a run of two ranks goes on with four, and then with one`, { skip }, async (t) => {
    const data = writeTinyData(temporaryFolder(t), DATA);
    const spec = { ...SPEC, num_epochs: 3 };
    const expected = await alone(t, data, spec);
    const path = temporaryFolder(t);
    const two = await onRanks(2, { data, path, spec, stopAt: 2 });
    assert.equal(two.code, 0, two.stderr);
    // Asked for within step 2, agreed on with step 3.
    assert.deepEqual([resultOf(two).stopped, resultOf(two).step], ["interrupted", 3]);
    assert.equal((await loadCheckpointFile(join(path, "checkpoint.pth"))).state!.worldSize, 2);
    const four = await onRanks(4, { data, path, spec, restore: true, stopAt: 6 });
    assert.equal(four.code, 0, four.stderr);
    assert.equal(resultOf(four).step, 7);
    for (const rank of [0, 1, 2, 3]) {
      assert.match(readFileSync(join(path, `rank-${rank}.log`), "utf8"), new RegExp(`rank ${rank} of 4 on `));
    }
    const one = await alone(t, data, spec, { path, restore: true });
    const losses = [...resultOf(two).losses, ...resultOf(four).losses, ...one.losses];
    assertLosses(losses, expected.losses);
    assert.ok(Math.abs(one.validation / expected.validation - 1) <= RTOL);
  });

  test(`${implementation}: a deterministic run gives the same weights, bit for bit`, { skip }, async (t) => {
    const data = writeTinyData(temporaryFolder(t), DATA);
    const spec = { ...SPEC, num_epochs: 2, deterministic: true };
    const weights = await Promise.all(
      [0, 1].map(async () => {
        const path = temporaryFolder(t);
        const ended = await onRanks(3, { data, path, spec });
        assert.equal(ended.code, 0, ended.stderr);
        return weightsIn(path);
      }),
    );
    assert.deepEqual(weights[0], weights[1]);
  });
}

async function weightsIn(path: string): Promise<ReadonlyMap<string, unknown>> {
  return (await loadCheckpointFile(join(path, "model.pth"))).model;
}

function assertLosses(losses: readonly number[], expected: readonly number[]): void {
  assert.equal(losses.length, expected.length);
  losses.forEach((loss, index) => {
    const wanted = expected[index]!;
    assert.ok(Math.abs(loss / wanted - 1) <= RTOL, `the loss of step ${index + 1} is ${loss}, expected ${wanted}`);
  });
}
