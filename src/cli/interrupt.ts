/** What asks a run to save and stop: Ctrl-C, a scheduler's signal, or the launcher's word. */

import { STOP_WORD } from "../distributed/mpirun";

export interface Interrupt {
  readonly signal: AbortSignal;
  /** 128 + the signal's number, as shells have it; 0 when no signal came. */
  exitCode(): number;
  /**
   * Makes this process, the first rank, say what was heard, and listen to the launcher's word.
   *
   * @param isLaunched whether a launcher holds the other end of the standard input
   */
  beTeller(isLaunched: boolean): void;
  release(): void;
}

/** SIGUSR1 is what schedulers send some time before they end a job (Slurm: `--signal=USR1@300`). */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGUSR1: 138 } as const;
type Stop = keyof typeof EXIT_CODES;

/** Listens to signals from the call on: before a run knows its rank, so that none is lost while it starts. */
export function listenForStop(): Interrupt {
  const controller = new AbortController();
  let received: Stop | null = null;
  let isTeller = false;
  let isLaunched = false;
  const say = (): void => {
    if (isTeller && received) process.stderr.write(`${received}: saving after this step; once more ends at once\n`);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    received = signal as Stop;
    controller.abort();
    say();
  };
  // `once`: a second signal finds the default handler and ends the process.
  for (const signal of Object.keys(EXIT_CODES) as Stop[]) process.once(signal, onSignal);
  return {
    signal: controller.signal,
    exitCode: () => (received ? EXIT_CODES[received] : 0),
    beTeller(launched) {
      isTeller = true;
      isLaunched = launched;
      say();
      if (!isLaunched) return;
      process.stdin.setEncoding("utf8");
      process.stdin.on("data", (text: string) => text.includes(STOP_WORD) && controller.abort());
      // A launcher that is gone cannot end the ranks any more.
      process.stdin.on("end", () => controller.abort());
      (process.stdin as unknown as { unref?: () => void }).unref?.();
    },
    release() {
      for (const signal of Object.keys(EXIT_CODES)) process.off(signal, onSignal);
      if (isLaunched) process.stdin.destroy();
    },
  };
}
