/** `asterolab simulate`: flags -> a data set on disk. */

import { Command, Option } from "commander";
import { counted } from "../counted";
import { LONGEST_DAYS } from "../data/grid";
import { CliError } from "../errors";
import { PRIOR_NAMES, type PriorName, simulateDataset } from "../simulate";
import { days, integer } from "./arguments";
import { createProgress, formatSeconds, type Progress } from "./progress";

interface Flags {
  readonly out: string;
  readonly shards: number;
  readonly validationShards: number;
  readonly spectra: number;
  readonly seed: number;
  readonly prior: PriorName;
  readonly firstShard: number;
  readonly workers?: number;
  readonly days?: readonly [number, number];
  readonly gaps: number;
  readonly json?: boolean;
}

/** The command `simulate`. */
export function simulateCommand(): Command {
  return new Command("simulate")
    .description("Simulates red giants into shards of spectra and labels. A run that was cut off continues.")
    .requiredOption("--out <dir>", "folder for data_000.npy ... and dataset.json")
    .option("--shards <n>", "training shards", integer("--shards", 0), 4)
    .option("--validation-shards <n>", "validation shards, numbered after them", integer("--validation-shards", 0), 1)
    .option("--spectra <n>", "spectra per shard", integer("--spectra", 1), 512)
    .option("--seed <s>", "seed of every random number", integer("--seed", 0), 0)
    .addOption(new Option("--prior <name>", "distribution of the stars").choices(PRIOR_NAMES).default(PRIOR_NAMES[0]))
    .option("--days <range>", "observing time, or shortest:longest, for example 27:1470 (default: 1470)", days)
    .option("--gaps <part>", "part of the stars whose observations have gaps, 0 to 1", parsePart, 0)
    .option(
      "--first-shard <k>",
      "number of the first shard, to make a data set in parts",
      integer("--first-shard", 0),
      0,
    )
    .option("--workers <n>", "worker threads (default: one per core)", integer("--workers", 1))
    .option("--json", "print one JSON document instead of text")
    .action(run);
}

function parsePart(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 1)) throw new CliError(`--gaps must be a number from 0 to 1, got "${text}"`);
  return value;
}

async function run(flags: Flags): Promise<void> {
  if (flags.shards + flags.validationShards === 0) {
    throw new CliError("Cannot simulate 0 shards: --shards or --validation-shards must be at least 1");
  }
  let progress: Progress | undefined;
  const summary = await simulateDataset({
    out: flags.out,
    shards: flags.shards,
    validationShards: flags.validationShards,
    spectraPerShard: flags.spectra,
    seed: flags.seed,
    prior: flags.prior,
    firstShard: flags.firstShard,
    ...((flags.days !== undefined || flags.gaps > 0) && {
      observation: { days: flags.days ?? [LONGEST_DAYS, LONGEST_DAYS], gaps: flags.gaps },
    }),
    ...(flags.workers !== undefined && { workers: flags.workers }),
    onProgress: ({ done, total }) => {
      progress ??= createProgress({ label: "simulate", total, initial: done });
      progress.update(done);
    },
  }).finally(() => progress?.stop());

  const { out, info, shardsWritten, shardsKept, spectraWritten, seconds } = summary;
  const spectraPerSecond = spectraWritten / seconds;
  if (flags.json) {
    const document = {
      out,
      seed: info.seed,
      prior: info.prior,
      generator_version: info.generatorVersion,
      shards: info.shards,
      shards_written: shardsWritten,
      shards_kept: shardsKept,
      spectra_written: spectraWritten,
      seconds,
      spectra_per_s: spectraPerSecond,
    };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return;
  }
  const kept = shardsKept > 0 ? `, ${shardsKept} kept` : "";
  const speed = spectraWritten > 0 ? `: ${spectraWritten} spectra in ${formatSeconds(seconds)} ` : "";
  const rate = spectraWritten > 0 ? `(${Math.round(spectraPerSecond)} per second)` : "";
  process.stdout.write(`${counted(shardsWritten, "shard")} written${kept}${speed}${rate}\n${out}\n`);
}
