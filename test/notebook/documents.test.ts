import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import test from "node:test";
import { Script } from "node:vm";
import { NotebookError } from "../../src/errors";
import { compareOutputs } from "../../src/notebook/compare";
import { notebookHtml } from "../../src/notebook/html";
import { inspectNotebook } from "../../src/notebook/inspect";
import { installKernels } from "../../src/notebook/install-kernels";
import { findKernelSpec } from "../../src/notebook/kernelspecs";
import { createCell, type Notebook, type Output } from "../../src/notebook/notebook-file";
import { plotlySource } from "../../src/plot/html-report";
import { projectRoot } from "../../src/version";
import { temporaryFolder } from "../temporary-folder";
import { codeCell, writeTestNotebook } from "./notebook-builder";

const TOLERANCES = { rtol: 1e-6, atol: 1e-9 };

function notebookOf(...outputs: Output[]): Notebook {
  const cell = { ...codeCell("f()"), outputs };
  return { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [createCell("markdown", "# Title *now*", []), cell] };
}

function printed(text: string): Output {
  return { output_type: "stream", name: "stdout", text };
}

function figure(y: number[], png: string): Output {
  const data = {
    "application/vnd.plotly.v1+json": { data: [{ y }], layout: {} },
    "image/png": png,
    "text/plain": "Figure",
  };
  return { output_type: "display_data", data, metadata: {} };
}

function differences(before: Output, after: Output): string[] {
  return compareOutputs(notebookOf(before), notebookOf(after), TOLERANCES).map(({ cell, text }) => `${cell}: ${text}`);
}

test("texts are the same when their words are and their numbers are close", () => {
  assert.deepEqual(differences(printed("loss 1.2345678 of 3\n"), printed("loss 1.2345679 of 3\n")), []);
  assert.deepEqual(differences(printed("a\nloss 1.23\n"), printed("a\nloss 1.24\n")), [
    '1: output 0: stdout line 2 is "loss 1.24", was "loss 1.23"',
  ]);
  assert.deepEqual(differences(printed("kept 3\n"), printed("lost 3\n")), [
    '1: output 0: stdout line 1 is "lost 3", was "kept 3"',
  ]);
  assert.deepEqual(differences(printed("NaN 1\n"), printed("0 1\n")).length, 1);
});

test("figures are compared by their data, not by their pictures", () => {
  assert.deepEqual(differences(figure([1, 2], "AAAA"), figure([1, 2], "BBBB")), []);
  assert.deepEqual(differences(figure([1, 2], "AAAA"), figure([1, 2.1], "AAAA")), [
    "1: output 0: application/vnd.plotly.v1+json.data.0.y.1 is 2.1, was 2",
  ]);
});

test("in cells tagged asterolab-measured words count, and numbers do not", () => {
  const compare = (before: Output, after: Output): string[] => {
    const expected = notebookOf(before);
    expected.cells[1]!.metadata.tags = ["asterolab-measured"];
    return compareOutputs(expected, notebookOf(after), TOLERANCES).map(({ text }) => text);
  };
  assert.deepEqual(compare(printed("576 spectra in  1.7 s\n"), printed("576 spectra in 11.3 s\n")), []);
  assert.deepEqual(compare(figure([0, 2], "AAAA"), figure([1, 3], "AAAA")), []);
  assert.match(compare(printed("took 1.7 s\n"), printed("took 1.7 min\n"))[0]!, /line 1 is "took 1.7 min"/);
  assert.match(compare(printed("rate 3\n"), printed("rate NaN\n"))[0]!, /is "rate NaN"/);
  assert.match(compare(printed("a"), figure([1], ""))[0]!, /stream before, display_data now/);
});

test("outputs that are missing or of another kind are told, ignored cells are not", () => {
  assert.match(differences(printed("a"), figure([1], ""))[0]!, /stream before, display_data now/);
  const [before, after] = [notebookOf(printed("a")), notebookOf()];
  assert.match(compareOutputs(before, after, TOLERANCES)[0]!.text, /^1 outputs before \(stream\), 0 now \(none\)$/);
  before.cells[1]!.metadata.tags = ["nbval-ignore-output"];
  assert.deepEqual(compareOutputs(before, after, TOLERANCES), []);
});

