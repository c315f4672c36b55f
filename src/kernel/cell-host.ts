/** What the front knows of the process, or the ranks, in which cells run. */

import type { CellOutcome, UserMessage, UserRequest } from "./channel";

export type RunRequest = Extract<UserRequest, { kind: "run" }>;

export interface CellHost {
  /** Runs a cell; its end comes as a message. */
  run(request: RunRequest, code: string): void;
  /** Stops the running cell, whatever it does. */
  interrupt(): void;
  answerInput(answer: InputAnswer): void;
  /** Ends everything that was started. */
  stop(): Promise<void>;
}

export interface InputAnswer {
  readonly value: string;
  readonly isInterrupted?: boolean;
}

export interface CellHostEvents {
  readonly onMessage: (message: UserMessage) => void;
  /**
   * Called once when all variables are gone, and another host has to take this one's place.
   *
   * @param reason a sentence for people
   * @param outcome how the running cell ended, where that is known
   */
  readonly onEnd: (reason: string, outcome?: CellOutcome) => void;
}

/** Starts a process, or ranks. */
export type StartHost = (events: CellHostEvents) => CellHost;
