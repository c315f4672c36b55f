/** Settings that somebody chose and that others leave without effect: a run says so when it starts. */

import { type Config, PRESETS } from "../config";

interface Rule {
  readonly setting: string;
  readonly of: (config: Config) => string | number | boolean | null;
  readonly isIdle: boolean;
  readonly reason: string;
}

/** One line for each setting that has no effect beside the others and is no preset's own value. */
export function idleSettings(config: Config): string[] {
  const others = Object.keys(config.edges).filter((head) => !config.heads.some((name) => name === head));
  return [
    ...rulesFor(config)
      .filter(({ of, isIdle }) => isIdle && Object.values(PRESETS).every((preset) => of(preset) !== of(config)))
      .map(({ setting, of, reason }) => `setting ${setting} (${of(config)}) has no effect: ${reason}`),
    ...others.map((head) => `setting edges.${head} has no effect: "${head}" is none of the heads`),
  ];
}

function rulesFor({ engine, schedule, simulate, validation }: Config): Rule[] {
  const isSimulated = simulate !== null;
  // Stars may be simulated for training while others on disk validate.
  const readsNoShards = isSimulated && validation.data_dir === null;
  const isConstant = schedule === "constant";
  return [
    rule("learning_rate", !isConstant, 'the schedule "one_cycle" goes by max_lr'),
    rule("max_lr", isConstant, 'the schedule "constant" goes by learning_rate'),
    rule("steps_per_epoch", isConstant, 'the schedule "constant" never changes'),
    rule("threads", engine === "cpu", 'the engine "cpu" computes on one thread'),
    rule("data_dir", isSimulated, "stars are simulated"),
    rule("shuffle", isSimulated, "simulated stars come in no order"),
    rule("rows_per_shard", readsNoShards, "simulated stars lie in no shards"),
    rule("out_of_range", readsNoShards, "labels of simulated stars are clipped"),
    {
      setting: "validation.shards",
      of: (config) => config.validation.shards,
      isIdle: isSimulated || validation.data_dir !== null,
      reason: "validation spectra come from elsewhere",
    },
  ];
}

/** Settings that are one value. */
type Plain = {
  [Setting in keyof Config]: Config[Setting] extends string | number | boolean | null ? Setting : never;
}[keyof Config];

function rule(setting: Plain, isIdle: boolean, reason: string): Rule {
  return { setting, of: (config) => config[setting], isIdle, reason };
}
