/** How library code tells the notebook it runs in what it computes with, for the record of where outputs come from. */

import { maybeKernelHooks } from "./hooks";

/** The type under which facts travel. */
export const FACTS_TYPE = "application/vnd.asterolab.facts+json";

export interface RunFacts {
  /** The engine in use. */
  readonly engine?: string;
  /** Hash of each data set that was opened, by folder and split. */
  readonly data?: Readonly<Record<string, string>>;
}

/** Tells the kernel's reader; outside of a kernel it does nothing. */
export function noteFacts(facts: RunFacts): void {
  // An update of a display that is nowhere: notebook pages pass it by, and the executor keeps it.
  const content = { data: { [FACTS_TYPE]: facts }, metadata: {}, transient: { display_id: FACTS_TYPE } };
  maybeKernelHooks()?.display(content, true);
}
