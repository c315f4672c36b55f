/** The simulator's public face. */

export { labelColumns, starOfLabels } from "./labels";
export type { Mode } from "./modes";
export { type Observation, Observer } from "./observation";
export { isPriorName, PRIOR_NAMES, type PriorName } from "./priors";
export { inclinationShares } from "./rotation";
export { GENERATOR_VERSION, type SimulationSpec, type SimulationSummary, simulateDataset } from "./simulate-dataset";
export {
  type SimulatedStar,
  Simulator,
  type SimulatorOptions,
  type StarSource,
  simulateModes,
  simulateStar,
  starOf,
} from "./simulate-star";
export { SimulatedSource, type SimulatedSourceOptions } from "./simulated-source";
export { resolveStar, type SeismicLabels, type Star, type StarDetails, type StarSpec } from "./star";
