/** Which documents a query looks at, and where they are taken from: the copy in memory, an index over it, or the store. */
import type { Narrowing, PathRange } from "../query/query.ts";
import { isExpired } from "./ttl.ts";
import { type Extent, inExtent } from "./extent.ts";
import { scanPrefix, stepsOf } from "./partition-key.ts";
import type { ContainerRecord, Json, KeyValues } from "./records.ts";
import type { OrderedRows, PathOrder } from "./row-indexes.ts";
import { type FeedPlace, indexAfter, type Row } from "./rows.ts";
import type { Snapshots } from "./snapshots.ts";
import { type ItemSource, rowOf } from "./source.ts";
import { walk } from "./walk.ts";

/** What a query is asked of. */
export interface Scope {
  readonly source: ItemSource;
  readonly container: ContainerRecord;
  readonly extent: Extent;
  /** Seconds, tenant clock. */
  readonly now: number;
}

export interface Candidates {
  /** All acknowledged writes up to this one show. */
  readonly lsn: number;
  /** In feed order. */
  readonly batches: AsyncIterable<readonly Row[]>;
  /** In the order that was asked for; those that are expired or out of the extent are to be left out. */
  readonly ordered: OrderedRows | undefined;
  readonly accepts: (row: Row) => boolean;
  /** The batches are one, and are held anyway. */
  readonly inMemory: boolean;
}

/** What looking at documents has come to. */
export interface Progress {
  results: number;
}

/** A path's single value, when the filter allows no other. */
const onlyValue = (ranges: readonly PathRange[], path: readonly string[]): { readonly value: Json } | undefined => {
  for (const { path: found, kind, intervals } of ranges) {
    if (kind !== "equality" || intervals === "any" || intervals.length !== 1) continue;
    if (found.length !== path.length || found.some((step, index) => step !== path[index])) continue;
    return { value: intervals[0]?.low ?? null };
  }
  return undefined;
};

/** The partition key that a filter names, as far as it names one from the first path on. */
export const keyOfFilter = (
  { ranges }: Narrowing,
  { partitionKey: { kind, paths } }: ContainerRecord,
): KeyValues | undefined => {
  const values: (string | number | boolean | null)[] = [];
  for (const path of paths) {
    const found = onlyValue(ranges, stepsOf(path));
    const value = found?.value;
    // 0 equals -0, which has a hash of its own.
    if (value === undefined || value === 0 || (typeof value === "object" && value !== null)) break;
    values.push(value);
  }
  const enough = kind === "MultiHash" ? 1 : paths.length;
  return values.length < enough ? undefined : values;
};

/** The extent of a query, made smaller by what its filter says of the partition key. */
export const narrowedExtent = (extent: Extent, filter: Narrowing, container: ContainerRecord): Extent =>
  extent.key === undefined ? { ...extent, key: keyOfFilter(filter, container) } : extent;

/** What item keys of an extent begin with; with a complete key and an id, little more than that item's. */
const prefixOf = ({ key }: Extent, filter: Narrowing, { partitionKey }: ContainerRecord): string => {
  if (key === undefined) return "";
  const prefix = scanPrefix(key, partitionKey);
  const id = key.length === partitionKey.paths.length ? onlyValue(filter.ranges, ["id"])?.value : undefined;
  return typeof id === "string" && id.isWellFormed() && !id.includes("\0") ? prefix + id : prefix;
};

/**
 * So many documents may have been looked at in vain before a container is taken into memory: the first pages of a feed and
 * small containers do without, and filters that are asked again and again do not.
 */
const enoughInVain = 1000;

/** What a query wants to look at. */
export interface Wanted {
  /** What the filter says, and what of it is about indexed paths. */
  readonly filter: Narrowing;
  readonly narrowing: Narrowing;
  readonly order: PathOrder | undefined;
  /** All documents are wanted in any case, so that a copy in memory is worth its loading. */
  readonly whole: boolean;
  /** Where the last page ended. */
  readonly from: FeedPlace | undefined;
  readonly progress: Progress;
}

/** The documents that a query may look at. */
export interface Documents {
  candidates(wanted: Wanted): Promise<Candidates>;
  /** Those of the keys that are there, as they are now. */
  get(keys: readonly string[]): Promise<readonly Row[]>;
  /** The LSN of now. */
  lsn(): Promise<number>;
}

