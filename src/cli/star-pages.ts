/** The pages of `predict --figure`: one file per star, named after its input. */

import { basename, join } from "node:path";
import { mkdirP, writeFileAtomic } from "../data/files";
import type { Grid } from "../data/grid";
import { CliError } from "../errors";
import { starFigureSvg } from "../plot/star-figure";
import type { OpenedModel, Prediction, StarSpectrum } from "../predict";
import { SPECTRUM_FILE } from "../predict/spectrum-inputs";

/**
 * Makes the folder, and gives what writes a star's page into it.
 *
 * @throws {CliError} when the network's frequencies are not known.
 * @throws {DataError} when the folder cannot be made.
 */
export function starPages(
  folder: string,
  grid: Grid | null,
  { classEdges, calibration }: OpenedModel,
): (star: StarSpectrum, prediction: Prediction) => Promise<void> {
  if (grid === null) {
    throw new CliError(
      "Cannot draw stars: --figure needs a network whose frequencies are known, this one takes others",
    );
  }
  mkdirP(folder);
  const taken = new Set<string>();
  return async ({ input, power }, prediction) => {
    const name = pageName(input, taken);
    taken.add(name);
    const prior = calibration?.prior;
    const page = starFigureSvg({ prediction, power, grid, classEdges, ...(prior && { prior }) });
    await writeFileAtomic(join(folder, name), page);
  };
}

/** What is no letter of any language, digit or plain sign. */
const UNSAFE = /[^\p{L}\p{M}\p{N}_.+-]+/gu;

/** `star.txt` gives `star.svg`, `data_000.npy[3]` gives `data_000_3.svg`; a number tells namesakes apart. */
function pageName(input: string, taken: ReadonlySet<string>): string {
  const [, file, row] = /^(.*?)(?:\[(\d+)\])?$/.exec(basename(input))!;
  const stem = file!.replace(SPECTRUM_FILE, "").replace(UNSAFE, "_");
  const name = row === undefined ? stem : `${stem}_${row}`;
  let free = `${name}.svg`;
  for (let count = 2; taken.has(free); count++) free = `${name}-${count}.svg`;
  return free;
}
