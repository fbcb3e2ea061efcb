/**
 * Sorted indexes over the rows of a container held in memory: built when a query first asks for a path, over the rows of that
 * moment. What changes afterwards is remembered by key and is always a candidate; too many changes, and the index goes.
 */
import { buildingPathIndex, compare, type Json, type PathIndex, type PathRange, valueAt } from "../query/query.ts";
import { inSlices } from "./slices.ts";
import { comparePlaces, compareRows, type FeedPlace, type Row } from "./rows.ts";

export type Path = readonly (string | number)[];

export interface PathOrder {
  readonly path: Path;
  readonly descending: boolean;
}

/** A place in the order of a path's values; equal values are in feed order, descending ones in the reverse of it. */
export interface ValuePlace extends FeedPlace {
  readonly by: Json;
}

/** Rows in the order of a path's values, without those that have none. */
export type OrderedRows = (after: ValuePlace | undefined) => Iterable<Row>;

export interface RowIndexes {
  /** An item was written or deleted. */
  changed(key: string): void;
  /**
   * Builds what is missing for the paths; undefined when nothing is.
   * @param room bytes that all indexes together may take
   */
  prepare(paths: readonly Path[], rows: readonly Row[], room: number): Promise<void> | undefined;
  /** Rows that the ranges leave, in feed order; undefined when no index helps. @param current rows by key */
  find(ranges: readonly PathRange[], current: ReadonlyMap<string, Row>): readonly Row[] | undefined;
  /** Undefined when the path has no index. What it hands out is of this moment. */
  ordered(order: PathOrder, current: ReadonlyMap<string, Row>): OrderedRows | undefined;
  /** About what the indexes take. */
  bytes(): number;
  clear(): void;
}

interface Entry {
  readonly path: Path;
  readonly base: readonly Row[];
  changed: Set<string>;
  /** The rows of those keys in the order of their values, as long as nothing else changes. */
  delta: readonly Row[] | undefined;
  index: PathIndex | undefined;
  building: Promise<void>;
}

const maxIndexes = 16;
/** A value, its position, and a share of the changes. */
const bytesPerRow = 24;

/** Tests that hold for few documents as a rule: CONTAINS and IS_DEFINED do not. */
const worthwhile = ({ kind }: PathRange): boolean => kind === "equality" || kind === "range" || kind === "prefix";

/** The paths of ranges that an index is built for. */
export const indexablePaths = (ranges: readonly PathRange[]): readonly Path[] =>
  ranges
    .filter(worthwhile)
    .slice(0, 4)
    .map(({ path }) => path);

const none: PathIndex = { candidates: () => undefined, values: [], positions: new Uint32Array(), complete: false };

/** Values can be nested deeper than the stack that compares them: they have no index, and the evaluator says what it can. */
const unless = (error: unknown): PathIndex => {
  if (error instanceof RangeError) return none;
  throw error;
};

const candidatesOf = (index: PathIndex | undefined, range: PathRange): readonly number[] | undefined => {
  try {
    return index?.candidates(range);
  } catch (error) {
    return unless(error).candidates(range);
  }
};

const nameOf = (path: Path): string => JSON.stringify(path);

/** Upwards. */
const compareByValue =
  (path: Path) =>
  (a: Row, b: Row): number =>
    compare(valueAt(a.doc, path), valueAt(b.doc, path)) || comparePlaces(a, b);

/** Positions of a sorted list from `start`, up or down to its end. */
const inDirection = function* (start: number, count: number, descending: boolean): Generator<number> {
  if (descending) for (let at = start; at >= 0; at--) yield at;
  else for (let at = start; at < count; at++) yield at;
};

/** Where to go on after a place in a list of `count` that is sorted upwards. @param order of the one at a position to the place */
const startAfter = (count: number, descending: boolean, order: ((at: number) => number) | undefined): number => {
  if (order === undefined) return descending ? count - 1 : 0;
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = order(middle);
    if (found < 0 || (found === 0 && !descending)) low = middle + 1;
    else high = middle;
  }
  return descending ? low - 1 : low;
};

