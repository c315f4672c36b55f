/** One page per star: spectrum, échelle diagram with the predicted modes, and the posteriors of all parameters. */

import type { ClassEdges } from "../data/classes";
import { type HeadName, isHeadName } from "../data/parameters";
import type { Posterior } from "../predict/posteriors";
import { INK, PALETTE } from "./figure";
import { gridFigure } from "./grid-figure";
import { posteriorFigure, type StarPanelOptions, starEchelleFigure, starSpectrumFigure } from "./star-panels";
import { element, text } from "./svg/elements";
import { renderSvg } from "./svg/render";

/** A star's prediction and the spectrum it was made from. */
export interface StarFigureOptions extends StarPanelOptions {
  readonly classEdges: ClassEdges;
  /** Class frequencies of the training prior, drawn behind the posteriors. */
  readonly prior?: ReadonlyMap<HeadName, Float64Array>;
}

const WIDTH = 1200;
const HEADER = 74;
const TOP_HEIGHT = 420;
const COLUMNS = 5;
const PANEL_HEIGHT = 158;

/** The page as one SVG document. */
export function starFigureSvg(options: StarFigureOptions): string {
  const { prediction, classEdges, prior } = options;
  const posteriors = Object.entries(prediction.parameters).filter((entry): entry is [HeadName, Posterior] =>
    isHeadName(entry[0]),
  );
  const figures = posteriors.map(([head, posterior]) =>
    posteriorFigure(head, posterior, classEdges.get(head)!, prior?.get(head)),
  );
  const echelle = starEchelleFigure(options);
  const sizes = { columns: COLUMNS, panelWidth: WIDTH / COLUMNS, panelHeight: PANEL_HEIGHT, gapX: 44, gapY: 58 };
  const grid = gridFigure(figures, sizes);
  const gridHeight = grid.layout.height!;
  const height = HEADER + TOP_HEIGHT + gridHeight + 34;
  const pictures = [
    place(renderSvg(starSpectrumFigure(options)), "spectrum", 0, HEADER),
    echelle === null ? "" : place(renderSvg(echelle), "echelle", 640, HEADER),
    place(renderSvg(grid), "posteriors", 0, HEADER + TOP_HEIGHT),
  ];
  const attributes = { xmlns: "http://www.w3.org/2000/svg", width: WIDTH, height, viewBox: `0 0 ${WIDTH} ${height}` };
  return `${element(
    "svg",
    attributes,
    element("rect", { width: WIDTH, height, fill: "#ffffff" }),
    ...header(options),
    ...pictures,
    ...legend(HEADER + TOP_HEIGHT + gridHeight + 8, prior !== undefined),
  )}\n`;
}

/** Name and flags. */
function header({ prediction }: StarFigureOptions): string[] {
  const { input, detection, unusual, classical } = prediction;
  const name = input.split(/[\\/]/).at(-1)!;
  const found = detection === null ? "detection: grid not known" : detection.reason;
  const estimate =
    classical === null
      ? ""
      : `without the network: Δν ${classical.dnu.toPrecision(4)} µHz, ν<sub>max</sub> ${classical.numax.toPrecision(4)} µHz`;
  const warning = [
    ...(detection?.detected === false ? ["NO DETECTION"] : []),
    ...(unusual ? ["UNUSUAL: unlike the stars that the network was trained on"] : []),
  ].join("   ");
  const facts = [found, estimate].filter((fact) => fact !== "").join("   ·   ");
  return [
    text(name, 24, 34, { size: 20, bold: true }),
    text(facts, 24, 60, { size: 13, color: "#555555" }),
    text(warning, WIDTH - 24, 34, { size: 14, bold: true, anchor: "end", color: PALETTE.vermillion }),
  ];
}

/** What the colours of the posteriors mean. */
function legend(y: number, hasPrior: boolean): string[] {
  const entries: (readonly [string, string])[] = [
    [PALETTE.blue, "68 % interval"],
    ["#a6cee3", "95 % interval"],
    ["#d9d9d9", "outside"],
    [PALETTE.black, "median"],
    ...(hasPrior ? [[PALETTE.orange, "training prior"] as const] : []),
  ];
  return entries.flatMap(([color, label], index) => {
    const x = 100 + 150 * index;
    return [
      element("rect", { x, y: y - 6, width: 18, height: index < 3 ? 10 : 2.5, fill: color }),
      text(label, x + 26, y + 4, { size: 12, color: INK }),
    ];
  });
}

/** A picture as a part of another one; its clip paths get names of their own. */
function place(svg: string, name: string, x: number, y: number): string {
  return svg
    .replace("<svg ", `<svg x="${x}" y="${y}" `)
    .replaceAll('id="panel-', `id="${name}-`)
    .replaceAll("url(#panel-", `url(#${name}-`)
    .trimEnd();
}
