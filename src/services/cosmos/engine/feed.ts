/** Which items a query, read feed or change feed is about: all, those of a key or of a beginning of one, or an EPK range. */
import { setImmediate as turn } from "node:timers/promises";
import { badRequest } from "../faults.ts";
import { type Engine, isExpired, nowSeconds, type Place } from "./engine.ts";
import { belongsTo, epkOfKey, scanPrefix } from "./partition-key.ts";
import { containerPartition, itemSpec, type KeyValues } from "./records.ts";
import { compareRows, type Row } from "./rows.ts";
import type { Narrowing } from "../query/query.ts";

export interface Extent {
  readonly key: KeyValues | undefined;
  /** [start, end) of effective partition keys. */
  readonly range: { readonly start: string; readonly end: string } | undefined;
}

export const inExtent = ({ key, range }: Extent, { container }: Place): ((itemKey: string) => boolean) => {
  const below = key === undefined ? undefined : belongsTo(key, container.partitionKey);
  return (itemKey) => {
    if (below !== undefined && !below(itemKey)) return false;
    if (range === undefined) return true;
    const epk = epkOfKey(itemKey);
    return epk >= range.start && epk < range.end;
  };
};

/** First row whose EPK is not before one. */
const lowerBound = (rows: readonly Row[], epk: string): number => {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.epk ?? "") < epk) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Live rows of an extent in feed order, and the LSN they are of. Rows outside of `narrowing` may be left out. */
export const rowsOf = async (
  engine: Engine,
  place: Place,
  extent: Extent,
  narrowing?: Narrowing,
): Promise<{ readonly rows: readonly Row[]; readonly lsn: number }> => {
  const { container, account } = place;
  if (extent.key !== undefined && !engine.snapshots.holds(container.rid)) return keyedRows(engine, place, extent);
  const { rows, lsn } = await engine.snapshots.read(
    account,
    container,
    extent.key === undefined ? narrowing : undefined,
  );
  const now = nowSeconds(engine);
  const expires = typeof container.definition["defaultTtl"] === "number";
  const alive = (row: Row): boolean => !expires || !isExpired(row, container, now);
  if (extent.key === undefined && extent.range === undefined) return { rows: expires ? rows.filter(alive) : rows, lsn };
  const within = inExtent(extent, place);
  const epk =
    extent.key === undefined ? (extent.range?.start ?? "") : epkOfScan(scanPrefix(extent.key, container.partitionKey));
  const found: Row[] = [];
  for (let at = lowerBound(rows, epk); at < rows.length; at++) {
    const row = rows[at] as Row;
    if (extent.key !== undefined ? !row.epk.startsWith(epk) : row.epk >= (extent.range?.end ?? "FF")) break;
    if (within(row.key) && alive(row)) found.push(row);
  }
  return { rows: found, lsn };
};

/** The items of one key straight from the store: nobody loads a whole container for a few of its items. */
const keyedRows = async (
  engine: Engine,
  place: Place,
  extent: Extent,
): Promise<{ readonly rows: readonly Row[]; readonly lsn: number }> => {
  const items = engine.store.collection(itemSpec);
  const partition = containerPartition(place.account, place.container);
  const prefix = scanPrefix(extent.key ?? [], place.container.partitionKey);
  const within = inExtent(extent, place);
  const now = nowSeconds(engine);
  const found: Row[] = [];
  let lsn = 0;
  let last: string | undefined;
  for (;;) {
    const page = await items.list(partition, {
      prefix,
      limit: pageSize,
      ...(last === undefined ? {} : { after: last }),
    });
    for (const { key, value, sequence } of page) {
      lsn = Math.max(lsn, sequence);
      if (within(key) && !isExpired(value, place.container, now)) found.push({ key, epk: epkOfKey(key), ...value });
    }
    last = page.at(-1)?.key;
    if (page.length < pageSize) return { rows: found.sort(compareRows), lsn };
    await turn();
  }
};

const pageSize = 500;

const epkOfScan = (prefix: string): string => (prefix.includes("|") ? epkOfKey(prefix) : prefix);

/** Where a page ended: the row's place in feed order. */
export interface Position {
  readonly epk: string;
  readonly order: number;
  readonly key: string;
}

export const after = (rows: readonly Row[], { epk, order, key }: Position): readonly Row[] => {
  const start = lowerBound(rows, epk);
  const last: Row = { epk, order, key, size: 0, doc: {} };
  let at = start;
  while (at < rows.length && compareRows(rows[at] as Row, last) <= 0) at++;
  return at === 0 ? rows : rows.slice(at);
};

/** How many a page holds: 100 unless the client says otherwise (cosmos.md 9). @throws 400 */
export const pageSizeOf = (header: string | undefined): number => {
  if (header === undefined || header === "" || header === "-1") return 100;
  const size = Number(header);
  if (!Number.isInteger(size) || size < 1)
    throw badRequest("The value of x-ms-max-item-count must be -1 or a positive number.");
  return Math.min(size, 10_000);
};

/** The largest page, in bytes of JSON. */
export const pageBytes = 4 * 1024 * 1024;
