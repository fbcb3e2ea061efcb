/** Aggregate functions as folds. Undefined values are left out by all of them. */
import { compare, isArray, isObject, type Json, keyOf, type Value } from "./values.ts";

export interface Accumulator {
  add(value: Value): void;
  result(): Value;
}

const count = (): Accumulator => {
  let total = 0;
  return {
    add: (value) => {
      if (value !== undefined) total += 1;
    },
    result: () => total,
  };
};

const countIf = (): Accumulator => {
  let total = 0;
  return {
    add: (value) => {
      if (value === true) total += 1;
    },
    result: () => total,
  };
};

/** One value that is no number makes the whole result undefined. */
const sum = (average: boolean): Accumulator => {
  let total = 0;
  let number = 0;
  let broken = false;
  return {
    add: (value) => {
      if (value === undefined) return;
      if (typeof value !== "number") broken = true;
      else {
        total += value;
        number += 1;
      }
    },
    result: () => {
      const result = average ? total / number : total;
      return broken || !Number.isFinite(result) ? undefined : result;
    },
  };
};

/** Over primitives of any type, by type order; undefined over nothing or once an array or object was seen. */
const extreme = (sign: 1 | -1): Accumulator => {
  let best: Value;
  let broken = false;
  return {
    add: (value) => {
      if (value === undefined) return;
      if (isArray(value) || isObject(value)) broken = true;
      else if (best === undefined || compare(value, best) * sign > 0) best = value;
    },
    result: () => (broken ? undefined : best),
  };
};

const list = (): Accumulator => {
  const values: Json[] = [];
  return {
    add: (value) => {
      if (value !== undefined) values.push(value);
    },
    result: () => values,
  };
};

const set = (): Accumulator => {
  const values = new Map<string, Json>();
  return {
    add: (value) => {
      if (value === undefined) return;
      const key = keyOf(value);
      if (!values.has(key)) values.set(key, value);
    },
    result: () => [...values.values()],
  };
};

/** By upper-case name. */
export const aggregates: ReadonlyMap<string, () => Accumulator> = new Map([
  ["COUNT", count],
  ["COUNTIF", countIf],
  ["SUM", () => sum(false)],
  ["AVG", () => sum(true)],
  ["MIN", () => extreme(-1)],
  ["MAX", () => extreme(1)],
  ["MAKELIST", list],
  ["MAKESET", set],
]);

export const isAggregate = (name: string): boolean => aggregates.has(name.toUpperCase());