const inOrder = function* (
  entry: Entry,
  index: PathIndex,
  { changed, delta }: { readonly changed: ReadonlySet<string>; readonly delta: readonly Row[] },
  descending: boolean,
  after: ValuePlace | undefined,
): Generator<Row> {
  const { path, base } = entry;
  const { values, positions } = index;
  const sign = descending ? -1 : 1;
  const compareRowsUp = compareByValue(path);
  const to = (place: ValuePlace, value: Json | undefined, row: Row): number =>
    compare(value, place.by) || comparePlaces(row, place);
  const baseAt = (at: number): Row => base[positions[at] ?? 0] as Row;
  const own = inDirection(
    startAfter(values.length, descending, after && ((at) => to(after, values[at], baseAt(at)))),
    values.length,
    descending,
  );
  const fresh = inDirection(
    startAfter(
      delta.length,
      descending,
      after && ((at) => to(after, valueAt((delta[at] as Row).doc, path), delta[at] as Row)),
    ),
    delta.length,
    descending,
  );
  let next = fresh.next();
  for (const at of own) {
    const row = baseAt(at);
    if (changed.has(row.key)) continue;
    while (next.done !== true && compareRowsUp(delta[next.value] as Row, row) * sign < 0) {
      yield delta[next.value] as Row;
      next = fresh.next();
    }
    yield row;
  }
  for (; next.done !== true; next = fresh.next()) yield delta[next.value] as Row;
};

export const openRowIndexes = (): RowIndexes => {
  const entries = new Map<string, Entry>();
  const bytes = (): number => [...entries.values()].reduce((sum, { base }) => sum + base.length * bytesPerRow, 0);

  const build = (path: Path, base: readonly Row[]): Promise<void> => {
    const entry: Entry = {
      path,
      base,
      changed: new Set(),
      delta: [],
      index: undefined,
      building: Promise.resolve(),
    };
    entries.set(nameOf(path), entry);
    const docs = function* (): Generator<Json> {
      for (const { doc } of base) yield doc;
    };
    entry.building = inSlices(buildingPathIndex(docs(), path)).then(
      (index) => void (entry.index = index),
      (error: unknown) => void (entry.index = unless(error)),
    );
    return entry.building;
  };
  /** The one used last goes last. */
  const used = (name: string, entry: Entry): void => {
    entries.delete(name);
    entries.set(name, entry);
  };

  return {
    changed: (key) => {
      for (const [name, entry] of entries) {
        // A set that is being read stays as it is.
        if (entry.delta !== undefined) {
          entry.changed = new Set(entry.changed);
          entry.delta = undefined;
        }
        entry.changed.add(key);
        if (entry.changed.size > Math.max(1000, entry.base.length / 8)) entries.delete(name);
      }
    },
    prepare: (paths, rows, room) => {
      const missing = paths.filter((path) => entries.get(nameOf(path))?.index === undefined);
      if (missing.length === 0) return undefined;
      const most = Math.min(maxIndexes, Math.floor(room / Math.max(1, rows.length * bytesPerRow)));
      return (async () => {
        for (const path of missing.slice(0, most)) {
          const name = nameOf(path);
          for (const oldest of entries.keys()) {
            if (entries.size < most || entries.has(name)) break;
            entries.delete(oldest);
          }
          await (entries.get(name)?.building ?? build(path, rows));
        }
      })();
    },
    find: (ranges, current) => {
      let best: { readonly positions: readonly number[]; readonly entry: Entry } | undefined;
      for (const range of ranges) {
        const name = nameOf(range.path);
        const entry = entries.get(name);
        const positions = candidatesOf(entry?.index, range);
        if (entry === undefined || positions === undefined) continue;
        used(name, entry);
        if (best === undefined || positions.length < best.positions.length) best = { positions, entry };
      }
      if (best === undefined) return undefined;
      const { base, changed } = best.entry;
      const found: Row[] = [];
      for (const position of best.positions) {
        const row = base[position] as Row;
        if (changed.size === 0 || !changed.has(row.key)) found.push(row);
      }
      if (changed.size === 0) return found;
      for (const key of changed) {
        const row = current.get(key);
        if (row !== undefined) found.push(row);
      }
      return found.sort(compareRows);
    },
    ordered: ({ path, descending }, current) => {
      const name = nameOf(path);
      const entry = entries.get(name);
      const index = entry?.index;
      if (entry === undefined || index === undefined || !index.complete) return undefined;
      used(name, entry);
      try {
        entry.delta ??= [...entry.changed]
          .flatMap((key) => current.get(key) ?? [])
          .filter(({ doc }) => valueAt(doc, path) !== undefined)
          .sort(compareByValue(path));
      } catch (error) {
        if (error instanceof RangeError) return undefined;
        throw error;
      }
      const { changed, delta } = entry;
      return (after) => inOrder(entry, index, { changed, delta }, descending, after);
    },
    bytes,
    clear: () => entries.clear(),
  };
};
