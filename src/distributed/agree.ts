/** Things that all ranks must come to together: one outcome, one value, one version of the weights. */

import { createHash } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import { CommunicatorError, exitCodeOf } from "../errors";
import type { Communicator } from "./communicator";

/**
 * Runs `action` on every rank; when it fails on some, it fails on all, with the error of the first of them.
 *
 * @throws what `action` threw on the first rank that failed; elsewhere a {CommunicatorError} that names it.
 */
export async function agree<Result>(comm: Communicator, action: () => Result | Promise<Result>): Promise<Result> {
  const outcome = await attempt(action);
  const hasFailed = await comm.gather(Float64Array.of("error" in outcome ? 1 : 0));
  const first = hasFailed.indexOf(1);
  if (first === -1) return (outcome as { result: Result }).result;
  const own = "error" in outcome ? outcome.error : null;
  const about = await broadcastValue(
    comm,
    { host: comm.host, message: own instanceof Error ? own.message : String(own), isRequest: exitCodeOf(own) === 2 },
    first,
  );
  if (first === comm.rank) throw own;
  throw new CommunicatorError(`rank ${first} on ${about.host}: ${about.message}`, {
    rank: first,
    host: about.host,
    isRequest: about.isRequest,
  });
}

/** Rank `root`'s value on all ranks: anything that structured cloning takes. */
export async function broadcastValue<Value>(comm: Communicator, value: Value, root = 0): Promise<Value> {
  if (comm.size === 1) return value;
  const own = comm.rank === root ? serialize(value) : Buffer.alloc(0);
  const length = Float64Array.of(own.length);
  await comm.broadcast(length, root);
  const bytes = comm.rank === root ? Uint8Array.from(own) : new Uint8Array(length[0]!);
  await comm.broadcast(bytes, root);
  return comm.rank === root ? value : (deserialize(bytes) as Value);
}

/** Sums over all ranks in the order of their numbers: the same on every rank, bit for bit. */
export async function orderedSum(comm: Communicator, numbers: Float64Array): Promise<Float64Array> {
  const all = await comm.gather(numbers);
  return numbers.map((_, index) => {
    let sum = 0;
    for (let rank = 0; rank < comm.size; rank++) sum += all[rank * numbers.length + index]!;
    return sum;
  });
}

/**
 * Compares arrays over all ranks by hash.
 *
 * @param what names them in the error, for example "the weights after step 100"
 * @param advice what to do when they differ
 * @throws {CommunicatorError} on all ranks, naming those that differ from rank 0.
 */
export async function requireEqual(
  comm: Communicator,
  arrays: Iterable<Float32Array>,
  what: string,
  advice: string,
): Promise<void> {
  if (comm.size === 1) return;
  const hash = createHash("sha256");
  for (const { buffer, byteOffset, byteLength } of arrays) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  const digest = hash.digest("hex");
  const all = await comm.gather(Float64Array.of(Number.parseInt(digest.slice(0, 12), 16)));
  const others = [...all.keys()].filter((rank) => all[rank] !== all[0]);
  if (others.length === 0) return;
  const hosts: string[] = [];
  for (const rank of others) hosts.push(await broadcastValue(comm, comm.host, rank));
  const names = others.map((rank, index) => `rank ${rank} on ${hosts[index]}`);
  const differ = names.length === 1 ? "differs" : "differ";
  throw new CommunicatorError(`${names.join(", ")} ${differ} from rank 0 in ${what}; ${advice}`, {
    rank: others[0]!,
    host: hosts[0]!,
  });
}

async function attempt<Result>(
  action: () => Result | Promise<Result>,
): Promise<{ readonly result: Result } | { readonly error: unknown }> {
  try {
    return { result: await action() };
  } catch (error) {
    return { error };
  }
}
