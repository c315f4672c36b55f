/** One self-contained page of figures: plotly.js once, each figure live, and its static picture where scripts are off. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { minifySync } from "@swc/core";
import { writeFileAtomic } from "../data/files";
import type { Figure } from "./figure";
import { escapeXml } from "./svg/elements";
import { renderSvg } from "./svg/render";

/** How the page is headed. */
export interface HtmlReportOptions {
  readonly title?: string;
}

/**
 * Writes the figures as a page that needs no network and no other file.
 *
 * @throws {DataError} when the file cannot be written.
 */
export async function writeHtmlReport(
  figures: readonly Figure[],
  path: string,
  options: HtmlReportOptions = {},
): Promise<void> {
  await writeFileAtomic(path, htmlReport(figures, options));
}

/** The page as text. */
export function htmlReport(figures: readonly Figure[], { title = "Asterolab" }: HtmlReportOptions = {}): string {
  const sections = figures.map(
    (figure, index) => `<div class="figure" id="figure-${index}">${renderSvg(figure)}</div>`,
  );
  // "<" is written as its code, so that no text of a figure can end the script.
  const json = JSON.stringify(figures).replace(/</g, "\\u003c");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(title)}</title>
<style>
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; font-family: system-ui, sans-serif; color-scheme: light dark; }
.figure { width: fit-content; margin: 0 0 1.5rem; background: #fff; color: #1f1f1f; border-radius: 6px; overflow: hidden; }
</style>
</head>
<body>
<h1>${escapeXml(title)}</h1>
${sections.join("\n")}
<script>${plotlySource()}</script>
<script>
const figures = ${json};
figures.forEach((figure, index) => {
  const place = document.getElementById("figure-" + index);
  place.replaceChildren();
  Plotly.newPlot(place, figure.data, figure.layout, { responsive: false, displaylogo: false });
});
</script>
</body>
</html>
`;
}

/** The library, ready to stand between script tags; minified, which takes seconds once and halves every page. */
export function plotlySource(): string {
  if (plotly === undefined) {
    const load = createRequire(__filename);
    const source = readFileSync(load.resolve("plotly.js-dist"), "utf8");
    // Only now: the compiler is large, and most programs write no page.
    const swc = load("@swc/core") as { minifySync: typeof minifySync };
    const options = { compress: false, mangle: true, format: { comments: "some" } } as const; // keeps most licences
    const license = /^\/\*[\s\S]*?\*\//.exec(source)?.[0] ?? "";
    plotly = `${license}\n${swc.minifySync(source, options).code}`.replace(/<\/script/gi, "<\\/script");
  }
  return plotly;
}

let plotly: string | undefined;
