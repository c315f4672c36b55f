/**
 * Runs cells on all ranks, as one process to the front: the first rank's output goes through live, that of the others is
 * folded at the end of the cell, and a failure of one rank ends the cell on all.
 */

import type { CellHost, CellHostEvents, InputAnswer, RunRequest } from "./cell-host";
import type { CellOutcome, CollectiveState, CompiledCell, UserMessage } from "./channel";
import { foldRanks } from "./rank-bundle";
import { namedRanks, ranksOfCell } from "./rank-directive";
import { type RankOutcome, summarizeErrors } from "./rank-errors";
import type { RankLogs } from "./rank-logs";
import { RankQuestions } from "./rank-questions";
import { RankRecord } from "./rank-record";
import { RankWorld } from "./rank-world";

export interface RankCellsOptions {
  /** The folder cells run in. */
  readonly folder: string;
  readonly ranks: number;
  readonly logs?: RankLogs;
  /** Wait for the first cell before the ranks are started: they could not be the last time. */
  readonly isDelayed: boolean;
  /** Told whether the ranks came up. */
  readonly onStart: (hasStarted: boolean) => void;
}

/** A cell on its way. */
interface Running {
  readonly request: RunRequest;
  readonly ranks: readonly number[];
  readonly ends: Map<number, Omit<RankOutcome, "rank" | "wasStopped">>;
  /** Stopped since another rank failed, or since they did not heed an interrupt. */
  readonly stopped: Set<number>;
  isSent: boolean;
  isInterrupted: boolean;
  /** Nothing runs any more; the ranks are asked whether they are in step. */
  isFinishing: boolean;
  timer?: NodeJS.Timeout;
}

/** When a rank has failed, the others may end by themselves for so long. */
const GRACE_MS = 2000;
/** Library code that heeds an interrupt has 10 s. */
const INTERRUPT_LIMIT_MS = 12_000;
/** JavaScript stops at once; who does not is inside native code. */
const STOP_LIMIT_MS = 3000;
const ANSWER_LIMIT_MS = 4000;

export class RankCells implements CellHost {
  private world: Promise<RankWorld> | undefined;
  private open: RankWorld | undefined;
  private readonly records: readonly RankRecord[];
  /** Files that ranks have missed, which did not run the cell that brought them. */
  private readonly backlog: Map<string, CompiledCell["files"][number]>[];
  private readonly questions: RankQuestions;
  private running: Running | undefined;
  /** The rank whose output is shown live. */
  private shown = 0;
  private hasEnded = false;
  private onCollectives: (rank: number, state: CollectiveState) => void = () => undefined;

  constructor(
    private readonly options: RankCellsOptions,
    private readonly events: CellHostEvents,
  ) {
    this.records = Array.from({ length: options.ranks }, () => new RankRecord());
    this.backlog = this.records.map(() => new Map());
    this.questions = new RankQuestions(
      ({ prompt, isPassword }) => events.onMessage({ kind: "input", prompt, isPassword }),
      (rank, answer) => this.open!.link(rank).answer(answer),
    );
    if (!options.isDelayed) setImmediate(() => this.start());
  }

  run(request: RunRequest, code: string): void {
    let ranks: readonly number[] | undefined;
    try {
      ranks = ranksOfCell(code, this.options.ranks);
    } catch (error) {
      const { name, message } = error as Error;
      this.endUnsent(name, message);
      return;
    }
    this.running = {
      request: { ...request, ...(ranks && { ranks }) },
      ranks: ranks ?? [...this.records.keys()],
      ends: new Map(),
      stopped: new Set(),
      isSent: false,
      isInterrupted: false,
      isFinishing: false,
    };
    this.start();
    if (this.open?.isReady) this.send();
  }