test("the page has the prose, the code, live figures with their pictures, and nothing that could end a script", () => {
  const html = notebookHtml(notebookOf(printed("</script><b>"), figure([1], "QUJD")), "A & B");
  assert.match(html, /<title>A &amp; B<\/title>/);
  assert.match(html, /<h1>Title <em>now<\/em><\/h1>/);
  assert.match(html, /<pre class="stdout">&lt;\/script&gt;&lt;b&gt;<\/pre>/);
  assert.match(html, /<div class="figure" id="figure-0"><img alt="Figure" src="data:image\/png;base64,QUJD"><\/div>/);
  assert.match(html, /const figures = \[\{"data":\[\{"y":\[1\]\}\],"layout":\{\}\}\];/);
  assert.equal(html.match(/<\/script>/g)!.length, 2);
  assert.ok(!/<script[^>]* src=|<link/.test(html.replace(/<script>.*?<\/script>/gs, "")), "it needs no other file");
});

test("nothing that a notebook file says becomes a tag or an attribute of the page", () => {
  const evil = 'x"><script>alert(1)</script>';
  const picture: Output = {
    output_type: "display_data",
    data: { "image/png": evil, "text/plain": evil },
    metadata: {},
  };
  const notebook = notebookOf({ output_type: "stream", name: evil, text: evil }, picture);
  notebook.cells[1]!.execution_count = evil as unknown as number;
  assert.ok(!notebookHtml(notebook, evil).includes("<script"));
});

test("the library in a page is minified, whole and licensed", () => {
  const source = plotlySource();
  assert.ok(source.length < 6e6, `${source.length} characters`);
  new Script(source); // compiles
  assert.ok(source.includes("window.Plotly="));
  assert.ok(/^\/\*\*\n\* plotly\.js v4[^/]*MIT license/.test(source), "its licence comes first");
});

test("a page without figures carries no library", () => {
  assert.ok(notebookHtml(notebookOf(printed("a")), "t").length < 5000);
});

test("inspect gives names, types, defaults and the comments beside them", async () => {
  const source = 'let lr: number = 0.1; // of the optimizer\nlet names = ["a"];';
  const { input } = writeTestNotebook("asterolab", [codeCell(source, "parameters")]);
  assert.deepEqual(await inspectNotebook(input), [
    { name: "lr", inferred_type_name: "number", default: "0.1", help: "of the optimizer" },
    { name: "names", inferred_type_name: "string[]", default: '["a"]', help: "" },
  ]);
  assert.equal(await inspectNotebook(writeTestNotebook("asterolab", [codeCell("1")]).input), undefined);
  const python = writeTestNotebook("python3", [codeCell("lr = 0.1", "parameters")], "python");
  await assert.rejects(inspectNotebook(python.input), {
    name: "NotebookError",
    message: `Cannot inspect the parameters of "${python.input}": its language is "python", expected typescript or javascript`,
  });
});

test("installed kernels name this checkout and this Node, and are found; JupyterLab's extension comes along", async (t) => {
  const prefix = temporaryFolder(t);
  const written = await installKernels({ kind: "prefix", prefix });
  const folders = written.slice(0, -1);
  const names = ["asterolab", "asterolab-mpi"];
  assert.deepEqual(
    folders,
    names.map((name) => join(prefix, "share", "jupyter", "kernels", name)),
  );
  for (const folder of folders) {
    const { argv } = JSON.parse(readFileSync(join(folder, "kernel.json"), "utf8")) as { argv: string[] };
    assert.equal(argv[0], process.execPath);
    assert.equal(resolve(argv[1]!), join(projectRoot, "kernels", "asterolab", "launch.js"));
  }
  const extension = join(prefix, "share", "jupyter", "labextensions", "asterolab-figures");
  assert.equal(written.at(-1), extension);
  const { jupyterlab } = JSON.parse(readFileSync(join(extension, "package.json"), "utf8")) as {
    jupyterlab: { _build: { load: string } };
  };
  assert.match(readFileSync(join(extension, jupyterlab._build.load), "utf8"), /asterolab-figures/);
  const found = findKernelSpec("asterolab", [join(prefix, "share", "jupyter", "kernels")]);
  assert.equal(found.interruptMode, "message");
  await assert.rejects(installKernels({ kind: "sys-prefix" }, {}), (error) => {
    assert.ok(error instanceof NotebookError);
    assert.match(error.message, /^Cannot install kernels with --sys-prefix: no virtual or conda environment is active/);
    return true;
  });
});
