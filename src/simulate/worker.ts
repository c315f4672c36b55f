/** The worker thread of a simulation: fills blocks of rows, each star by its place alone. */

import { parentPort, workerData } from "node:worker_threads";
import { POINTS } from "../data/grid";
import { LABEL_COLUMNS } from "../data/parameters";
import { SpectrumPreparer } from "../data/prepare-spectrum";
import type { BlockRequest, BlockResult, PoolSettings } from "./block-pool";
import { chosenStars } from "./chosen-stars";
import { Observer } from "./observation";
import { observationRandom, Simulator, type StarSource } from "./simulate-star";
import type { Star } from "./star";

if (parentPort === null) throw new Error("Cannot run the simulation's worker by itself: expected a worker thread");
const port = parentPort;
const { seed, prior, filter = [], observation, preparation } = workerData as PoolSettings;
const choose = chosenStars(prior, filter, "simulated stars");
const write = spectrumWriter();
const prepare = preparation && new SpectrumPreparer(preparation, POINTS);
const inputs = prepare?.inputs ?? POINTS;
const rowLength = inputs + LABEL_COLUMNS;
const raw = prepare && new Float32Array(POINTS);

port.on("message", ({ shard, firstRow, rows, buffer }: BlockRequest) => {
  const values = new Float32Array(buffer, 0, rows * rowLength); // [rows, inputs + 36]
  for (let index = 0; index < rows; index++) {
    const source = { seed, shard, row: firstRow + index };
    const { star, columns } = choose(source);
    const start = index * rowLength;
    if (prepare && raw) {
      write(star, source, raw, 0);
      prepare.prepare(raw, values.subarray(start, start + inputs), { path: `star ${source.row}`, row: source.row });
    } else {
      write(star, source, values, start);
    }
    values.set(columns, start + inputs);
  }
  port.postMessage({ buffer } satisfies BlockResult, [buffer]);
});

type SpectrumWriter = (star: Star, source: StarSource, into: Float32Array, offset: number) => void;

function spectrumWriter(): SpectrumWriter {
  if (observation === undefined) {
    const simulator = new Simulator();
    return (star, source, into, offset) => simulator.writeSpectrum(star, source, into, offset);
  }
  const observer = new Observer(observation);
  return (star, source, into, offset) => observer.writeSpectrum(star, source, observationRandom(source), into, offset);
}
