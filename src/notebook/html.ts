/** A notebook as one self-contained page: prose, code, outputs; figures live, with their picture where scripts are off. */

import MarkdownIt from "markdown-it";
import { writeFileAtomic } from "../data/files";
import { plotlySource } from "../plot/html-report";
import { type Cell, type MimeBundle, type Notebook, type Output, tagsOf } from "./notebook-file";

const PLOTLY_MIME = "application/vnd.plotly.v1+json";
const markdown = new MarkdownIt({ html: false, linkify: true, typographer: false });
const escapeHtml = markdown.utils.escapeHtml;

/**
 * Writes the page; it needs no network and no other file.
 *
 * @throws {DataError} when the file cannot be written.
 */
export async function writeNotebookHtml(notebook: Notebook, title: string, path: string): Promise<void> {
  await writeFileAtomic(path, notebookHtml(notebook, title));
}

/** The page as text. */
export function notebookHtml(notebook: Notebook, title: string): string {
  const figures: unknown[] = [];
  const cells = notebook.cells.map((cell) => cellHtml(cell, figures)).join("\n");
  // "<" is written as its code, so that no text of a figure can end the script.
  const scripts =
    figures.length === 0
      ? ""
      : `<script>${plotlySource()}</script>
<script>
${JSON.stringify(figures).replace(/</g, "\\u003c").replace(/^/, "const figures = ")};
figures.forEach((figure, index) => {
  const place = document.getElementById("figure-" + index);
  place.replaceChildren();
  Plotly.newPlot(place, figure.data, figure.layout, { responsive: false, displaylogo: false });
});
</script>`;
  return page(title, `${cells}\n${scripts}`);
}

/** A page of Markdown alone, in the notebooks' style. */
export function pageHtml(title: string, source: string): string {
  return page(title, markdown.render(source));
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

function cellHtml(cell: Cell, figures: unknown[]): string {
  if (cell.cell_type === "markdown") return `<section class="prose">${markdown.render(cell.source)}</section>`;
  if (cell.cell_type !== "code" || cell.source.trim() === "") return "";
  const label = cell.execution_count ? `<span class="count">${escapeHtml(String(cell.execution_count))}</span>` : "";
  const isHidden = tagsOf(cell).includes("injected-parameters") ? ' class="injected"' : "";
  const outputs = (cell.outputs ?? []).map((output) => outputHtml(output, figures)).join("\n");
  return `<section class="cell">${label}<pre${isHidden}><code>${escapeHtml(cell.source)}</code></pre>\n${outputs}</section>`;
}

function outputHtml(output: Output, figures: unknown[]): string {
  if (output.output_type === "stream")
    return `<pre class="${escapeHtml(output.name)}">${escapeHtml(plain(output.text))}</pre>`;
  if (output.output_type === "error") {
    return `<pre class="stderr">${escapeHtml(plain(output.traceback.join("\n") || `${output.ename}: ${output.evalue}`))}</pre>`;
  }
  const { data } = output;
  if (!(PLOTLY_MIME in data)) return pictureHtml(data);
  figures.push(data[PLOTLY_MIME]);
  return `<div class="figure" id="figure-${figures.length - 1}">${pictureHtml(data)}</div>`;
}

/** The best form that needs no script. Foreign HTML is left out: the page shows what it is sure of. */
function pictureHtml(data: MimeBundle): string {
  const text = (type: string): string => String(data[type] ?? "");
  for (const type of ["image/png", "image/jpeg", "image/gif"]) {
    if (type in data)
      return `<img alt="${escapeHtml(text("text/plain"))}" src="data:${type};base64,${escapeHtml(text(type).trim())}">`;
  }
  if ("image/svg+xml" in data) {
    const encoded = Buffer.from(text("image/svg+xml")).toString("base64");
    return `<img alt="${escapeHtml(text("text/plain"))}" src="data:image/svg+xml;base64,${encoded}">`;
  }
  if ("text/markdown" in data) return `<div class="prose">${markdown.render(text("text/markdown"))}</div>`;
  return `<pre class="stdout">${escapeHtml(plain(text("text/plain")))}</pre>`;
}

/** Without the colours of terminals. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with the escape character
  return text.replace(/\u001b\[[\d;]*m/g, "");
}

const STYLE = `
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font: 16px/1.55 system-ui, sans-serif; color-scheme: light dark; }
pre { overflow-x: auto; padding: .6rem .9rem; border-radius: 6px; font-size: 13px; line-height: 1.45; background: color-mix(in srgb, currentColor 7%, transparent); }
pre.stdout, pre.stderr { background: none; padding-top: 0; }
pre.stderr { color: #c0392b; }
pre.injected { border-left: 3px solid #0072b2; }
.cell { position: relative; }
.count { position: absolute; left: -2.5rem; top: .7rem; width: 2rem; text-align: right; opacity: .5; font-size: 12px; }
.figure { width: fit-content; margin: 0 0 1rem; background: #fff; color: #1f1f1f; border-radius: 6px; overflow: hidden; }
img { max-width: 100%; }
table { border-collapse: collapse; } td, th { padding: .2rem .7rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
`;
