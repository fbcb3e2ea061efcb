/** Array and object functions. */
import { equals, isArray, isObject, type Json, type Value } from "../values.ts";
import { between, fixed, type FunctionDefinition, type FunctionTable, lenient, many } from "./definition.ts";

/** Whether the object has at least the properties of the pattern. */
const includesObject = (item: Json, pattern: Json): boolean =>
  isObject(item) && isObject(pattern)
    ? Object.entries(pattern).every(([name, value]) => {
        const found = Object.hasOwn(item, name) ? item[name] : undefined;
        return found !== undefined && (equals(found, value) || includesObject(found, value));
      })
    : equals(item, pattern);

/** Longer arrays than any item could hold are undefined. */
const maxItems = 1_000_000;

const contains = (items: readonly Json[], wanted: Value): boolean =>
  wanted !== undefined && items.some((item) => equals(item, wanted));

const onNumbers = (compute: (values: readonly number[]) => Value): FunctionDefinition =>
  fixed(1, (items) => {
    if (!isArray(items) || !items.every((item) => typeof item === "number")) return undefined;
    const result = compute(items);
    return typeof result === "number" && !Number.isFinite(result) ? undefined : result;
  });

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

const extreme = (better: (candidate: number, best: number) => boolean): FunctionDefinition =>
  onNumbers((values) => {
    let best: number | undefined;
    for (const value of values) if (best === undefined || better(value, best)) best = value;
    return best;
  });

const median = (values: readonly number[]): Value => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  const lower = sorted[middle - 1];
  if (upper === undefined) return undefined;
  return sorted.length % 2 === 1 || lower === undefined ? upper : (lower + upper) / 2;
};

export const arrayFunctions: FunctionTable = {
  ARRAY_CONCAT: many(2, (...arrays) => {
    const result: Json[] = [];
    for (const array of arrays) {
      if (!isArray(array)) return undefined;
      if (result.length + array.length > maxItems) return undefined;
      for (const item of array) result.push(item);
    }
    return result;
  }),
  ARRAY_CONTAINS: lenient(2, 3, (items, wanted, partial) => {
    if (!isArray(items) || wanted === undefined) return false;
    return partial === true ? items.some((item) => includesObject(item, wanted)) : contains(items, wanted);
  }),
  ARRAY_CONTAINS_ANY: lenient(2, Number.POSITIVE_INFINITY, (items, ...wanted) =>
    isArray(items) ? wanted.some((value) => contains(items, value)) : undefined,
  ),
  ARRAY_CONTAINS_ALL: lenient(2, Number.POSITIVE_INFINITY, (items, ...wanted) =>
    isArray(items) ? wanted.every((value) => contains(items, value)) : undefined,
  ),
  ARRAY_LENGTH: fixed(1, (items) => (isArray(items) ? items.length : undefined)),
  ARRAY_SLICE: between(2, 3, (items, start, length) => {
    if (!isArray(items) || typeof start !== "number") return undefined;
    if (length !== undefined && typeof length !== "number") return undefined;
    const at = Math.trunc(start);
    const from = at < 0 ? Math.max(0, items.length + at) : at;
    return items.slice(from, length === undefined ? items.length : from + Math.max(0, Math.trunc(length)));
  }),
  ARRAY_AVG: onNumbers((values) => (values.length === 0 ? undefined : total(values) / values.length)),
  ARRAY_MAX: extreme((candidate, best) => candidate > best),
  ARRAY_MEDIAN: onNumbers(median),
  ARRAY_MIN: extreme((candidate, best) => candidate < best),
  ARRAY_SUM: onNumbers(total),
  CHOOSE: lenient(2, Number.POSITIVE_INFINITY, (index, ...values) =>
    typeof index === "number" && Number.isInteger(index) && index >= 1 ? values[index - 1] : undefined,
  ),
  OBJECTTOARRAY: between(1, 3, (object, name = "k", value = "v") => {
    if (!isObject(object) || typeof name !== "string" || typeof value !== "string") return undefined;
    return Object.entries(object).map(([key, item]) => ({ [name]: key, [value]: item }));
  }),
};
