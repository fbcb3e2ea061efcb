/** String functions. Positions and lengths count UTF-16 units, as the service's own. */
import { maxText } from "../operators.ts";
import { isArray, type Value } from "../values.ts";
import { between, fixed, type FunctionTable, many, ofString } from "./definition.ts";

/** The longest text that REPLICATE makes; docs: "resulting in more than 10,000 characters: undefined". */
const maxReplicated = 10_000;

/** (text, part, ignore case?) to a verdict. */
const comparing = (test: (text: string, part: string) => boolean) =>
  between(2, 3, (text, part, ignoreCase = false) => {
    if (typeof text !== "string" || typeof part !== "string" || typeof ignoreCase !== "boolean") return undefined;
    return ignoreCase ? test(text.toLowerCase(), part.toLowerCase()) : test(text, part);
  });

const trimmed = (start: boolean, end: boolean) =>
  between(1, 2, (text, characters) => {
    if (typeof text !== "string") return undefined;
    if (characters !== undefined && typeof characters !== "string") return undefined;
    const drop = (character: string): boolean =>
      characters === undefined ? /\s/u.test(character) : characters.includes(character);
    let from = 0;
    let to = text.length;
    if (start) while (from < to && drop(text[from] ?? "")) from += 1;
    if (end) while (to > from && drop(text[to - 1] ?? "")) to -= 1;
    return text.slice(from, to);
  });

const whole = (value: Value): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? Math.trunc(value) : undefined;

/** (text, separator): the part on one side of its first or last occurrence; without one, undefined. */
const part = (find: (text: string, separator: string) => number, after: boolean) =>
  fixed(2, (text, separator) => {
    if (typeof text !== "string" || typeof separator !== "string") return undefined;
    const at = find(text, separator);
    if (at < 0) return undefined;
    return after ? text.slice(at + separator.length) : text.slice(0, at);
  });

const first = (text: string, separator: string): number => text.indexOf(separator);
const last = (text: string, separator: string): number => text.lastIndexOf(separator);

const lastIndexOf = between(2, 3, (text, wanted, start) => {
  if (typeof text !== "string" || typeof wanted !== "string") return undefined;
  const from = start === undefined ? text.length : whole(start);
  return from === undefined ? undefined : text.lastIndexOf(wanted, from);
});

export const stringFunctions: FunctionTable = {
  CONCAT: many(2, (...texts) => {
    let result = "";
    for (const text of texts) {
      if (typeof text !== "string") return undefined;
      result += text;
      if (result.length > maxText) return undefined;
    }
    return result;
  }),
  CONTAINS: comparing((text, wanted) => text.includes(wanted)),
  STARTSWITH: comparing((text, wanted) => text.startsWith(wanted)),
  ENDSWITH: comparing((text, wanted) => text.endsWith(wanted)),
  STRINGEQUALS: comparing((text, wanted) => text === wanted),
  INDEX_OF: between(2, 3, (text, wanted, start = 0) => {
    const from = whole(start);
    if (typeof text !== "string" || typeof wanted !== "string" || from === undefined) return undefined;
    return text.indexOf(wanted, from);
  }),
  LASTINDEXOF: lastIndexOf,
  LAST_INDEX_OF: lastIndexOf,
  LEFT: fixed(2, (text, length) => {
    const count = whole(length);
    return typeof text === "string" && count !== undefined ? text.slice(0, Math.max(0, count)) : undefined;
  }),
  RIGHT: fixed(2, (text, length) => {
    const count = whole(length);
    if (typeof text !== "string" || count === undefined) return undefined;
    return count <= 0 ? "" : text.slice(-count);
  }),
  LENGTH: ofString((text) => text.length),
  LOWER: ofString((text) => text.toLowerCase()),
  UPPER: ofString((text) => text.toUpperCase()),
  LTRIM: trimmed(true, false),
  RTRIM: trimmed(false, true),
  TRIM: trimmed(true, true),
  REPLACE: fixed(3, (text, wanted, replacement) => {
    if (typeof text !== "string" || typeof wanted !== "string" || typeof replacement !== "string") return undefined;
    if (wanted === "") return undefined;
    const pieces = text.split(wanted);
    if (text.length + (pieces.length - 1) * replacement.length > maxText) return undefined;
    return pieces.join(replacement);
  }),
  REPLICATE: fixed(2, (text, times) => {
    const count = whole(times);
    if (typeof text !== "string" || count === undefined || count < 0) return undefined;
    return text.length * count > maxReplicated ? undefined : text.repeat(count);
  }),
  REVERSE: ofString((text) => [...text].reverse().join("")),
  SUBSTRING: fixed(3, (text, start, length) => {
    const from = whole(start);
    const count = whole(length);
    if (typeof text !== "string" || from === undefined || count === undefined) return undefined;
    if (from < 0 || count <= 0) return "";
    return text.slice(from, from + count);
  }),
  SUBSTRINGBEFORE: part(first, false),
  SUBSTRINGAFTER: part(first, true),
  LASTSUBSTRINGBEFORE: part(last, false),
  LASTSUBSTRINGAFTER: part(last, true),
  STRINGJOIN: fixed(2, (items, separator) => {
    if (!isArray(items) || typeof separator !== "string") return undefined;
    if (!items.every((item) => typeof item === "string")) return undefined;
    return items.join(separator);
  }),
  STRINGSPLIT: fixed(2, (text, separator) => {
    if (typeof text !== "string" || typeof separator !== "string") return undefined;
    return separator === "" ? [text] : text.split(separator);
  }),
};
