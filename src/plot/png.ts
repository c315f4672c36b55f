/** Turns an SVG into a PNG where the optional rasteriser is installed, with a font that has every letter used here. */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const SCALE = 1.6;

interface Rasterizer {
  readonly Resvg: new (svg: string, options: object) => { render(): { asPng(): Uint8Array } };
}

/** The picture as PNG, or undefined where `@resvg/resvg-js` is not installed for this platform. */
export function maybeRenderPng(svg: string): Uint8Array | undefined {
  const rasterizer = maybeLoadRasterizer();
  if (rasterizer === undefined) return undefined;
  const options = {
    fitTo: { mode: "zoom", value: SCALE },
    font: { fontFiles: fontFiles(), loadSystemFonts: false, defaultFontFamily: "DejaVu Sans" },
  };
  return new rasterizer.Resvg(svg, options).render().asPng();
}

// Undefined: not tried yet; null: not there.
let loaded: Rasterizer | null | undefined;

function maybeLoadRasterizer(): Rasterizer | undefined {
  if (loaded === undefined) {
    try {
      loaded = createRequire(__filename)("@resvg/resvg-js") as Rasterizer;
    } catch {
      loaded = null;
    }
  }
  return loaded ?? undefined;
}

function fontFiles(): string[] {
  const folder = join(dirname(createRequire(__filename).resolve("dejavu-fonts-ttf/package.json")), "ttf");
  return ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((name) => join(folder, name)).filter(existsSync);
}
