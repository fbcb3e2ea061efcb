/**
 * Sorted indexes over the rows of a container held in memory: built when a query first asks for a path, over the rows of that
 * moment. What changes afterwards is remembered by key and is always a candidate; too many changes, and the index goes.
 */
import { buildingPathIndex, type PathIndex, type PathRange } from "../query/query.ts";
import { inSlices } from "./slices.ts";
import { compareRows, type Row } from "./rows.ts";

export interface RowIndexes {
  /** An item was written or deleted. */
  changed(key: string): void;
  /**
   * Builds what is missing for the ranges; undefined when nothing is.
   * @param room bytes that all indexes together may take
   */
  prepare(ranges: readonly PathRange[], rows: () => readonly Row[], room: number): Promise<void> | undefined;
  /** Rows that the ranges leave, in feed order; undefined when no index helps. @param current rows by key */
  find(ranges: readonly PathRange[], current: ReadonlyMap<string, Row>): readonly Row[] | undefined;
  /** About what the indexes take. */
  bytes(): number;
  clear(): void;
}

interface Entry {
  readonly base: readonly Row[];
  readonly changed: Set<string>;
  index: PathIndex | undefined;
  building: Promise<void>;
}

const maxIndexes = 16;
/** A value, its position, and a share of the changes. */
const bytesPerRow = 24;

/** Tests that hold for few documents as a rule: CONTAINS and IS_DEFINED do not. */
const worthwhile = ({ kind }: PathRange): boolean => kind === "equality" || kind === "range" || kind === "prefix";

const none: PathIndex = { candidates: () => undefined };

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

const nameOf = ({ path }: PathRange): string => JSON.stringify(path);

export const openRowIndexes = (): RowIndexes => {
  const entries = new Map<string, Entry>();
  const bytes = (): number => [...entries.values()].reduce((sum, { base }) => sum + base.length * bytesPerRow, 0);

  const build = (name: string, range: PathRange, base: readonly Row[]): Promise<void> => {
    const entry: Entry = { base, changed: new Set(), index: undefined, building: Promise.resolve() };
    entries.set(name, entry);
    entry.building = inSlices(
      buildingPathIndex(
        base.map(({ doc }) => doc),
        range.path,
      ),
    ).then(
      (index) => void (entry.index = index),
      (error: unknown) => void (entry.index = unless(error)),
    );
    return entry.building;
  };

  return {
    changed: (key) => {
      for (const [name, { base, changed }] of entries) {
        changed.add(key);
        if (changed.size > Math.max(1000, base.length / 8)) entries.delete(name);
      }
    },
    prepare: (ranges, rows, room) => {
      const missing = ranges
        .filter(worthwhile)
        .slice(0, 4)
        .filter((range) => entries.get(nameOf(range))?.index === undefined);
      if (missing.length === 0) return undefined;
      const base = rows();
      const most = Math.min(maxIndexes, Math.floor(room / Math.max(1, base.length * bytesPerRow)));
      return (async () => {
        for (const range of missing.slice(0, most)) {
          const name = nameOf(range);
          for (const oldest of entries.keys()) {
            if (entries.size < most || entries.has(name)) break;
            entries.delete(oldest);
          }
          await (entries.get(name)?.building ?? build(name, range, base));
        }
      })();
    },
    find: (ranges, current) => {
      let best: { readonly positions: readonly number[]; readonly entry: Entry } | undefined;
      for (const range of ranges) {
        const name = nameOf(range);
        const entry = entries.get(name);
        const positions = candidatesOf(entry?.index, range);
        if (entry === undefined || positions === undefined) continue;
        // The one used last goes last.
        entries.delete(name);
        entries.set(name, entry);
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
    bytes,
    clear: () => entries.clear(),
  };
};
