/** A container's items in feed order straight from the store, a little at a time: nothing is held but one read. */
import { epkOfKey } from "./partition-key.ts";
import type { StoredText } from "../../../store/store.ts";
import { compareRows, type FeedPlace, type Row } from "./rows.ts";
import { type ItemSource, openPace, rowOf } from "./source.ts";

export interface Walk {
  /** Of item keys. */
  readonly prefix: string;
  /** [start, end) of EPKs. */
  readonly range: { readonly start: string; readonly end: string } | undefined;
  /** Goes on after this place. */
  readonly from: FeedPlace | undefined;
  /** Items of one EPK that are held together, in bytes of JSON; default 16 MB. */
  readonly groupBytes?: number;
}

/** What item keys of one EPK begin with, and what comes after all of them: no key has a "}" there. */
const groupPrefix = (epk: string): string => `${epk}|`;
const groupEnd = (epk: string): string => `${epk}}`;

const readsBeforeAhead = 3;

/** The larger of two places in byte order; EPKs are ASCII. */
const later = (a: string, b: string): string => (a > b ? a : b);

/**
 * Items of one EPK come as they were at one moment: transactions never reach beyond one, so nobody sees half of one. Only of an
 * EPK with more than 16 MB of items the order is taken first and the items later, each as it is by then.
 */
export const walk = async function* (
  source: ItemSource,
  { prefix, range, from, groupBytes = 16 * 1024 * 1024 }: Walk,
): AsyncGenerator<readonly Row[]> {
  const pace = openPace();
  const end = range?.end;
  const before = ({ epk, order }: FeedPlace, row: Row): boolean =>
    row.epk < epk || (row.epk === epk && row.order <= order);
  const start = later(from === undefined || from.epk === "" ? "" : groupPrefix(from.epk), range?.start ?? "");
  let after = start === "" ? undefined : start;
  let ahead: { readonly texts: Promise<readonly StoredText[]>; readonly limit: number } | undefined;
  for (let reads = 0; ; reads++) {
    const limit: number = ahead?.limit ?? pace.limit();
    const texts: readonly StoredText[] = await (ahead?.texts ?? source.list({ prefix, after, limit }));
    ahead = undefined;
    pace.took(texts);
    const first = texts[0];
    const last = texts.at(-1);
    if (first === undefined || last === undefined) return;
    const lastEpk = epkOfKey(last.key);
    const complete = texts.length < limit;
    if (!complete && epkOfKey(first.key) === lastEpk) {
      // One group fills the read.
      if (end !== undefined && lastEpk >= end) return;
      const group = prefix.length > lastEpk.length ? prefix : groupPrefix(lastEpk);
      const rows = await wholeGroup(source, group, groupBytes);
      if (rows === undefined) yield* largeGroup(source, group, from?.epk === lastEpk ? from.order : -1);
      else yield rows.filter((row) => from === undefined || !before(from, row));
      after = groupEnd(lastEpk);
      continue;
    }
    // The last group may go on: it is read again from its beginning.
    const rows: Row[] = [];
    let ended = false;
    for (const text of texts) {
      const epk = epkOfKey(text.key);
      if (end !== undefined && epk >= end) {
        ended = true;
        break;
      }
      if (!complete && epk === lastEpk) break;
      const row = rowOf(text);
      if (from === undefined || !before(from, row)) rows.push(row);
    }
    after = groupPrefix(lastEpk);
    if (!complete && !ended && reads >= readsBeforeAhead) {
      // Whoever has come so far will want more: it is read while this is looked at.
      const next = pace.limit();
      ahead = { texts: source.list({ prefix, after, limit: next }), limit: next };
      ahead.texts.catch(() => undefined);
    }
    yield inFeedOrder(rows);
    if (complete || ended) return;
  }
};

/** Keys come by EPK already; within one, in order of creation. */
const inFeedOrder = (rows: Row[]): readonly Row[] => {
  for (let at = 1; at < rows.length; at++)
    if (compareRows(rows[at - 1] as Row, rows[at] as Row) > 0) return rows.sort(compareRows);
  return rows;
};

/** Everything below a prefix, read in pieces and made to be of one moment; undefined when it is too much. */
const wholeGroup = async (source: ItemSource, prefix: string, most: number): Promise<Row[] | undefined> => {
  const start = await source.sequence();
  const pace = openPace();
  const found = new Map<string, Row>();
  let bytes = 0;
  for (let after: string | undefined; ;) {
    const limit = pace.limit();
    const texts = await source.list({ prefix, after, limit });
    bytes += pace.took(texts);
    if (bytes > most) return undefined;
    for (const text of texts) found.set(text.key, rowOf(text));
    after = texts.at(-1)?.key;
    if (texts.length < limit) break;
  }
  // What was written while it was read. The last answer is of the moment that all of it is of; the answers grow, so that they
  // get there however fast others write.
  let since = start;
  for (let limit = 256; ; limit *= 2) {
    const changes = await source.changes(since, limit);
    for (const change of changes) {
      since = change.sequence;
      if (!change.key.startsWith(prefix)) continue;
      if (change.json === undefined) found.delete(change.key);
      else found.set(change.key, rowOf(change));
    }
    if (changes.length < limit) return [...found.values()].sort(compareRows);
  }
};

/** Where the order of creation stands in what the store keeps of an item: after the document. */
const orderOf = (json: string): number => {
  const found = /^"order":(\d+),"size":/.exec(json.slice(json.lastIndexOf('"order":')))?.[1];
  return found === undefined ? (JSON.parse(json) as { readonly order: number }).order : Number(found);
};

const fetched = 64;

/** First the order of all, then the items themselves. */
const largeGroup = async function* (source: ItemSource, prefix: string, least: number): AsyncGenerator<readonly Row[]> {
  const places: { readonly key: string; readonly order: number }[] = [];
  const pace = openPace();
  for (let after: string | undefined; ;) {
    const limit = pace.limit();
    const texts = await source.list({ prefix, after, limit });
    pace.took(texts);
    for (const { key, json = "" } of texts) {
      const order = orderOf(json);
      if (order > least) places.push({ key, order });
    }
    after = texts.at(-1)?.key;
    if (texts.length < limit) break;
  }
  places.sort((a, b) => a.order - b.order || (a.key < b.key ? -1 : 1));
  for (let at = 0; at < places.length; at += fetched) {
    const wanted = new Map(places.slice(at, at + fetched).map(({ key, order }) => [key, order]));
    const texts = await source.get([...wanted.keys()]);
    // One that was deleted and made again meanwhile has another place now.
    yield texts.map(rowOf).filter(({ key, order }) => wanted.get(key) === order);
  }
};
