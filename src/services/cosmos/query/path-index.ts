/** A sorted index over one path of documents that do not change: finds those that lie in a range of `narrowing`. */
import type { PathRange } from "./ranges.ts";
import { finished, sorted, type Steps, stepSize } from "./steps.ts";
import { compare, isArray, type Json, property, type Value } from "./values.ts";

export interface PathIndex {
  /** Positions of the documents in the range, ascending; undefined when that is not much less than all of them. */
  readonly candidates: (range: PathRange) => readonly number[] | undefined;
  /** Values of the path in order, equal ones by position; `positions` are the documents that they are of. */
  readonly values: readonly Json[];
  readonly positions: Uint32Array;
  /** False: the values could not be sorted. */
  readonly complete: boolean;
}

/** More than this share of the documents is no help: a scan is cheaper. */
const helpfulShare = 0.25;

export const valueAt = (document: Json, path: readonly (string | number)[]): Value => {
  let value: Value = document;
  for (const key of path) {
    if (typeof key === "string") value = property(value, key);
    else value = isArray(value) ? value[key] : undefined;
  }
  return value;
};

/** The first position in the sorted values that is not below (or, with `after`, above) the bound. */
const bound = (values: readonly Json[], wanted: Json, after: boolean): number => {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compare(values[middle], wanted);
    if (order < 0 || (after && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
};

interface Entry {
  readonly value: Json;
  readonly position: number;
}

/** The whole build at once. */
export const buildPathIndex = (documents: Iterable<Json>, path: readonly (string | number)[]): PathIndex =>
  finished(buildingPathIndex(documents, path));

/** Takes as long as a sort, in steps of a few milliseconds; documents without the path are not in it. */
export const buildingPathIndex = function* (
  documents: Iterable<Json>,
  path: readonly (string | number)[],
): Steps<PathIndex> {
  const found: Entry[] = [];
  let count = 0;
  for (const document of documents) {
    const value = valueAt(document, path);
    if (value !== undefined) found.push({ value, position: count });
    count += 1;
    if (count % stepSize === 0) yield;
  }
  const entries = yield* sorted(found, (a, b) => compare(a.value, b.value));
  const values: Json[] = [];
  const positions = new Uint32Array(entries.length);
  for (const [at, { value, position }] of entries.entries()) {
    values.push(value);
    positions[at] = position;
    if (at % stepSize === stepSize - 1) yield;
  }
  return {
    values,
    positions,
    complete: true,
    candidates: ({ intervals }) => {
      const spans =
        intervals === "any"
          ? [{ start: 0, end: values.length }]
          : intervals.map(({ low, lowInclusive, high, highInclusive }) => ({
              start: bound(values, low, !lowInclusive),
              end: bound(values, high, highInclusive),
            }));
      const total = spans.reduce((sum, { start, end }) => sum + Math.max(0, end - start), 0);
      if (total > count * helpfulShare) return undefined;
      const inside = new Set<number>();
      for (const { start, end } of spans) for (const position of positions.subarray(start, end)) inside.add(position);
      return [...inside].toSorted((a, b) => a - b);
    },
  };
};
