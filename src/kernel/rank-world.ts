/** The ranks of a kernel: mpirun and the processes it starts, begun and ended together. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { withoutRank } from "../distributed/launch";
import { mpirunFlags, requireMpirun } from "../distributed/mpirun";
import type { StreamName, UserMessage } from "./channel";
import { entryOf } from "./entry";
import { NativePipes } from "./native-pipes";
import { FRONT_VARIABLE, MARKER_VARIABLE, writeAddress } from "./rank-address";
import { type RankLink, RankServer } from "./rank-server";
import { NO_CHECKS } from "./user-process";

export interface RankWorldOptions {
  /** The folder cells run in. */
  readonly folder: string;
  readonly ranks: number;
  /** Called once when every rank has joined the others. */
  readonly onReady: () => void;
  readonly onMessage: (rank: number, message: UserMessage) => void;
  /** What mpirun says, and what is printed on machines whose descriptors the front does not read. */
  readonly onLauncherText: (name: StreamName, text: string) => void;
  /** Called once when the ranks are gone without having been asked to go, with the cause in words. */
  readonly onEnd: (cause: string) => void;
}

const START_LIMIT_MS = 300_000;
const EXIT_LIMIT_MS = 800;
/** When one rank is gone, the others and mpirun may say more about it for so long. */
const LAST_WORDS_MS = 1500;
/** mpirun may end before the front has read the ends of the ranks. */
const SETTLE_MS = 200;
/** mpirun ends when its ranks have; it cleans up after them. */
const LAUNCHER_LIMIT_MS = 4000;
const TAIL_CHARACTERS = 4000;

export class RankWorld {
  private readonly links = new Map<number, RankLink>();
  private readonly ended: Promise<void>;
  private readyCount = 0;
  private tail = "";
  private cause: string | undefined;
  /** The cause is an effect of another, should one become known. */
  private isCauseWeak = false;
  private isOver = false;
  private stopping: Promise<void> | undefined;
  private readonly startTimer: NodeJS.Timeout;

  private constructor(
    private readonly options: RankWorldOptions,
    private readonly server: RankServer,
    private readonly pipes: NativePipes,
    private readonly mpirun: ChildProcess,
  ) {
    this.ended = new Promise((resolve) => mpirun.once("close", () => resolve()));
    mpirun.once("error", (error) => this.fail(`${mpirun.spawnfile} could not be started: ${error.message}`));
    mpirun.once("close", (code, signal) => {
      this.fail(`mpirun ended with ${signal ?? `exit code ${code}`}`, signal === null);
      setTimeout(() => this.finish(), SETTLE_MS);
    });
    for (const name of ["stdout", "stderr"] as const) {
      mpirun[name]!.setEncoding("utf8").on("data", (text: string) => this.onLauncherText(name, text));
    }
    const limit = `they did not join each other within ${START_LIMIT_MS / 1000} s`;
    this.startTimer = setTimeout(() => this.fail(limit), START_LIMIT_MS);
  }