export const openCandidates = (snapshots: Snapshots): ((scope: Scope) => Documents) => {
  /** Documents of a container that were looked at in vain since it was last held. */
  const vain = new Map<string, number>();
  const count = (rid: string, documents: number): number => {
    const total = (vain.get(rid) ?? 0) + documents;
    if (vain.size >= 10_000) vain.clear();
    vain.set(rid, total);
    return total;
  };

  return (scope) => ({
    get: async (keys) =>
      (await scope.source.get(keys)).map(rowOf).filter((row) => !isExpired(row, scope.container, scope.now)),
    lsn: () => scope.source.sequence(),
    candidates: async ({ filter, narrowing, order, whole, from, progress }) => {
      const { source, container, now } = scope;
      const { rid } = container;
      const extent = narrowedExtent(scope.extent, filter, container);
      const expires = typeof container.definition["defaultTtl"] === "number";
      const everything = extent.key === undefined && extent.range === undefined;
      const within = everything ? undefined : inExtent(extent, scope);
      const accepts = (row: Row): boolean =>
        (within === undefined || within(row.key)) && !(expires && isExpired(row, container, now));
      const chosen = (rows: readonly Row[]): readonly Row[] =>
        within === undefined && !expires ? rows : rows.filter(accepts);
      const wanted = { narrowing, order };

      const held = (rows: readonly Row[], after: FeedPlace | undefined): readonly Row[] => {
        const start = after === undefined ? 0 : indexAfter(rows, after);
        const { first, end } = bounds(rows, extent, container);
        const begin = Math.max(start, first);
        return chosen(begin === 0 && end === rows.length ? rows : rows.slice(begin, Math.max(begin, end)));
      };
      const streamed = async function* (): AsyncGenerator<readonly Row[]> {
        let place = from;
        let seen = 0;
        let { results } = progress;
        const inVain = (): number => {
          const total = count(rid, Math.max(0, seen - (progress.results - results)));
          seen = 0;
          ({ results } = progress);
          return total;
        };
        try {
          for await (const rows of walk(source, {
            prefix: prefixOf(extent, filter, container),
            range: extent.range,
            from,
          })) {
            yield chosen(rows);
            place = rows.at(-1) ?? place;
            seen += rows.length;
            if (snapshots.isLarge(rid) || inVain() < enoughInVain) continue;
            vain.delete(rid);
            const snapshot = await snapshots.read(container, source, { narrowing, order: undefined });
            if (snapshot === undefined) continue;
            yield held(snapshot.rows, place);
            return;
          }
        } finally {
          inVain();
        }
      };
      if (narrowing.never)
        return { lsn: await source.sequence(), batches: once([]), ordered: undefined, accepts, inMemory: true };
      // A few items of a key do not call for the whole container.
      if (snapshots.holds(rid) || (whole && extent.key === undefined)) {
        const snapshot = await snapshots.read(container, source, extent.key === undefined ? wanted : unnarrowed);
        if (snapshot !== undefined)
          return {
            lsn: snapshot.lsn,
            batches: once(held(snapshot.rows, from)),
            ordered: snapshot.ordered,
            accepts,
            inMemory: true,
          };
      }
      return { lsn: await source.sequence(), batches: streamed(), ordered: undefined, accepts, inMemory: false };
    },
  });
};

const unnarrowed = { narrowing: { ranges: [], never: false }, order: undefined };

const once = async function* (rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield await Promise.resolve(rows);
};

/** The part of rows in feed order that an extent's EPKs are in. */
const bounds = (
  rows: readonly Row[],
  { key, range }: Extent,
  { partitionKey }: ContainerRecord,
): { readonly first: number; readonly end: number } => {
  const before = (epk: string): number => indexAfter(rows, { epk, order: -1 });
  if (key !== undefined) {
    const prefix = scanPrefix(key, partitionKey).split("|")[0] ?? "";
    return { first: before(prefix), end: before(`${prefix}~`) };
  }
  return range === undefined ? { first: 0, end: rows.length } : { first: before(range.start), end: before(range.end) };
};
