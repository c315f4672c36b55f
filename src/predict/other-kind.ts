/** What lies in a folder beside stars. */

import { DataError } from "../errors";

/**
 * A file holds something else than a star: a table, prose, pixels, an array of another shape. That is an error where the
 * file is named, and none where it lies in a folder that is named.
 */
export class OtherKindError extends DataError {}
