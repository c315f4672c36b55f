/** The worker thread of a data-set simulation: fills blocks of shard rows, each star by its place alone. */

import { parentPort, workerData } from "node:worker_threads";
import { LABEL_COLUMNS } from "../data/parameters";
import type { BlockRequest, BlockResult, PoolSettings } from "./block-pool";
import { labelColumns } from "./labels";
import { Simulator, starOf } from "./simulate-star";

if (parentPort === null) throw new Error("Cannot run the simulation's worker by itself: expected a worker thread");
const port = parentPort;
const { seed, prior } = workerData as PoolSettings;
const simulator = new Simulator();
const { points } = simulator.grid;
const rowLength = points + LABEL_COLUMNS;

port.on("message", ({ shard, firstRow, rows, buffer }: BlockRequest) => {
  const values = new Float32Array(buffer, 0, rows * rowLength); // [rows, points + 36]
  for (let index = 0; index < rows; index++) {
    const source = { seed, shard, row: firstRow + index };
    const star = starOf(prior, source);
    simulator.writeSpectrum(star, source, values, index * rowLength);
    values.set(labelColumns(star), index * rowLength + points);
  }
  port.postMessage({ buffer } satisfies BlockResult, [buffer]);
});
