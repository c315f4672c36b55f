/** Several figures of one panel as small multiples in one. */

import {
  type Annotation,
  type Axis,
  createFigure,
  type Figure,
  INK,
  type Trace,
  type XAxisId,
  type YAxisId,
} from "./figure";

/** How figures are laid out side by side. */
export interface GridOptions {
  readonly columns?: number;
  readonly title?: string;
  readonly panelWidth?: number;
  readonly panelHeight?: number;
  /** Pixels between panels, for the numbers and titles of axes. */
  readonly gapX?: number;
  readonly gapY?: number;
}

/** Pixels between panels where nothing else is said, and around all of them. */
const GAP_X = 84;
const GAP_Y = 92;
const PAGE_X = 100;
const PAGE_Y = 110;

/**
 * Lays out figures row by row; each keeps its axes, and its title stands above its panel. Legends are left out.
 *
 * @throws {RangeError} when there is no figure, or one has more than one panel.
 */
export function gridFigure(figures: readonly Figure[], options: GridOptions = {}): Figure {
  if (figures.length === 0)
    throw new RangeError("Cannot lay out a grid of figures: there are none, expected at least one");
  const { columns = Math.min(3, figures.length), title, panelWidth = 300, panelHeight = 270 } = options;
  const { gapX = GAP_X, gapY = GAP_Y } = options;
  const rows = Math.ceil(figures.length / columns);
  const width = columns * panelWidth;
  const height = rows * panelHeight + 60;

  const data: Trace[] = [];
  const axes: Record<string, Axis> = {};
  const annotations: Annotation[] = [];
  figures.forEach((figure, index) => {
    if (figure.layout.yaxis2 || figure.layout.xaxis2) {
      throw new RangeError(`Cannot lay out figure ${index} in a grid: it has more than one panel, expected one`);
    }
    const suffix = index === 0 ? "" : String(index + 1);
    const [xId, yId] = [`x${suffix}` as XAxisId, `y${suffix}` as YAxisId];
    const x = span(index % columns, columns, gapX / (width - PAGE_X));
    const y = span(rows - 1 - Math.floor(index / columns), rows, gapY / (height - PAGE_Y));
    axes[`xaxis${suffix}`] = { ...figure.layout.xaxis, domain: x, anchor: yId };
    axes[`yaxis${suffix}`] = { ...figure.layout.yaxis, domain: y, anchor: xId };
    for (const trace of figure.data)
      data.push({
        ...trace,
        xaxis: xId,
        yaxis: yId,
        showlegend: false,
        ...("showscale" in trace && { showscale: false }),
      });
    if (figure.layout.title) annotations.push(panelTitle(figure.layout.title.text, x[0], y[1]));
  });
  return createFigure(data, {
    ...(title !== undefined && { title: { text: title } }),
    width,
    height,
    annotations,
    bargap: 0,
    ...axes,
  });
}

/** The part of the unit length that cell `index` of `count` takes, with `gap` between cells. */
function span(index: number, count: number, gap: number): readonly [number, number] {
  const size = (1 - gap * (count - 1)) / count;
  return [index * (size + gap), index * (size + gap) + size];
}

function panelTitle(content: string, x: number, y: number): Annotation {
  const font = { size: 12, color: INK };
  return {
    text: content,
    xref: "paper",
    yref: "paper",
    x,
    y,
    xanchor: "left",
    yanchor: "bottom",
    showarrow: false,
    font,
  };
}
