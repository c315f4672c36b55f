/** A figure in every form a notebook can show, so that each reader takes the best it knows. */

import type { Figure } from "./figure";
import { maybeRenderPng } from "./png";
import { summarizeFigure } from "./summary";
import { renderSvg } from "./svg/render";

export const PLOTLY_MIME = "application/vnd.plotly.v1+json";

/** MIME type to content: plotly's JSON, a static picture (PNG in base64, or SVG without a rasteriser), and words. */
export function figureBundle(figure: Figure): Record<string, unknown> {
  const svg = renderSvg(figure);
  const png = maybeRenderPng(svg);
  const picture = png === undefined ? { "image/svg+xml": svg } : { "image/png": Buffer.from(png).toString("base64") };
  return { [PLOTLY_MIME]: figure, ...picture, "text/plain": summarizeFigure(figure) };
}
