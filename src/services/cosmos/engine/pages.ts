/** Runs queries over a container, page by page. */
import type { Ids } from "../../../kernel/ids.ts";
import { badRequest, cosmosFault } from "../faults.ts";
import type { FeedMark, Mark, ResultMark } from "./continuation.ts";
import { after, pageBytes } from "./feed.ts";
import type { PreparedQuery } from "./query-port.ts";
import type { Json, JsonObject } from "./records.ts";
import type { Row } from "./rows.ts";
import { openSlices } from "./slices.ts";

export interface Page {
  /** JSON texts. */
  readonly results: readonly string[];
  /** Undefined: that was all. */
  readonly next: Mark | undefined;
  /** Documents looked at. */
  readonly scanned: number;
  readonly scannedBytes: number;
}

export interface Pages {
  /** @param purpose names container, query and extent: a kept result goes to no other */
  read(
    purpose: string,
    query: PreparedQuery,
    rows: readonly Row[],
    from: Mark | undefined,
    limit: number,
  ): Promise<Page>;
}

/** More, as JSON, is no result to sort or group in memory. */
const maxResultBytes = 256 * 1024 * 1024;

const keptResults = 64;
const keptBytes = 64 * 1024 * 1024;

interface Kept {
  readonly purpose: string;
  readonly texts: readonly string[];
  readonly bytes: number;
}

/** Sorted and grouped results are kept for the pages to come; one that was let go is computed again. */
export const openPages = (ids: Ids): Pages => {
  const kept = new Map<string, Kept>();
  const keep = (purpose: string, texts: readonly string[]): string => {
    const bytes = texts.reduce((sum, text) => sum + text.length, 0);
    const name = ids.bytes(9).toString("base64url");
    kept.set(name, { purpose, texts, bytes });
    let total = [...kept.values()].reduce((sum, each) => sum + each.bytes, 0);
    for (const [oldest, value] of kept) {
      if (kept.size <= keptResults && total <= keptBytes) break;
      kept.delete(oldest);
      total -= value.bytes;
    }
    return name;
  };
  return {
    read: async (purpose, query, rows, from, limit) => {
      if (from === undefined ? query.streaming : "epk" in from) {
        if (!query.streaming) throw cosmosFault("invalidContinuation");
        return streamed(query, rows, from as FeedMark | undefined, limit);
      }
      const mark = from as ResultMark | undefined;
      const named = mark === undefined ? undefined : kept.get(mark.kept);
      // Clients can write tokens of their own: what another query left is not theirs, whatever rights they have here.
      const found = named?.purpose === purpose ? named : undefined;
      const run = found === undefined ? await complete(query, rows) : { ...found, scanned: 0, scannedBytes: 0 };
      const page = cut(run.texts, mark?.offset ?? 0, limit);
      const end = (mark?.offset ?? 0) + page.length;
      const { scanned, scannedBytes } = run;
      if (end >= run.texts.length) return { results: page, next: undefined, scanned, scannedBytes };
      const name = found === undefined || mark === undefined ? keep(purpose, run.texts) : mark.kept;
      return { results: page, next: { offset: end, kept: name }, scanned, scannedBytes };
    },
  };
};

/** At most `limit` texts and a page's bytes; never none while there is one. */
const cut = (texts: readonly string[], start: number, limit: number): readonly string[] => {
  let bytes = 0;
  let end = start;
  while (end < texts.length && end - start < limit) {
    bytes += texts[end]?.length ?? 0;
    if (bytes > pageBytes && end > start) break;
    end++;
  }
  return texts.slice(start, end);
};

const textOf = (value: Json): string => JSON.stringify(value);

const complete = async (
  query: PreparedQuery,
  rows: readonly Row[],
): Promise<{ texts: readonly string[]; scanned: number; scannedBytes: number }> => {
  if (query.elsewhere !== undefined) return sent(query.elsewhere, query.constant ? [] : rows);
  const slices = openSlices();
  const wait = slices.begin();
  if (wait !== undefined) await wait;
  const run = query.open(slices.checkpoint);
  const results: Json[] = [];
  let scanned = 0;
  let scannedBytes = 0;
  if (!query.constant)
    for (const row of rows) {
      scanned++;
      scannedBytes += row.size;
      if (!run.add(row.doc)) break;
      const pause = slices.next();
      if (pause !== undefined) await pause;
    }
  // Taken once: nothing goes out before the end, and this is the inner loop of every big query.
  const pause = slices.next();
  if (pause !== undefined) await pause;
  for (const each of run.take()) results.push(each);
  for (const each of run.finish()) results.push(each);
  const texts: string[] = [];
  let bytes = 0;
  for (const each of results) {
    const text = textOf(each);
    texts.push(text);
    bytes += text.length;
    if (bytes > maxResultBytes)
      throw badRequest(
        `The SQL query is too complex: its result is larger than ${maxResultBytes / 1024 / 1024} MB. Use TOP, OFFSET LIMIT or a filter.`,
      );
    const pause = slices.next();
    if (pause !== undefined) await pause;
  }
  return { texts, scanned, scannedBytes };
};

/** What another thread makes of the rows. */
const sent = async (
  elsewhere: NonNullable<PreparedQuery["elsewhere"]>,
  rows: readonly Row[],
): Promise<{ texts: readonly string[]; scanned: number; scannedBytes: number }> => {
  let scanned = 0;
  let scannedBytes = 0;
  const documents = function* (): Generator<JsonObject> {
    for (const { doc, size } of rows) {
      scanned++;
      scannedBytes += size;
      yield doc;
    }
  };
  const texts = await elsewhere(documents());
  return { texts, scanned, scannedBytes };
};

const streamed = async (
  query: PreparedQuery,
  all: readonly Row[],
  from: FeedMark | undefined,
  limit: number,
): Promise<Page> => {
  const rows = from === undefined ? all : after(all, { epk: from.epk, order: from.order, key: "\u{10FFFF}" });
  const slices = openSlices();
  const wait = slices.begin();
  if (wait !== undefined) await wait;
  const run = query.open(slices.checkpoint);
  const results: string[] = [];
  let bytes = 0;
  let scanned = 0;
  let scannedBytes = 0;
  let skip = from?.skip ?? 0;
  let last: { epk: string; order: number } = { epk: from?.epk ?? "", order: from?.order ?? -1 };
  for (const row of rows) {
    if (results.length >= limit || bytes >= pageBytes)
      return { results, next: { ...last, skip: 0 }, scanned, scannedBytes };
    scanned++;
    scannedBytes += row.size;
    run.add(row.doc);
    const own = run.take();
    for (let index = skip; index < own.length; index++) {
      if (results.length >= limit) return { results, next: { ...last, skip: index }, scanned, scannedBytes };
      const text = textOf(own[index] as Json);
      results.push(text);
      bytes += text.length;
    }
    skip = 0;
    last = { epk: row.epk, order: row.order };
    const pause = slices.next();
    if (pause !== undefined) await pause;
  }
  return { results, next: undefined, scanned, scannedBytes };
};