  /** All ranks are asked to stop; those that do not, or when asked again, are stopped. */
  interrupt(): void {
    const { running } = this;
    if (running === undefined || running.isFinishing) return;
    if (!running.isSent) {
      this.endUnsent("KeyboardInterrupt", "the cell was interrupted before the ranks were there");
    } else if (running.isInterrupted) {
      this.stopOthers(running);
    } else {
      running.isInterrupted = true;
      clearTimeout(running.timer);
      running.timer = setTimeout(() => this.stopOthers(running), INTERRUPT_LIMIT_MS);
      const { file } = running.request.cell;
      for (const rank of this.missing(running)) this.open!.link(rank).interrupt(file, false);
    }
  }

  answerInput(answer: InputAnswer): void {
    this.questions.settle(answer);
  }

  async stop(): Promise<void> {
    this.hasEnded = true;
    clearTimeout(this.running?.timer);
    const world = await this.world?.catch(() => undefined);
    await world?.stop(this.running !== undefined);
  }

  private start(): void {
    if (this.world !== undefined || this.hasEnded) return;
    const { folder, ranks, onStart } = this.options;
    this.world = RankWorld.start({
      folder,
      ranks,
      onReady: () => {
        onStart(true);
        this.send();
      },
      onMessage: (rank, message) => this.onMessage(rank, message),
      onLauncherText: (name, text) => this.events.onMessage({ kind: "stream", name, text }),
      onEnd: (cause) => this.onWorldEnd(cause),
    });
    this.world.then(
      (world) => {
        this.open = world;
      },
      (error: Error) => this.onWorldEnd(error.message),
    );
  }

  private send(): void {
    const { running } = this;
    if (running === undefined || running.isSent) return;
    running.isSent = true;
    this.shown = running.ranks[0]!;
    this.questions.restart();
    const { cell } = running.request;
    for (const [rank, missed] of this.backlog.entries()) {
      for (const file of cell.files) missed.set(file.path, file);
      if (!running.ranks.includes(rank)) continue;
      this.open!.link(rank).request({ ...running.request, cell: { ...cell, files: [...missed.values()] } });
      missed.clear();
    }
  }

  private onMessage(rank: number, message: UserMessage): void {
    if (this.hasEnded) return;
    if (message.kind === "collectives") this.onCollectives(rank, message.collectives);
    else if (message.kind === "input") this.questions.take(rank, message);
    else if (message.kind === "end") this.onRankEnd(rank, message.outcome, message.collectives!);
    else {
      this.records[rank]!.add(message);
      if (message.kind === "stream") this.options.logs?.write(rank, message.text);
      if (rank === this.shown) this.events.onMessage(message);
    }
  }

  private onRankEnd(rank: number, outcome: CellOutcome, collectives: CollectiveState): void {
    const { running } = this;
    if (running === undefined || running.isFinishing) return;
    this.records[rank]!.end(outcome);
    running.ends.set(rank, { outcome, collectives });
    if (this.missing(running).length === 0) {
      clearTimeout(running.timer);
      void this.finish(running);
    } else if (outcome.status === "error" && running.timer === undefined) {
      running.timer = setTimeout(() => this.stopOthers(running), GRACE_MS);
    }
  }

  private missing({ ranks, ends }: Running): number[] {
    return ranks.filter((rank) => !ends.has(rank));
  }

  /** Others failed, or the person does not want to wait: library code that waits for ranks would wait for ever. */
  private stopOthers(running: Running): void {
    clearTimeout(running.timer);
    for (const rank of this.missing(running)) {
      running.stopped.add(rank);
      this.open!.link(rank).interrupt(running.request.cell.file, true);
    }
    running.timer = setTimeout(() => void this.finish(running), STOP_LIMIT_MS);
  }

  /** All ranks have ended the cell, or could not be stopped. */
  private async finish(running: Running): Promise<void> {
    if (this.running !== running || running.isFinishing) return;
    running.isFinishing = true;
    const lead = running.ends.get(this.shown)?.outcome;
    const hasFailed = running.ends.size < running.ranks.length || [...running.ends.values()].some(isFailure);
    if (!hasFailed && lead?.status === "ok") return this.end({ ...lead, ...this.fold(running) });
    const problem = await this.whyOutOfStep(running);
    if (this.hasEnded) return;
    if (problem === undefined) {
      this.end(this.failure(running, "the ranks are in step, and variables keep what they held"));
      return;
    }
    const reason = `${problem}: the ranks have been restarted, and all variables are gone`;
    const outcome = this.failure(running, reason);
    this.hasEnded = true;
    void this.open!.stop(true);
    this.events.onEnd(reason, outcome);
  }

