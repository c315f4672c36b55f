/** The PyTorch process that a measurement is held against; it lives through the whole measurement. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Config } from "../config";
import { CliError } from "../errors";
import { projectRoot } from "../version";

export interface PeerNetwork {
  readonly config: Config;
  /** Classes per head. */
  readonly classes: ReadonlyMap<string, number>;
  readonly points: number;
  readonly batchSize: number;
  readonly threads: number;
  /** The peer computes on the GPU too, where its torch can. */
  readonly usesGpu: boolean;
}

/** What one step took. */
export interface StepTime {
  readonly seconds: number;
  /** Of all threads of the process. */
  readonly cpuSeconds: number;
}

export interface PeerTimes {
  readonly steps: readonly StepTime[];
  readonly peakRssMb: number;
}

export class Peer {
  private constructor(
    private readonly process: ChildProcessWithoutNullStreams,
    private readonly answers: AsyncIterator<string>,
    private readonly python: string,
    readonly name: string,
    readonly threads: number,
    readonly parameters: number,
  ) {}

  /**
   * Starts `python` with the network built in PyTorch.
   *
   * @throws {CliError} when `python` does not run or cannot import torch.
   */
  static async start(python: string, network: PeerNetwork): Promise<Peer> {
    const child = spawn(python, [join(projectRoot, "scripts", "pytorch_peer.py")], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, OMP_NUM_THREADS: String(network.threads) },
    });
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const draft = new Peer(child, answers, python, "", 0, 0);
    const { config } = network;
    const { name, threads, parameters } = await draft.ask<{ name: string; threads: number; parameters: number }>({
      do: "setup",
      heads: Object.fromEntries(network.classes),
      length: network.points,
      batch: network.batchSize,
      threads: network.threads,
      filters: config.filters,
      kernel: config.kernel_size,
      lstm: config.lstm_units,
      dense: config.dense_units,
      dropout: config.dropout,
      gpu: network.usesGpu,
      mixed: config.precision === "mixed",
    });
    return new Peer(child, answers, python, name, threads, parameters);
  }

  /** Runs `steps` training or inference steps and gives the time of each. */
  async run(what: "train" | "infer", steps: number): Promise<PeerTimes> {
    const answer = await this.ask<{ seconds: number[]; cpu_seconds: number[]; peak_rss_mb: number }>({
      do: what,
      steps,
    });
    const times = answer.seconds.map((seconds, index) => ({ seconds, cpuSeconds: answer.cpu_seconds[index]! }));
    return { steps: times, peakRssMb: answer.peak_rss_mb };
  }

  /** Ends the process. */
  stop(): void {
    this.process.stdin.end();
  }

  private async ask<Answer>(request: object): Promise<Answer> {
    let complaint = "";
    const keepComplaint = (chunk: Buffer): void => {
      complaint = (complaint + chunk.toString()).slice(-2000);
    };
    this.process.stderr.on("data", keepComplaint);
    const failure = new Promise<never>((_, reject) => {
      const fail = (): void => {
        const lastLine = complaint.trim().split("\n").at(-1) ?? "";
        reject(
          new CliError(
            `Cannot measure against "${this.python}": ${lastLine || "it does not run"}; name a Python that has torch`,
          ),
        );
      };
      this.process.once("error", fail);
      this.process.once("close", fail);
    });
    failure.catch(() => undefined);
    this.process.stdin.on("error", () => undefined); // its end is reported by "close"
    this.process.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await Promise.race([this.answers.next().then((next) => (next.done ? failure : next.value)), failure]);
    this.process.stderr.off("data", keepComplaint);
    return JSON.parse(line) as Answer;
  }
}
