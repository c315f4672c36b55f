/** Named pipes in a private folder, through which the front hears descriptors 1 and 2 of each rank of this machine. */

import { spawnSync } from "node:child_process";
import { constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StreamName } from "./channel";
import { NativeOutput } from "./native-output";
import { MARKER_VARIABLE } from "./rank-address";

/** Which descriptor a stream is. */
const STREAMS: readonly StreamName[] = ["stdout", "stderr"];
const DRAIN_BYTES = 65_536;

/**
 * Starts a rank with its descriptors at the pipes; on a machine that does not have them, with those of mpirun. Opened
 * for both directions, a pipe does not wait for its reader.
 */
const WRAPPER = `
rank=\${OMPI_COMM_WORLD_RANK:-\${PMI_RANK:-\${PMIX_RANK:-$SLURM_PROCID}}}
folder=$1; shift
[ -p "$folder/$rank.stderr" ] && exec "$@" 1<>"$folder/$rank.stdout" 2<>"$folder/$rank.stderr"
unset ${MARKER_VARIABLE}
exec "$@"
`;

export class NativePipes {
  private readonly folder = mkdtempSync(join(tmpdir(), "asterolab-ranks-")); // for this user alone
  private readonly outputs: NativeOutput[];
  /** A kernel may be told to end before its ranks have started. */
  private readonly onExit = (): void => this.removeNames();
  private readonly sources: { readonly socket: Socket; readonly fd: number; readonly push: (bytes: Buffer) => void }[] =
    [];

  constructor(
    ranks: number,
    marker: string,
    private readonly onText: (rank: number, name: StreamName, text: string) => void,
  ) {
    process.once("exit", this.onExit);
    writeFileSync(join(this.folder, "start"), WRAPPER);
    this.outputs = Array.from(
      { length: ranks },
      (_, rank) => new NativeOutput(marker, (name, text) => this.onText(rank, name, text)),
    );
    const names = this.outputs.flatMap((_, rank) => STREAMS.map((name) => ({ rank, name })));
    const paths = names.map(({ rank, name }) => join(this.folder, `${rank}.${name}`));
    // Without mkfifo, what native code prints comes through mpirun.
    if (spawnSync("mkfifo", ["-m", "600", ...paths]).status !== 0) return;
    for (const [index, { rank, name }] of names.entries()) {
      // Opened for both directions, there is no end of file before the ranks have opened it.
      const fd = openSync(paths[index]!, constants.O_RDWR | constants.O_NONBLOCK);
      const socket = new Socket({ fd, readable: true, writable: false });
      this.sources.push({ socket, fd, push: this.outputs[rank]!.listen(name, socket) });
    }
  }

  /** What stands before a rank's command. */
  get prefix(): readonly string[] {
    return ["sh", join(this.folder, "start"), this.folder];
  }

  /** All ranks have opened their pipes: the names are needed no more. */
  removeNames(): void {
    process.off("exit", this.onExit);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Resolves when everything that a rank printed up to the end of its cell is here. */
  cellEnded(rank: number): Promise<void> {
    return this.outputs[rank]!.cellEnded();
  }

  /** Gives out what the ranks, which have ended, left in the pipes. */
  close(): void {
    for (const { socket, fd, push } of this.sources.splice(0)) {
      const bytes = Buffer.alloc(DRAIN_BYTES);
      try {
        for (let count = 1; count > 0; ) {
          count = readSync(fd, bytes, 0, DRAIN_BYTES, null);
          push(bytes.subarray(0, count));
        }
      } catch {
        // The pipe is empty.
      }
      socket.destroy();
    }
    for (const output of this.outputs) output.flush();
    this.removeNames();
  }
}
