/** Shows figures in a notebook's cell; outside a notebook, in words on stdout. */

import { randomUUID } from "node:crypto";
import { maybeKernelHooks } from "../kernel/hooks";
import { figureBundle } from "./bundle";
import type { Figure } from "./figure";
import { summarizeFigure } from "./summary";

/** Shows a figure below the cell that is running. */
export function show(figure: Figure): void {
  newFigureDisplay().show(figure);
}

/** One place below a cell whose figure can be replaced. */
export interface FigureDisplay {
  show(figure: Figure): void;
}

/** A place below the cell that is running now; later figures take the place of the first, whichever cell runs then. */
export function newFigureDisplay(): FigureDisplay {
  const write = maybeDisplayWriter();
  const id = randomUUID();
  let isShown = false;
  return {
    show(figure) {
      if (write === undefined) {
        process.stdout.write(`${summarizeFigure(figure)}\n`);
        return;
      }
      write({ data: figureBundle(figure), metadata: {}, transient: { display_id: id } }, isShown);
      isShown = true;
    },
  };
}

/** True in a cell of a notebook, where figures are shown as pictures. */
export function isInNotebook(): boolean {
  return maybeDisplayWriter() !== undefined;
}

interface DisplayContent {
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly transient: { readonly display_id: string };
}

type DisplayWriter = (content: DisplayContent, isUpdate: boolean) => void;

/**
 * How the running kernel sends displays. Stock tslab offers no hooks, and its public interface takes one MIME type at a
 * time, while only a bundle lets each reader choose; so there the writer is taken from the module that it has loaded.
 */
function maybeDisplayWriter(): DisplayWriter | undefined {
  const hooks = maybeKernelHooks();
  if (hooks !== undefined) return hooks.display;
  for (const [path, module] of Object.entries(require.cache)) {
    if (module === undefined || !/[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(path)) continue;
    const { lastWriteDisplayData } = module.exports as { lastWriteDisplayData?: DisplayWriter | null };
    if (typeof lastWriteDisplayData === "function") return lastWriteDisplayData;
  }
  return undefined;
}
