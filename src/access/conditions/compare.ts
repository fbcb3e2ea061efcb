/** The operators of conditions on single values. Undefined: the values are not of the operator's type. */
import { isGuid } from "../definitions.ts";
import type { Operator, Relation } from "./syntax.ts";

export type Value = string | number | boolean;

type Compare = (operator: Operator, left: Value, right: Value) => boolean | undefined;

const byOrder = (relation: Relation, order: number): boolean | undefined => {
  switch (relation) {
    case "Equals":
      return order === 0;
    case "NotEquals":
      return order !== 0;
    case "LessThan":
      return order < 0;
    case "LessThanEquals":
      return order <= 0;
    case "GreaterThan":
      return order > 0;
    case "GreaterThanEquals":
      return order >= 0;
    default:
      return undefined;
  }
};

type LikePart = { readonly any: true } | { readonly any: false; readonly character: string | undefined };

/** `*` is any text, `?` one character, `\*`, `\?` and `\\` are themselves. */
const likeParts = (pattern: string): LikePart[] => {
  const parts: LikePart[] = [];
  const characters = Array.from(pattern);
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index] as string;
    const next = characters[index + 1];
    if (character === "\\" && (next === "*" || next === "?" || next === "\\")) {
      parts.push({ any: false, character: next });
      index += 1;
    } else if (character === "*") parts.push({ any: true });
    else parts.push({ any: false, character: character === "?" ? undefined : character });
  }
  return parts;
};

/** Wildcard match that goes back to the last `*` only: no more than text times pattern steps. */
const like = (text: string, pattern: string): boolean => {
  const parts = likeParts(pattern);
  const characters = Array.from(text);
  let part = 0;
  let at = 0;
  let star = -1;
  let resume = 0;
  while (at < characters.length) {
    const current = parts[part];
    if (current?.any === true) {
      star = part;
      resume = at;
      part += 1;
    } else if (current !== undefined && (current.character === undefined || current.character === characters[at])) {
      part += 1;
      at += 1;
    } else if (star >= 0) {
      resume += 1;
      at = resume;
      part = star + 1;
    } else return false;
  }
  while (parts[part]?.any === true) part += 1;
  return part === parts.length;
};

const compareStrings: Compare = ({ relation, ignoreCase }, left, right) => {
  if (typeof left !== "string" || typeof right !== "string") return undefined;
  const a = ignoreCase ? left.toLowerCase() : left;
  const b = ignoreCase ? right.toLowerCase() : right;
  switch (relation) {
    case "Equals":
      return a === b;
    case "NotEquals":
      return a !== b;
    case "StartsWith":
      return a.startsWith(b);
    case "NotStartsWith":
      return !a.startsWith(b);
    case "Like":
      return like(a, b);
    case "NotLike":
      return !like(a, b);
    default:
      return undefined;
  }
};

const integer = (value: Value): number | undefined => {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : undefined;
  return typeof value === "string" && /^-?\d{1,15}$/.test(value) ? Number(value) : undefined;
};

const compareNumbers: Compare = ({ relation }, left, right) => {
  const a = integer(left);
  const b = integer(right);
  return a === undefined || b === undefined ? undefined : byOrder(relation, a - b);
};

const dateForm = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/i;

/** Nanoseconds since the epoch: versions and snapshots have seven digits of a second, and all of them count. */
const instant = (value: Value): bigint | undefined => {
  const found = typeof value === "string" ? dateForm.exec(value) : null;
  if (found === null) return undefined;
  const seconds = Date.parse(`${found[1]}${found[3]?.toUpperCase()}`);
  if (Number.isNaN(seconds)) return undefined;
  return BigInt(seconds) * 1_000_000n + BigInt((found[2] ?? "").padEnd(9, "0"));
};

const compareDates: Compare = ({ relation }, left, right) => {
  const a = instant(left);
  const b = instant(right);
  if (a === undefined || b === undefined) return undefined;
  return byOrder(relation, a < b ? -1 : a > b ? 1 : 0);
};

const compareBooleans: Compare = ({ relation }, left, right) => {
  const flag = (value: Value): boolean | undefined => {
    if (typeof value === "boolean") return value;
    const lower = typeof value === "string" ? value.toLowerCase() : "";
    return lower === "true" ? true : lower === "false" ? false : undefined;
  };
  const a = flag(left);
  const b = flag(right);
  return a === undefined || b === undefined ? undefined : byOrder(relation, a === b ? 0 : 1);
};

const compareGuids: Compare = ({ relation }, left, right) => {
  if (typeof left !== "string" || typeof right !== "string" || !isGuid(left) || !isGuid(right)) return undefined;
  return byOrder(relation, left.toLowerCase() === right.toLowerCase() ? 0 : 1);
};

const byType: Readonly<Record<Operator["type"], Compare>> = {
  String: compareStrings,
  Numeric: compareNumbers,
  DateTime: compareDates,
  Bool: compareBooleans,
  Guid: compareGuids,
};

/** Compares two single values with an operator, its quantifier aside. */
export const compare: Compare = (operator, left, right) => byType[operator.type](operator, left, right);
