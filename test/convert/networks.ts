/** Small networks at rest, for conversions. */

import type { TrainingState } from "../../src/checkpoint";
import { type Config, parseConfig } from "../../src/config";
import { createModel } from "../../src/model/create-model";
import { Random } from "../../src/random";
import { stateOf } from "../checkpoint/states";

export const POINTS = 200;

export const SMALL = parseConfig("default", {
  heads: ["numax", "epg"],
  edges: { numax: [5, 50, 100, 286] },
  filters: [2, 3, 2],
  kernel_size: 5,
  lstm_units: [3, 4],
  dense_units: 6,
});

/** A run of the network of `config`; every parameter is noise, so that none is missed. Needs an engine. */
export function networkState(config: Config, points = POINTS): TrainingState {
  const model = createModel(config, points);
  const random = new Random(7);
  const weights = new Map(
    [...model.stateDict()].map(([name, { shape, data }]) => [
      name,
      { shape, data: data.map((value) => value + 0.1 * random.normal()) },
    ]),
  );
  model.dispose();
  const zeros = new Map([...weights].map(([name, { data }]) => [name, new Float32Array(data.length)]));
  const { optimizer } = stateOf(1);
  return stateOf(1, {
    model: weights,
    optimizer: { ...optimizer, firstMoments: zeros, secondMoments: zeros },
    points,
    config,
  });
}
