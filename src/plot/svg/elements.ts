/** SVG elements as text: attributes escaped, numbers short, and an estimate of how wide a text will be. */

import { FONT_FAMILY, INK } from "../figure";

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** One element; attributes that are undefined are left out. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === "number" ? short(value) : escapeXml(String(value))}"`)
    .join("");
  return children.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${children.join("")}</${name}>`;
}

/** A line of text. */
export function text(
  content: string,
  x: number,
  y: number,
  options: { size: number; anchor?: "start" | "middle" | "end"; color?: string; bold?: boolean; angle?: number },
): string {
  const { size, anchor = "start", color = INK, bold = false, angle } = options;
  const attributes = {
    x,
    y,
    "font-family": FONT_FAMILY,
    "font-size": size,
    "font-weight": bold ? "bold" : undefined,
    "text-anchor": anchor,
    fill: color,
    transform: angle === undefined ? undefined : `rotate(${angle} ${short(x)} ${short(y)})`,
  };
  return element("text", attributes, withSubscripts(content, size));
}

/** Plotly's `<sub>` becomes smaller, lowered letters. */
function withSubscripts(content: string, size: number): string {
  return content
    .split(/<sub>(.*?)<\/sub>/)
    .map((part, index) => {
      if (index % 2 === 1) return element("tspan", { dy: size * 0.22, "font-size": size * 0.75 }, escapeXml(part));
      return index === 0 || part === "" ? escapeXml(part) : element("tspan", { dy: -size * 0.22 }, escapeXml(part));
    })
    .join("");
}

/** A straight line. */
export function line(x1: number, y1: number, x2: number, y2: number, stroke: string, width = 1): string {
  return element("line", { x1, y1, x2, y2, stroke, "stroke-width": width });
}

/** The width of a text in pixels, near enough to place things beside it. */
export function textWidth(text: string, size: number): number {
  const content = text.replace(/<\/?sub>/g, "");
  const narrow = content.match(/[ilj.,:;|()[\]'ℓ ]/g)?.length ?? 0;
  return size * (0.64 * (content.length - narrow) + 0.34 * narrow);
}

/** A pixel position with a hundredth of a pixel, which is finer than any screen. */
export function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

export function escapeXml(content: string): string {
  return content.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
