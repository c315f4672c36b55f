/** Every reader of what others wrote. */

import { BINARY_TARGETS } from "./binary-targets";
import type { Target } from "./target";
import { TEXT_TARGETS } from "./text-targets";

export const TARGETS: readonly Target[] = [...BINARY_TARGETS, ...TEXT_TARGETS];
