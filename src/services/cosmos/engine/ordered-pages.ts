/**
 * ORDER BY, page by page: an index in memory hands documents out in order; otherwise the order is found once and kept, and
 * each page fetches its own documents. Nobody holds sorted documents.
 */
import type { Ids } from "../../../kernel/ids.ts";
import { compare, valueAt } from "../query/query.ts";
import type { Candidates } from "./candidates.ts";
import type { ResultMark } from "./continuation.ts";
import { type Kept, openKept } from "./kept.ts";
import { type Gathering, openGathering, type Page, type PageRequest } from "./page.ts";
import type { QueryFlow, QueryOrder } from "./query-port.ts";
import type { Json, JsonObject } from "./records.ts";
import type { PathOrder, ValuePlace } from "./row-indexes.ts";
import { comparePlaces, type FeedPlace, type Row } from "./rows.ts";
import { inSlices, type Slices } from "./slices.ts";

/** A document in an order: what is in memory by its position, the rest by key. */
type Named = number | NamedKey;

/** `by` is the value of the path that documents are sorted by, if it is one. */
interface NamedKey extends FeedPlace {
  readonly key: string;
  readonly by?: Json;
}

/** Documents that the filter keeps, in order. */
interface Order {
  readonly names: readonly Named[];
  /** What positions are of. */
  readonly rows: readonly Row[];
  /** Of the rest those that are little, by key: for the page that put them in order. Later ones see them as they are by then. */
  readonly near: ReadonlyMap<string, Row>;
  /** They begin after a place: an offset among them is none among all. */
  readonly partial: boolean;
}

/** More, in bytes of JSON, are read again when it is their turn. */
const nearBytes = 256 * 1024;

export interface OrderedPages {
  read(request: PageRequest, flow: QueryFlow, order: QueryOrder, mark: ResultMark | undefined): Promise<Page>;
  forget(rid: string): void;
  clear(): void;
}

/** A page that is being made. */
interface Run {
  readonly request: PageRequest;
  readonly flow: QueryFlow;
  readonly order: QueryOrder;
  readonly mark: ResultMark | undefined;
  readonly page: Gathering;
  readonly slices: Slices;
}

/** A position, or a key with its place. */
const bytesOf = ({ names }: Order): number => names.length * (typeof names[0] === "object" ? 200 : 8);

/** Characters; a token stays below 1 KB. */
const shortEnough = 300;

/** Where a page ended, as long as it is short. */
const placeOf = (by: Json | undefined, { epk, order }: FeedPlace): ValuePlace | undefined =>
  by === undefined || JSON.stringify(by).length > shortEnough ? undefined : { by, epk, order };

const valueOf = ({ by }: QueryOrder, row: Row): Json | undefined =>
  by === undefined ? undefined : valueAt(row.doc, by.path);

/** Whether a document comes after a place in the order of one path. */
const isAfter = ({ path, descending }: PathOrder, place: ValuePlace, row: Row): boolean => {
  const order = compare(valueAt(row.doc, path), place.by) || comparePlaces(row, place);
  return descending ? order < 0 : order > 0;
};

const nameOf = (order: QueryOrder, row: Row): JsonObject => {
  const by = valueOf(order, row);
  return { key: row.key, epk: row.epk, order: row.order, ...(by === undefined ? {} : { by }) };
};

/** With a place, the documents after it. */
const sort = async (
  { order, page, slices }: Run,
  looked: Candidates,
  place: ValuePlace | undefined,
): Promise<Order> => {
  let rows: readonly Row[] = [];
  const near = new Map<string, Row>();
  let bytes = 0;
  let current: Json = 0;
  const { by } = order;
  const run = order.open(slices.checkpoint, () => current);
  for await (const batch of looked.batches) {
    if (looked.inMemory) rows = batch;
    for (let at = 0; at < batch.length; at++) {
      const row = batch[at] as Row;
      // In the order of an index the service looks at what it hands out.
      if (!order.indexed) page.looked(row);
      if (place === undefined || by === undefined || isAfter(by, place, row)) {
        current = looked.inMemory ? at : nameOf(order, row);
        bytes += row.size;
        if (bytes > nearBytes) near.clear();
        else if (!looked.inMemory) near.set(row.key, row);
        run.add(row.doc);
      }
      const pause = slices.next();
      if (pause !== undefined) await pause;
    }
  }
  // The results are what was named above.
  const names = (await inSlices(run.finishing(), slices.memory)) as readonly unknown[] as readonly Named[];
  return { names, rows, near, partial: place !== undefined };
};

const keyAt = ({ names, rows }: Order, position: number): string | undefined => {
  const name = names[position];
  return typeof name === "number" ? rows[name]?.key : name?.key;
};

/**
 * A page whose end is too long for a token goes on at a number, counted among all: they are put in order once.
 * @param passed keys of what was handed out, the last one first: some may be gone
 */
const amongAll = async (
  run: Run,
  looked: Candidates,
  passed: readonly (string | undefined)[],
): Promise<{ readonly found: Order; readonly offset: number }> => {
  const found = await sort(run, looked, undefined);
  const positions = new Map(found.names.map((_, position) => [keyAt(found, position), position]));
  const last = passed.find((key) => positions.has(key));
  return { found, offset: (positions.get(last) ?? -1) + 1 };
};

