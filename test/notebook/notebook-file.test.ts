import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { NotebookError } from "../../src/errors";
import { parseNotebook, serializeNotebook } from "../../src/notebook/notebook-file";
import { FIXTURES } from "./notebook-builder";

// Made by nbformat 5.11.1: nbformat.writes(notebook) + "\n", of a notebook with every kind of output.
const WRITTEN = readFileSync(join(FIXTURES, "nbformat.ipynb"), "utf8");

test("what nbformat wrote is written back byte for byte", () => {
  assert.equal(serializeNotebook(parseNotebook(WRITTEN, "x")), WRITTEN);
});

test("lines are joined on reading, JSON outputs stay JSON", () => {
  const { cells } = parseNotebook(WRITTEN, "x");
  assert.equal(cells[0]!.source, "# Δν\ntwo");
  const display = cells[1]!.outputs![1] as { data: Record<string, unknown> };
  assert.equal(display.data["text/plain"], "x\ny");
  assert.deepEqual(display.data["application/vnd.plotly.v1+json"], { data: [], layout: { b: 1, a: "x\ny" } });
});

test("older minor versions gain ids, the same on every reading, and lose what the format dropped", () => {
  const cell = { cell_type: "code", source: "1", metadata: { trusted: true }, outputs: [], execution_count: null };
  const old = JSON.stringify({
    nbformat: 4,
    nbformat_minor: 2,
    metadata: { signature: "s", orig_nbformat: 3 },
    cells: [cell, cell],
  });
  const notebook = parseNotebook(old, "x");
  assert.equal(notebook.nbformat_minor, 5);
  assert.deepEqual(notebook.metadata, {});
  assert.deepEqual(notebook.cells[0]!.metadata, {});
  const ids = notebook.cells.map(({ id }) => id);
  assert.equal(new Set(ids).size, 2);
  assert.deepEqual(
    parseNotebook(old, "x").cells.map(({ id }) => id),
    ids,
  );
});

test("two cells of one id get different ones", () => {
  const cell = { cell_type: "markdown", id: "same", source: "", metadata: {} };
  const text = JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell, cell] });
  assert.equal(new Set(parseNotebook(text, "x").cells.map(({ id }) => id)).size, 2);
});

test("what is no notebook of format 4 is refused with the place", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["{", /^Cannot parse notebook "x.ipynb": it is not JSON/],
    ["{}", /^Cannot use "x.ipynb" as a notebook of format 4: nbformat:/],
    ['{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}', /format 4: nbformat: Invalid input: expected 4/],
    ['{"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "code", "source": 1}]}', /cells\.0\.source/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parseNotebook(text, "x.ipynb"),
      (error) => error instanceof NotebookError && error.isRequest && message.test(error.message),
      text,
    );
  }
});
