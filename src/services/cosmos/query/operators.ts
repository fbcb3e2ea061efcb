/** Operators on values. Undefined on one side makes most of them undefined; so does a wrong type. */
import type { BinaryOperator } from "./ast.ts";
import { equals, type Json, type Value } from "./values.ts";

/** The result of a three-valued comparison or a logical operator. */
type Truth = boolean | undefined;

/** JSON knows no NaN and no infinities: they are undefined here (`sqlAllowNonFiniteNumbers: false`). */
export const finite = (value: number): Value => (Number.isFinite(value) ? value : undefined);

/** Negative, zero, positive; undefined across types and for arrays and objects. */
const order = (left: Value, right: Value): number | undefined => {
  if (left === null) return right === null ? 0 : undefined;
  const type = typeof left;
  if (type !== typeof right || type === "object" || type === "undefined" || right === null) return undefined;
  const a = left as number;
  const b = right as number;
  return a < b ? -1 : a > b ? 1 : 0;
};

export const isEqual = (left: Value, right: Value): Truth =>
  left === undefined || right === undefined ? undefined : left === right || equals(left, right);

export const isUnequal = (left: Value, right: Value): Truth =>
  left === undefined || right === undefined ? undefined : left !== right && !equals(left, right);

export const isLess = (left: Value, right: Value): Truth => {
  if (typeof left === "number" && typeof right === "number") return left < right;
  const found = order(left, right);
  return found === undefined ? undefined : found < 0;
};

export const isLessOrEqual = (left: Value, right: Value): Truth => {
  if (typeof left === "number" && typeof right === "number") return left <= right;
  const found = order(left, right);
  return found === undefined ? undefined : found <= 0;
};

export const and = (left: Value, right: Value): Truth =>
  left === false || right === false ? false : left === true && right === true ? true : undefined;

export const or = (left: Value, right: Value): Truth =>
  left === true || right === true ? true : left === false && right === false ? false : undefined;

export const not = (value: Value): Truth => (typeof value === "boolean" ? !value : undefined);

export const isBetween = (value: Value, low: Value, high: Value): Truth =>
  and(isLessOrEqual(low, value), isLessOrEqual(value, high));

const onNumbers =
  (compute: (left: number, right: number) => number) =>
  (left: Value, right: Value): Value =>
    typeof left === "number" && typeof right === "number" ? finite(compute(left, right)) : undefined;

/** Twice the size of an item: longer texts are undefined. */
export const maxText = 4 * 1024 * 1024;

type Operation = (left: Value, right: Value) => Value;

/** Without AND, OR and `??`, whose right side is not always wanted. Bits: JavaScript's 32-bit conversions. */
export const operations: Readonly<Record<Exclude<BinaryOperator, "AND" | "OR" | "??">, Operation>> = {
  "+": onNumbers((left, right) => left + right),
  "-": onNumbers((left, right) => left - right),
  "*": onNumbers((left, right) => left * right),
  "/": onNumbers((left, right) => left / right),
  "%": onNumbers((left, right) => left % right),
  "<<": onNumbers((left, right) => left << right),
  ">>": onNumbers((left, right) => left >> right),
  ">>>": onNumbers((left, right) => left >>> right),
  "&": onNumbers((left, right) => left & right),
  "|": onNumbers((left, right) => left | right),
  "^": onNumbers((left, right) => left ^ right),
  "=": isEqual,
  "!=": isUnequal,
  "<": isLess,
  "<=": isLessOrEqual,
  ">": (left, right) => isLess(right, left),
  ">=": (left, right) => isLessOrEqual(right, left),
  "||": (left, right) =>
    typeof left === "string" && typeof right === "string" && left.length + right.length <= maxText
      ? left + right
      : undefined,
};

export const unaryOperations: Readonly<Record<"-" | "+" | "~" | "NOT", (value: Value) => Value>> = {
  "-": (value) => (typeof value === "number" ? -value : undefined),
  "+": (value) => (typeof value === "number" ? value : undefined),
  "~": (value) => (typeof value === "number" ? ~value : undefined),
  NOT: not,
};

/** Defined members only: what an array literal holds. */
export const defined = (values: readonly Value[]): Json[] => values.filter((value) => value !== undefined);