const byIndex = async (
  run: Run,
  looked: Candidates,
  place: ValuePlace | undefined,
  kept: Kept<Order>,
): Promise<Page> => {
  const { request, flow, order, page, slices } = run;
  const { lsn } = looked;
  const rows = flow.open(slices.checkpoint);
  let last: Row | undefined;
  for (const row of looked.ordered?.(place) ?? []) {
    if (!page.wantsMore()) {
      const passed = page.passed();
      if (last === undefined) return { ...page.done(), lsn, next: { ...run.mark, offset: 0, kept: "", passed } };
      const end = placeOf(valueOf(order, last), last);
      if (end !== undefined) return { ...page.done(), lsn, next: { offset: 0, kept: "", passed, place: end } };
      // The value is too long for a token.
      const done = page.done();
      const { found, offset } = await amongAll(run, looked, [last.key]);
      const name = kept.keep(request.holder, request.purpose, found, bytesOf(found));
      return { ...done, lsn, next: { offset, kept: name, passed } };
    }
    if (looked.accepts(row)) {
      page.looked(row);
      rows.add(row.doc);
      for (const value of rows.take()) page.add(value);
      if (page.isLast()) break;
    }
    last = row;
    const pause = slices.next();
    if (pause !== undefined) await pause;
  }
  return { ...page.done(), lsn, next: undefined };
};

const fetched = 32;

/** Documents by their position in an order, those that are not in memory as they are now. */
const openDocuments = (
  request: PageRequest,
  { names, rows, near }: Order,
): ((position: number) => Promise<Row | undefined>) => {
  let ready = new Map<string, Row>();
  let end = 0;
  return async (position) => {
    const name = names[position] ?? -1;
    if (typeof name === "number") return rows[name];
    if (near.size > 0) return near.get(name.key);
    if (position >= end) {
      end = position + fetched;
      const keys = names.slice(position, end).flatMap((each) => (typeof each === "number" ? [] : each.key));
      ready = new Map((await request.get(keys)).map((row) => [row.key, row]));
    }
    return ready.get(name.key);
  };
};

/** Documents of an order from a position on. */
const byOrder = async (
  { request, flow, order, page, slices }: Run,
  found: Order,
  offset: number,
  counts: boolean,
): Promise<{ readonly end: number; readonly place: ValuePlace | undefined }> => {
  const documents = openDocuments(request, found);
  const rows = flow.open(slices.checkpoint);
  let place: ValuePlace | undefined;
  let end = offset;
  for (; end < found.names.length && page.wantsMore() && !page.isLast(); end++) {
    const name = found.names[end] ?? -1;
    const row = typeof name === "number" ? found.rows[name] : await documents(end);
    if (row !== undefined) {
      if (counts) page.looked(row);
      rows.add(row.doc);
      for (const value of rows.take()) page.add(value);
    }
    if (typeof name === "object") place = placeOf(name.by, name);
    else if (row !== undefined) place = placeOf(valueOf(order, row), row);
    const pause = slices.next();
    if (pause !== undefined) await pause;
  }
  return { end, place };
};

export const openOrderedPages = (ids: Ids): OrderedPages => {
  const orders = openKept<Order>(ids);
  const kept: Kept<Order> = {
    ...orders,
    keep: (holder, purpose, found, bytes) => orders.keep(holder, purpose, { ...found, near: new Map() }, bytes),
  };
  return {
    read: async (request, flow, order, mark) => {
      const { query, purpose, holder } = request;
      const page = openGathering(request, flow, mark?.passed ?? 0);
      const slices = request.slices();
      const run: Run = { request, flow, order, mark, page, slices };
      const known = kept.find(mark?.kept, purpose);
      const look = (by: PathOrder | undefined): Promise<Candidates> =>
        request.candidates({
          filter: query.filter,
          narrowing: query.narrowing,
          order: by,
          whole: true,
          from: undefined,
          progress: { results: 0 },
        });
      let found = known;
      let lsn: number;
      if (found === undefined) {
        const indexed = order.indexed && (mark === undefined || mark.place !== undefined);
        const looked = await look(indexed ? order.by : undefined);
        const wait = slices.begin();
        if (wait !== undefined) await wait;
        ({ lsn } = looked);
        if (looked.ordered !== undefined) return byIndex(run, looked, mark?.place, kept);
        found = await sort(run, looked, mark?.place);
      } else lsn = await request.lsn();
      // What was sorted from a place on begins there.
      const start = known === undefined && mark?.place !== undefined ? 0 : (mark?.offset ?? 0);
      const { end, place } = await byOrder(run, found, start, known !== undefined || order.indexed);
      const { names } = found;
      const done = { ...page.done(), lsn };
      if (end >= names.length || page.isLast()) return { ...done, next: undefined };
      if (place === undefined && found.partial) {
        const passed = Array.from({ length: end }, (_, back) => keyAt(found, end - 1 - back));
        const all = await amongAll(run, await look(undefined), passed);
        const name = kept.keep(holder, purpose, all.found, bytesOf(all.found));
        return { ...done, next: { offset: all.offset, kept: name, passed: page.passed() } };
      }
      const name = known === undefined ? kept.keep(holder, purpose, found, bytesOf(found)) : (mark?.kept ?? "");
      return {
        ...done,
        next: { offset: end, kept: name, passed: page.passed(), ...(place === undefined ? {} : { place }) },
      };
    },
    forget: (holder) => kept.forget(holder),
    clear: () => kept.clear(),
  };
};
