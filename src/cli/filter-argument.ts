/** A condition on the command line, such as `dnu>5`, as a filter of rows. */

import type { Filter } from "../config";
import { HEAD_NAMES, isHeadName } from "../data/parameters";
import { CliError } from "../errors";

/**
 * Parses `NAME OPERATOR NUMBER`; the name is a parameter's or a label column's number.
 *
 * @throws {CliError} when it is no such condition.
 */
export function parseFilter(condition: string): Filter {
  const [, name, op, number] = /^\s*(\w+)\s*(<=|>=|==|!=|<|>)\s*([-+.\deE]+)\s*$/.exec(condition) ?? [];
  const column = name !== undefined && /^\d+$/.test(name) ? Number(name) : name;
  const isColumn = typeof column === "number" ? column < 36 : column !== undefined && isHeadName(column);
  const value = Number(number);
  if (!isColumn || op === undefined || !Number.isFinite(value)) {
    throw new CliError(
      `Cannot use --filter "${condition}": expected a parameter (${HEAD_NAMES.join(", ")}) or a label column (0 to 35), ` +
        "one of < <= > >= == !=, and a number",
    );
  }
  return { column: column as Filter["column"], op: op as Filter["op"], value };
}
