/** Ranks: one process, or several that MPI joins. */

export type { Communicator, Reducible } from "./communicator";
export { detectLaunch, type Launch, withoutRank } from "./launch";
export { singleCommunicator } from "./single";
export { openWorld } from "./world";
