/** Measurements of training and inference, and their figures. */

export { benchEngines, type EngineBench, type EngineChoice, type EnginesBenchOptions } from "./engines";
export { rooflineFigure, sweepFigure } from "./figures";
export { benchNetwork, type Machine, type NetworkBench, type NetworkBenchOptions, type Side } from "./network";
export { type OpRow, roof } from "./roofline";
export type { Summary } from "./statistics";
export { benchSweep, type Sweep, type SweepBench, type SweepPoint, widened } from "./sweep";
export type { Yardsticks } from "./yardsticks";
