import assert from "node:assert/strict";
import { availableParallelism, hostname } from "node:os";
import test from "node:test";
import { singleCommunicator } from "../../src/distributed";
import { agree, broadcastValue, orderedSum, requireEqual } from "../../src/distributed/agree";
import { assertGone, findMpi, launchRanks } from "./launch-ranks";

for (const implementation of ["openmpi", "mpich"] as const) {
  const { mpirun, skip } = findMpi(implementation);
  test(`${implementation}: three ranks broadcast, reduce, gather and agree`, { skip }, async () => {
    const ended = await launchRanks(mpirun!, { ranks: 3, script: "communicator-rank.ts", argument: null });
    assert.equal(ended.code, 0, ended.stderr);
    await assertGone(ended.pids);
    const results = [...ended.stdout.matchAll(/^result (.*)$/gm)].map(([, text]) => JSON.parse(text!));
    assert.deepEqual(results.map(({ rank }) => rank).sort(), [0, 1, 2]);
    const numbers = { sum: [3, 3.375, 3.75, 4.125, 4.5], max: [7, 7, 7], sent: [200, 201, 202, 203] };
    for (const { rank, failed, ...result } of results) {
      assert.deepEqual(result, {
        size: 3,
        threads: Math.max(1, Math.floor(availableParallelism() / 3)),
        host: hostname(),
        f32: numbers,
        f64: numbers,
        bytes: [1, 2, 255],
        gather: [0, 0, 1, 1, 2, 4],
        orderedSum: [0.1 + 0.2 + 0.1 * 3, 3],
        // JSON has no infinity.
        value: { a: null, b: [null, "x"] },
        fast: { wrong: 0, other: 6 },
        ordered: { wrong: 0, other: 6 },
        library: { wrong: 0, other: 6 },
        tree: 0,
        agreed: "agreed on 5",
        equal: "equal",
        unequal: `rank 1 on ${hostname()} differs from rank 0 in the weights; start again`,
      });
      const other = `CommunicatorError: rank 1 on ${hostname()}: no disk 1`;
      assert.equal(failed, rank === 1 ? "DataError: no disk 1" : other);
    }
  });

  test(`${implementation}: an addon of another MPI than the launcher's is an error that says so`, {
    skip,
  }, async (t) => {
    const other = implementation === "openmpi" ? "mpich" : "openmpi";
    if (findMpi(other).skip) return t.skip(`${other} is not here`);
    const ended = await launchRanks(mpirun!, {
      ranks: 2,
      script: "communicator-rank.ts",
      argument: null,
      env: { ASTEROLAB_MPI: other },
    });
    assert.notEqual(ended.code, 0);
    assert.match(
      ended.stderr,
      /CommunicatorError: Cannot join the ranks: (Open MPI|Hydra) started 2 processes, but (MPICH|Open MPI).*, with which the addon was built, sees each alone; build the addon with the launcher's own mpicxx/,
    );
    await assertGone(ended.pids);
  });
}

test("one rank: every operation leaves its numbers, and nothing is needed for it", async () => {
  const comm = singleCommunicator();
  assert.deepEqual([comm.rank, comm.size, comm.threads], [0, 1, availableParallelism()]);
  const numbers = Float64Array.of(1, 2);
  await comm.allreduce(numbers, "max");
  await comm.broadcast(numbers);
  await comm.allreduceBucket([Float32Array.of(1)], "fast");
  await comm.barrier();
  assert.deepEqual([...numbers], [1, 2]);
  assert.deepEqual([...(await comm.gather(numbers))], [1, 2]);
  assert.deepEqual([...(await orderedSum(comm, numbers))], [1, 2]);
  assert.equal(await broadcastValue(comm, "a"), "a");
  await requireEqual(comm, [Float32Array.of(1)], "x", "y");
  await assert.rejects(
    agree(comm, () => Promise.reject(new RangeError("own"))),
    { name: "RangeError", message: "own" },
  );
  assert.throws(() => comm.abort("over"), { message: "over" });
  await comm.close();
});
