/** A sorted index over one path of documents that do not change: finds those that lie in a range of `narrowing`. */
import type { PathRange } from "./ranges.ts";
import { compare, isArray, type Json, property, type Value } from "./values.ts";

export interface PathIndex {
  /** Positions of the documents in the range, ascending; undefined when that is not much less than all of them. */
  readonly candidates: (range: PathRange) => readonly number[] | undefined;
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

/** Between two steps of a build. */
const stepSize = 4096;

const merged = function* (a: readonly Entry[], b: readonly Entry[]): Generator<void, readonly Entry[]> {
  const all: Entry[] = [];
  let left = 0;
  let right = 0;
  while (left < a.length || right < b.length) {
    const first = a[left];
    const second = b[right];
    if (second === undefined || (first !== undefined && compare(first.value, second.value) <= 0)) {
      all.push(first as Entry);
      left += 1;
    } else {
      all.push(second);
      right += 1;
    }
    if (all.length % stepSize === 0) yield;
  }
  return all;
};

const sorted = function* (entries: readonly Entry[]): Generator<void, readonly Entry[]> {
  let runs: (readonly Entry[])[] = [];
  for (let at = 0; at < entries.length; at += stepSize) {
    runs.push(entries.slice(at, at + stepSize).sort((a, b) => compare(a.value, b.value)));
    yield;
  }
  while (runs.length > 1) {
    const next: (readonly Entry[])[] = [];
    for (let at = 0; at < runs.length; at += 2) next.push(yield* merged(runs[at] ?? [], runs[at + 1] ?? []));
    runs = next;
  }
  return runs[0] ?? [];
};

/** The whole build at once. */
export const buildPathIndex = (documents: Iterable<Json>, path: readonly (string | number)[]): PathIndex => {
  const work = buildingPathIndex(documents, path);
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
};

/** Takes as long as a sort, in steps of a few milliseconds; documents without the path are not in it. */
export const buildingPathIndex = function* (
  documents: Iterable<Json>,
  path: readonly (string | number)[],
): Generator<void, PathIndex> {
  const found: Entry[] = [];
  let count = 0;
  for (const document of documents) {
    const value = valueAt(document, path);
    if (value !== undefined) found.push({ value, position: count });
    count += 1;
    if (count % stepSize === 0) yield;
  }
  const entries = yield* sorted(found);
  const values = entries.map(({ value }) => value);
  const positions = Uint32Array.from(entries, ({ position }) => position);
  return {
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