  /** @throws {CommunicatorError} when there is no MPI to start ranks with. */
  static async start(options: RankWorldOptions): Promise<RankWorld> {
    const { folder, ranks } = options;
    const mpirun = requireMpirun(ranks);
    const server = await RankServer.listen({
      ranks,
      onRank: (link) => world.links.set(link.rank, link),
      onMessage: (link, message) => world.onMessage(link, message),
      onClose: (link) => world.onClose(link),
    });
    const marker = randomBytes(16).toString("hex");
    const pipes = new NativePipes(ranks, marker, (rank, name, text) => {
      options.onMessage(rank, { kind: "stream", name, text });
    });
    const { path, nodeOptions, env } = entryOf("rank-main");
    const command = [...pipes.prefix, process.execPath, NO_CHECKS, ...nodeOptions, path];
    // In a process group of its own: the terminal's Ctrl-C is the front's to pass on.
    const child = spawn(mpirun.command, [...mpirunFlags(mpirun, ranks), ...command], {
      cwd: folder,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...withoutRank(),
        ...env,
        [FRONT_VARIABLE]: writeAddress(server.address),
        [MARKER_VARIABLE]: marker,
      },
    });
    const world: RankWorld = new RankWorld(options, server, pipes, child);
    return world;
  }

  get isReady(): boolean {
    return this.readyCount === this.options.ranks;
  }

  link(rank: number): RankLink {
    return this.links.get(rank)!;
  }

  /** Ends the ranks together, so that exit handlers run; at once when they are busy. */
  stop(isBusy: boolean): Promise<void> {
    this.stopping ??= this.end(isBusy);
    return this.stopping;
  }

  private async end(isBusy: boolean): Promise<void> {
    this.isOver = true;
    clearTimeout(this.startTimer);
    if (this.isReady && !isBusy && this.cause === undefined) {
      for (const link of this.links.values()) link.request({ kind: "exit" });
      await this.endsWithin(EXIT_LIMIT_MS);
    }
    await this.kill();
  }

  /** Afterwards no process is left: ranks end when their connection does, and mpirun when its ranks have. */
  private async kill(): Promise<void> {
    this.server.close();
    if (this.mpirun.exitCode !== null || this.mpirun.signalCode !== null) return;
    if (!this.isReady) this.mpirun.kill("SIGTERM");
    if (await this.endsWithin(LAUNCHER_LIMIT_MS)) return;
    for (const { hello } of this.links.values()) if (hello.isNativeHeard) killIfThere(hello.pid);
    if (this.mpirun.pid !== undefined) killIfThere(-this.mpirun.pid);
  }

  private async endsWithin(limitMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), limitMs);
    });
    const hasEnded = await Promise.race([this.ended.then(() => true), limit]);
    clearTimeout(timer);
    return hasEnded;
  }

  private onMessage(link: RankLink, message: UserMessage): void {
    if (message.kind === "leave") {
      this.fail(`rank ${link.rank} (process ${link.hello.pid}) left with exit code ${message.code}`);
    } else if (message.kind === "ready") {
      this.readyCount++;
      if (!this.isReady) return;
      clearTimeout(this.startTimer);
      this.pipes.removeNames();
      this.options.onReady();
    } else if (message.kind === "end") {
      void this.pipes.cellEnded(link.rank).then(() => this.options.onMessage(link.rank, message));
    } else {
      this.options.onMessage(link.rank, message);
    }
  }

  /** The first rank that goes is the cause; mpirun ends the others. */
  private onClose({ rank, hello: { pid } }: RankLink): void {
    this.fail(`rank ${rank} (process ${pid}) was killed, or crashed`);
  }

  private onLauncherText(name: StreamName, text: string): void {
    this.tail = (this.tail + text).slice(-TAIL_CHARACTERS);
    // When a rank goes, mpirun explains at length what its users see anyway.
    if (this.isReady && !this.isOver && this.cause === undefined) this.options.onLauncherText(name, text);
  }

  private fail(cause: string, isWeak = false): void {
    if (this.isOver || (this.cause !== undefined && !this.isCauseWeak)) return;
    if (this.cause === undefined) setTimeout(() => this.finish(), LAST_WORDS_MS);
    this.cause = cause;
    this.isCauseWeak = isWeak;
  }

  private finish(): void {
    clearTimeout(this.startTimer);
    this.pipes.close();
    if (this.isOver) return;
    this.isOver = true;
    void this.kill();
    const said = this.isReady ? "" : firstWords(this.tail);
    this.options.onEnd(said === "" ? this.cause! : `${this.cause}; it said: ${said}`);
  }
}

/** The lines of mpirun that say something. */
function firstWords(text: string): string {
  const lines = text.split("\n").filter((line) => /\w/.test(line));
  const telling = lines.filter((line) => /error/i.test(line));
  return (telling.length > 0 ? telling : lines).slice(0, 3).join(" ").trim().slice(0, 500);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
