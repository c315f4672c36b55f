/**
 * Builds the site of the notebooks: one self-contained page each and an index. `npm run docs [-- FOLDER]`, by default
 * `site/`.
 */

import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { mkdirP, writeFileAtomic } from "../src/data/files";
import { notebookHtml, pageHtml } from "../src/notebook/html";
import { readNotebook } from "../src/notebook/notebook-file";
import { projectRoot } from "../src/version";

async function main(folder: string): Promise<void> {
  await mkdirP(folder);
  const source = join(projectRoot, "notebooks");
  const entries: string[] = [];
  for (const file of readdirSync(source)
    .filter((name) => name.endsWith(".ipynb"))
    .sort()) {
    const notebook = await readNotebook(join(source, file));
    const prose = notebook.cells.find((cell) => cell.cell_type === "markdown")?.source ?? "";
    const title = /^#\s+(.*)$/m.exec(prose)?.[1] ?? basename(file, ".ipynb");
    const page = `${basename(file, ".ipynb")}.html`;
    await writeFileAtomic(join(folder, page), notebookHtml(notebook, title));
    entries.push(`1. [${title}](${page})`);
  }
  const index = `# Asterolab: the notebooks\n\n${entries.join("\n")}\n`;
  await writeFileAtomic(join(folder, "index.html"), pageHtml("Asterolab: the notebooks", index));
  process.stdout.write(`${join(folder, "index.html")}\n`);
}

main(process.argv[2] ?? join(projectRoot, "site")).catch((error: Error) => {
  process.stderr.write(`docs: ${error.message}\n`);
  process.exitCode = 1;
});