  /** Whether the next call that all ranks make together would meet what it should; if not, why. */
  private async whyOutOfStep(running: Running): Promise<string | undefined> {
    const stuck = this.missing(running);
    if (stuck.length > 0) return `${namedRanks(stuck)} could not be stopped`;
    const states = new Map<number, CollectiveState>();
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ANSWER_LIMIT_MS);
      this.onCollectives = (rank, state) => {
        states.set(rank, state);
        if (states.size === this.records.length) resolve();
      };
      for (const rank of this.records.keys()) this.open!.link(rank).request({ kind: "collectives" });
    });
    clearTimeout(timer);
    const silent = [...this.records.keys()].filter((rank) => !states.has(rank));
    if (silent.length > 0) return `${namedRanks(silent)} did not answer`;
    const counts = [...this.records.keys()].map((rank) => states.get(rank)!.begun);
    const other = counts.findIndex((count) => count !== counts[0]);
    if (other !== -1)
      return `out of step (rank 0 made ${counts[0]} calls to all ranks, rank ${other} ${counts[other]})`;
    const waiting = [...states].find(([, { pending }]) => pending.length > 0);
    if (waiting !== undefined) return `out of step (rank ${waiting[0]} still waits in ${waiting[1].pending[0]})`;
    // What it was about to do may go on behind the cell, and call the others when none of them expects it.
    const stopped = [...running.stopped];
    return stopped.length > 0 ? `${namedRanks(stopped)} had to be stopped` : undefined;
  }

  private failure(running: Running, advice: string): CellOutcome {
    const outcomes = running.ranks.map((rank): RankOutcome => {
      const end = running.ends.get(rank);
      // It may have failed by itself before it was stopped.
      const isCut = end?.outcome.status === "error" && end.outcome.error.ename === "KeyboardInterrupt";
      return { rank, ...(end ?? NOT_ENDED), wasStopped: end === undefined || (isCut && running.stopped.has(rank)) };
    });
    return { status: "error", error: summarizeErrors(outcomes, advice), ...this.fold(running) };
  }

  private fold({ ranks, ends }: Running): Pick<CellOutcome, "ranks"> {
    const all = ranks.map((rank) => ({
      rank,
      record: this.records[rank]!,
      outcome: (ends.get(rank) ?? NOT_ENDED).outcome,
    }));
    const bundle = foldRanks(all, this.options.ranks);
    return { ...(bundle && { ranks: bundle }) };
  }

  /** mpirun or a rank is gone, and with it the world. */
  private onWorldEnd(cause: string): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    const hasStarted = this.open?.isReady ?? false;
    this.options.onStart(hasStarted);
    const reason = hasStarted
      ? `${cause}; the ranks have been restarted, and all variables are gone`
      : `the ranks could not be started: ${cause}; the next cell tries again`;
    const { running } = this;
    clearTimeout(running?.timer);
    const hasFailed = running !== undefined && [...running.ends.values()].some(isFailure);
    this.events.onEnd(reason, hasFailed ? this.failure(running, reason) : undefined);
  }

  private endUnsent(ename: string, evalue: string): void {
    this.end({ status: "error", error: { ename, evalue, stack: `${ename}: ${evalue}` } });
  }

  private end(outcome: CellOutcome): void {
    this.running = undefined;
    this.events.onMessage({ kind: "end", outcome });
  }
}

function isFailure({ outcome }: { readonly outcome: CellOutcome }): boolean {
  return outcome.status === "error";
}

/** Of a rank that was stopped, or ended, before it could say how far it had come. */
const NOT_ENDED = {
  outcome: { status: "error", error: { ename: "Stopped", evalue: "the cell had not ended", stack: "" } },
  collectives: { begun: 0, pending: [] },
} as const satisfies Omit<RankOutcome, "rank" | "wasStopped">;
