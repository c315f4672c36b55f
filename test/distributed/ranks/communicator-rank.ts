/** One rank that tries every operation of the communicator and prints what came of it. */

import { openWorld } from "../../../src/distributed";
import { agree, broadcastValue, orderedSum, requireEqual } from "../../../src/distributed/agree";
import { DataError } from "../../../src/errors";

process.stdout.write(`pid ${process.pid}\n`);

void (async () => {
  const comm = await openWorld();
  const { rank, size } = comm;
  const results: Record<string, unknown> = { rank, size, threads: comm.threads, host: comm.host };

  for (const [name, Type] of Object.entries({ f32: Float32Array, f64: Float64Array })) {
    const sum = Type.from([0, 1, 2, 3, 4].map((index) => rank + index / 8));
    await comm.allreduce(sum, "sum");
    const max = Type.from([0, 1, 2].map((index) => (index === rank ? 7 : -rank)));
    await comm.allreduce(max, "max");
    const sent = Type.from([0, 1, 2, 3].map((index) => 100 * rank + index));
    await comm.broadcast(sent, size - 1);
    results[name] = { sum: [...sum], max: [...max], sent: [...sent] };
  }
  const bytes = rank === 0 ? Uint8Array.of(1, 2, 255) : new Uint8Array(3);
  await comm.broadcast(bytes);
  results.bytes = [...bytes];
  results.gather = [...(await comm.gather(Float64Array.of(rank, rank * rank)))];
  results.orderedSum = [...(await orderedSum(comm, Float64Array.of(0.1 * (rank + 1), 1)))];
  results.value = await broadcastValue(comm, rank === 0 ? { a: Infinity, b: [null, "x"] } : null);

  // Buckets: more than two pieces of 2 MiB, arrays across their borders, views that start within a buffer, an empty one.
  for (const how of ["fast", "ordered", "library"] as const) {
    const lengths = [3, 700_000, 0, 1, 524_287, 100_001];
    const arrays = lengths.map((length, index) => {
      const backing = new Float32Array(length + 2).fill(-1);
      const view = backing.subarray(1, length + 1);
      return { backing, view: view.map((_, at) => valueAt(rank, index, at)), length };
    });
    const first = comm.allreduceBucket(
      arrays.map(({ view }) => view),
      how,
    );
    const other = Float32Array.of(rank + 1);
    await Promise.all([first, comm.allreduceBucket([other], how)]);
    let wrong = 0;
    for (const [index, { view }] of arrays.entries()) {
      for (let at = 0; at < view.length; at++) {
        let sum = 0;
        for (let from = 0; from < size; from++) sum += valueAt(from, index, at);
        if (view[at] !== sum) wrong++;
      }
    }
    results[how] = { wrong, other: other[0] };
  }

  results.tree = await addAsTree();

  const disagreement = (action: () => unknown): Promise<string> =>
    agree(comm, action).then(
      (value) => `agreed on ${String(value)}`,
      (error: Error) => `${error.name}: ${error.message}`,
    );
  results.agreed = await disagreement(() => 5);
  results.failed = await disagreement(() => {
    if (rank >= 1) throw new DataError(`no disk ${rank}`, { path: "x" });
  });
  results.equal = await requireEqual(comm, [Float32Array.of(1, 2)], "all", "x").then(() => "equal");
  results.unequal = await requireEqual(comm, [Float32Array.of(rank === 1 ? 1 : 2)], "the weights", "start again").catch(
    (error: Error) => error.message,
  );
  await comm.barrier();
  process.stdout.write(`result ${JSON.stringify(results)}\n`);
  await comm.close();
  await comm.close();
})();

/**
 * Sums whose bits depend on the order: two leaves of three ranks, one of four.
 *
 * @returns the elements that differ from (l0 + (l1 + l2)) + ((l3 + l4) + l5), or from (l0 + l1) + (l2 + l3).
 */
async function addAsTree(): Promise<number> {
  const { rank, size, allreduceBucket } = await openWorld();
  const count = size === 3 ? 2 : 1;
  const lengths = [700_001, 5, 400_000];
  const leafOf = (leaf: number, array: number): Float32Array =>
    Float32Array.from(
      { length: lengths[array]! },
      (_, at) => Math.sin(at * 12.9898 + array + 7 * leaf) * 10 ** (at % 7),
    );
  const leaves = Array.from({ length: count }, (_, own) =>
    lengths.map((_, array) => leafOf(rank * count + own, array)),
  );
  const arrays = size === 3 ? lengths.map((length) => new Float32Array(length)) : leaves[0]!;
  await allreduceBucket(arrays, "fast", leaves);
  let wrong = 0;
  for (const [array, sums] of arrays.entries()) {
    const all = Array.from({ length: size * count }, (_, leaf) => leafOf(leaf, array));
    sums.forEach((sum, at) => {
      const [a, b, c, d, e, f] = all.map((leaf) => leaf[at]!);
      const { fround } = Math;
      const tree =
        size === 3
          ? fround(fround(a! + fround(b! + c!)) + fround(fround(d! + e!) + f!))
          : fround(fround(a! + b!) + (size === 4 ? fround(c! + d!) : 0));
      if (sum !== tree) wrong++;
    });
  }
  return wrong;
}

/** Small integers, so that any order of adding gives the same. */
function valueAt(rank: number, index: number, at: number): number {
  return ((at * 31 + index * 7 + rank * 13) % 101) - 50;
}
