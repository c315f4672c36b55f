/**
 * Fills parameters into the paths of notebooks, in the form papermill takes them: `runs/{lr}.ipynb`, `{pm[run_uuid]}`,
 * `{pm[current_datetime_utc]:%Y-%m-%d}`; braces that are meant as such stand doubled.
 */

import { randomUUID } from "node:crypto";
import { NotebookError } from "../errors";

/** What `{pm[...]}` offers beside the parameters. */
export function builtinPathValues(now = new Date()): Record<string, unknown> {
  return {
    pm: {
      run_uuid: randomUUID(),
      current_datetime_local: new CalendarTime(now, false),
      current_datetime_utc: new CalendarTime(now, true),
    },
  };
}

/**
 * Fills a template as Python's `str.format` does, with names, keys in brackets, and formats of numbers and times.
 *
 * @throws {NotebookError} naming the field that has no value or a form that is not supported.
 */
export function fillPath(template: string, values: Readonly<Record<string, unknown>>): string {
  return template.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (whole, field: string | undefined) => {
    if (whole === "{{" || whole === "}}") return whole[0]!;
    if (field === undefined) throw refusal(template, `"${whole}" stands alone; write "${whole}${whole}" to mean it`);
    const parsed = /^(\w+)((?:\[[^\]]*\])*)(?::(.*))?$/s.exec(field);
    if (parsed === null) throw refusal(template, `"${whole}" is not of the form {name}, {name[key]} or {name:format}`);
    const [, name, keys, format = ""] = parsed;
    let value = lookUp(values, name!);
    for (const [, key] of keys!.matchAll(/\[([^\]]*)\]/g)) value = lookUp(value, key!);
    if (value === undefined) {
      throw refusal(template, `there is no value for "${name}${keys}"; known are ${Object.keys(values).join(", ")}`);
    }
    return render(value, format, template);
  });
}

/** The template that gives this path as it stands. */
export function literalPath(path: string): string {
  return path.replace(/[{}]/g, "$&$&");
}

/** A moment with the fields of one time zone. */
class CalendarTime {
  private readonly shifted: Date;
  constructor(
    readonly date: Date,
    readonly isUtc: boolean,
  ) {
    this.shifted = isUtc ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  }

  /** With the directives of strftime that name numbers. */
  format(pattern: string): string | undefined {
    const iso = this.shifted.toISOString(); // YYYY-MM-DDTHH:MM:SS.mmmZ
    const dayOfYear = Math.floor((this.shifted.getTime() - Date.UTC(this.shifted.getUTCFullYear(), 0, 1)) / 86_400_000);
    const parts: Readonly<Record<string, string>> = {
      Y: iso.slice(0, 4),
      y: iso.slice(2, 4),
      m: iso.slice(5, 7),
      d: iso.slice(8, 10),
      H: iso.slice(11, 13),
      M: iso.slice(14, 16),
      S: iso.slice(17, 19),
      f: `${iso.slice(20, 23)}000`,
      j: String(dayOfYear + 1).padStart(3, "0"),
      s: String(Math.floor(this.date.getTime() / 1000)),
      F: iso.slice(0, 10),
      T: iso.slice(11, 19),
      "%": "%",
    };
    const directives = pattern.match(/%./gs) ?? [];
    if (directives.some((directive) => !(directive[1]! in parts))) return undefined;
    return pattern.replace(/%(.)/gs, (_, key: string) => parts[key]!);
  }

  /** As Python prints it. */
  toString(): string {
    const iso = this.shifted.toISOString();
    return `${iso.slice(0, 10)} ${iso.slice(11, 23)}000${this.isUtc ? "+00:00" : ""}`;
  }
}

function lookUp(container: unknown, key: string): unknown {
  if (typeof container !== "object" || container === null || !Object.hasOwn(container, key)) return undefined;
  return (container as Readonly<Record<string, unknown>>)[key];
}

function render(value: unknown, format: string, template: string): string {
  if (format === "") return pythonText(value);
  const formatted =
    value instanceof CalendarTime
      ? value.format(format)
      : typeof value === "number"
        ? formatNumber(value, format)
        : undefined;
  if (formatted === undefined) throw refusal(template, `the format ":${format}" is not supported for ${String(value)}`);
  return formatted;
}

/** A number under a format such as `03d`, `.2f`, `8.1e`. */
function formatNumber(value: number, format: string): string | undefined {
  const [, zero, width = "0", precision = "6", kind] = /^(0?)(\d*)(?:\.(\d+))?([dfe])$/.exec(format) ?? [];
  if (kind === undefined || (kind === "d" && !Number.isInteger(value))) return undefined;
  const digits = Number(precision);
  const text =
    kind === "d" ? String(value) : kind === "f" ? value.toFixed(digits) : twoDigitExponent(value.toExponential(digits));
  const [sign, body] = text.startsWith("-") ? ["-", text.slice(1)] : ["", text];
  return zero ? sign + body.padStart(Number(width) - sign.length, "0") : text.padStart(Number(width));
}

/** As Python's `str` writes it, so that the same command names the same file with either tool. */
function pythonText(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "number") return Array.isArray(value) || isPlain(value) ? JSON.stringify(value) : String(value);
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Number.isInteger(value)) return String(value);
  const shortest = value.toExponential();
  const exponent = Number(shortest.split("e")[1]);
  return exponent < -4 || exponent >= 16 ? twoDigitExponent(shortest) : String(value);
}

function isPlain(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function twoDigitExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

function refusal(template: string, problem: string): NotebookError {
  return new NotebookError(`Cannot fill in the path "${template}": ${problem}`, { path: template, isRequest: true });
}
