/**
 * How a rank and the front find each other. The front listens on the loopback interface; each rank opens one connection
 * per channel and begins it with a line that proves, by the token that it got through its environment, that the front
 * started it. Ranks on other machines would need no more than another address here (and, since lines are not encrypted,
 * a network that is trusted): nothing else in the exchange is local, apart from what native code prints, which then
 * comes through mpirun, without its rank.
 */

export interface FrontAddress {
  readonly host: string;
  readonly port: number;
  readonly token: string;
}

export type RankChannel = "messages" | "requests" | "control" | "input";

export const RANK_CHANNELS: readonly RankChannel[] = ["messages", "requests", "control", "input"];

/** The first line of a connection. */
export interface Hello {
  readonly token: string;
  readonly channel: RankChannel;
  readonly rank: number;
  readonly pid: number;
  /** The front reads descriptors 1 and 2 of the rank. */
  readonly isNativeHeard: boolean;
}

/** The environment variable in which a rank finds the front's address. */
export const FRONT_VARIABLE = "ASTEROLAB_RANK_FRONT";
export const MARKER_VARIABLE = "ASTEROLAB_KERNEL_MARKER";

/** An address as one word, which every launcher passes on unharmed. */
export function writeAddress({ host, port, token }: FrontAddress): string {
  return [host, port, token].join(",");
}

export function readAddress(text: string): FrontAddress {
  const [host, port, token] = text.split(",");
  return { host: host!, port: Number(port), token: token! };
}
