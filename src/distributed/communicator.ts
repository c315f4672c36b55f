/** What ranks say to each other. Every call but `abort` is made by all ranks, in the same order. */

export type Reducible = Float32Array | Float64Array;

/** The ranks of a job, of which this process is one; a world of one rank needs no MPI. */
export interface Communicator {
  readonly rank: number;
  /** Number of ranks. */
  readonly size: number;
  /** Name of this rank's machine. */
  readonly host: string;
  /** Threads that this rank may compute with: its part of the cores that it shares with other ranks. */
  readonly threads: number;
  /** One line for logs: ranks, machines, library. */
  describe(): string;
  /** Rank `root`'s numbers (or bytes), to all. */
  broadcast(array: Reducible | Uint8Array, root?: number): Promise<void>;
  /** Sums or largest values over all ranks, element by element, in place. */
  allreduce(array: Reducible, reduction: "sum" | "max"): Promise<void>;
  /**
   * Sums arrays over all ranks in place, fast; at once, so that they travel while the caller computes. Nobody may touch
   * them until the promise settles.
   *
   * @param how `ordered` adds in the same order each time; `fast` leaves the order between machines to MPI; `library` is
   *   MPI's own sum, to measure against. Up to four ranks always add in the same order (src/data/division.ts).
   * @param leaves what this rank adds, one list or two, each as long as the arrays; default the arrays themselves
   */
  allreduceBucket(
    arrays: readonly Float32Array[],
    how: "fast" | "ordered" | "library",
    leaves?: readonly (readonly Float32Array[])[],
  ): Promise<void>;
  /** The numbers of every rank, one rank after the other, on all ranks. */
  gather(array: Float64Array): Promise<Float64Array>;
  barrier(): Promise<void>;
  /** Seconds spent since the start in moving data and in waiting for others. */
  times(): { readonly workingSeconds: number; readonly waitingSeconds: number };
  /** Tells the rank's watchers why, and ends all ranks; does not return. */
  abort(reason: string): never;
  /** Leaves when all others do. */
  close(): Promise<void>;
}
