/** The condition of a filter on one value. */

import type { Filter } from "../config";

/** A test of values: `comparison("<", 5)(4)` is true. */
export function comparison(op: Filter["op"], limit: number): (value: number) => boolean {
  switch (op) {
    case "<":
      return (value) => value < limit;
    case "<=":
      return (value) => value <= limit;
    case ">":
      return (value) => value > limit;
    case ">=":
      return (value) => value >= limit;
    case "==":
      return (value) => value === limit;
    case "!=":
      return (value) => value !== limit;
  }
}
