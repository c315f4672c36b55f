/** The network's parameters as plain arrays, and the check that they fit a network. */

import { CheckpointError } from "../errors";
import type { ParameterSpec } from "./parameters";

/** Parameters by PyTorch's names; each array is a copy, row-major. */
export type ModelState = Map<string, ParameterValues>;

export interface ParameterValues {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * The entries of `state` in the order of `specs`, without the prefix `module.` of data-parallel wrapping.
 *
 * @throws {CheckpointError} naming the first parameter that is missing, unknown or of another shape, and how many are.
 */
export function checkState(
  state: ReadonlyMap<string, ParameterValues>,
  specs: readonly ParameterSpec[],
  source: string,
): Map<string, ParameterValues> {
  const given = new Map([...state].map(([name, values]) => [name.replace(/^module\./, ""), values]));
  const problems: string[] = [];
  const checked = new Map<string, ParameterValues>();
  for (const { name, shape } of specs) {
    const values = given.get(name);
    given.delete(name);
    if (values === undefined) problems.push(`${name} is missing, expected shape ${describeShape(shape)}`);
    else if (values.shape.join() !== shape.join()) {
      problems.push(`${name} has shape ${describeShape(values.shape)}, expected ${describeShape(shape)}`);
    } else checked.set(name, values);
  }
  for (const name of given.keys()) problems.push(`${name} is not a parameter of this network`);
  if (problems.length > 0) {
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more that do not fit)` : "";
    throw new CheckpointError(`Cannot load checkpoint "${source}": ${problems[0]}${more}`, source);
  }
  return checked;
}

function describeShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
