/** The trained network that comes with Asterolab: the compact network with all fifteen heads, its recipe and its card. */

import { join } from "node:path";
import { projectRoot } from "../version";

/** Folder of weights (`model.pth`), recipe (`recipe.json`, `network-*.json`, `pipeline.yaml`), curves (`metrics.jsonl`) and card (`README.md`). */
export const SHIPPED_MODEL_FOLDER = join(projectRoot, "models", "compact");

/** The network that `predict` takes where none is named. */
export const SHIPPED_MODEL = join(SHIPPED_MODEL_FOLDER, "model.pth");

/** Spectra of three Kepler stars, and `stars.csv` with what the literature says of them. */
export const EXAMPLE_STARS_FOLDER = join(projectRoot, "notebooks", "stars");
