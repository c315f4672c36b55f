/** Reads an SVG strictly enough to notice what a browser would refuse, and gives its elements. */

import assert from "node:assert/strict";

export interface SvgElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** The text directly inside. */
  text: string;
}

const TOKEN = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;

/** All elements in document order; fails on anything that is not well formed. */
export function parseSvg(svg: string): SvgElement[] {
  const elements: SvgElement[] = [];
  const open: SvgElement[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < svg.length) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(svg);
    assert.ok(match, `not well formed at ${start}: ${svg.slice(start, start + 60)}`);
    const [, closing, name, written, isEmpty, content] = match;
    if (content !== undefined) {
      assert.ok(!/&(?!(amp|lt|gt|quot);)/.test(content), `unescaped & in ${content}`);
      if (open.length > 0) open.at(-1)!.text += content;
    } else if (closing) {
      assert.equal(open.pop()?.name, name);
    } else {
      const attributes = Object.fromEntries(
        [...written!.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]),
      );
      for (const [key, value] of Object.entries(attributes))
        assert.ok(!/NaN|Infinity|undefined/.test(value), `${key}="${value}"`);
      const element = { name: name!, attributes, text: "" };
      elements.push(element);
      if (!isEmpty) open.push(element);
    }
  }
  assert.deepEqual(open, []);
  return elements;
}

/** The contents of all texts, subscripts marked by "_". */
export function textsOf(elements: readonly SvgElement[]): string[] {
  const texts: string[] = [];
  for (const { name, text } of elements) {
    if (name === "text") texts.push(text);
    else if (name === "tspan") texts[texts.length - 1] += text;
  }
  return texts;
}
