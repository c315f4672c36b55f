/** What asks a run to save and stop: Ctrl-C, a scheduler's signal, or the launcher's word. */

import { STOP_WORD } from "../distributed/mpirun";

export interface Interrupt {
  readonly signal: AbortSignal;
  /** 128 + the signal's number, as shells have it; 0 when no signal came. */
  exitCode(): number;
  release(): void;
}

/** SIGUSR1 is what schedulers send some time before they end a job (Slurm: `--signal=USR1@300`). */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGUSR1: 138 } as const;
type Stop = keyof typeof EXIT_CODES;

/**
 * @param isTeller whether this process says what it heard
 * @param isLaunched whether a launcher holds the other end of the standard input
 */
export function listenForStop({ isTeller, isLaunched }: { isTeller: boolean; isLaunched: boolean }): Interrupt {
  const controller = new AbortController();
  let exitCode = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    exitCode = EXIT_CODES[signal as Stop];
    controller.abort();
    if (isTeller) process.stderr.write(`${signal}: saving after this step; once more ends at once\n`);
  };
  // `once`: a second signal finds the default handler and ends the process.
  for (const signal of Object.keys(EXIT_CODES) as Stop[]) process.once(signal, onSignal);
  if (isLaunched && isTeller) {
    process.stdin.setEncoding("utf8");
    process.stdin.on("data", (text: string) => text.includes(STOP_WORD) && controller.abort());
    // A launcher that is gone cannot end the ranks any more.
    process.stdin.on("end", () => controller.abort());
    (process.stdin as unknown as { unref?: () => void }).unref?.();
  }
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    release() {
      for (const signal of Object.keys(EXIT_CODES)) process.off(signal, onSignal);
      if (isLaunched && isTeller) process.stdin.destroy();
    },
  };
}
