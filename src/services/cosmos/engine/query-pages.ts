/** Runs queries over a container, page by page. */
import type { Ids } from "../../../kernel/ids.ts";
import { badRequest, cosmosFault } from "../faults.ts";
import type { Progress, Wanted } from "./candidates.ts";
import { type FeedMark, isFeedMark, type ResultMark } from "./continuation.ts";
import { openKept } from "./kept.ts";
import { openOrderedPages } from "./ordered-pages.ts";
import { openGathering, type Page, type PageRequest, resultText } from "./page.ts";
import type { PreparedQuery, QueryFlow } from "./query-port.ts";
import type { Json, JsonObject } from "./records.ts";
import { inSlices } from "./slices.ts";

export interface QueryPages {
  read(request: PageRequest): Promise<Page>;
  /** Lets go of what is kept of a container. */
  forget(holder: string): void;
}

/** More, as JSON, is no result to sort or group in memory. */
const maxResultBytes = 256 * 1024 * 1024;

export const openQueryPages = (ids: Ids): QueryPages => {
  const texts = openKept<readonly string[]>(ids);
  const ordered = openOrderedPages(ids);

  const whole = async (request: PageRequest, mark: ResultMark | undefined): Promise<Page> => {
    const known = texts.find(mark?.kept, request.purpose);
    const start = mark?.offset ?? 0;
    const run: Complete =
      known === undefined
        ? await complete(request)
        : { results: known, bytes: 0, scanned: 0, scannedBytes: 0, lsn: await request.lsn() };
    const page = openGathering(request, { offset: 0, count: Number.POSITIVE_INFINITY }, start);
    for (let at = start; at < run.results.length && page.wantsMore(); at++) page.addText(run.results[at] ?? "");
    const end = start + page.results.length;
    const { scanned, scannedBytes, lsn } = run;
    const done = { results: page.results, scanned, scannedBytes, lsn };
    if (end >= run.results.length) return { ...done, next: undefined };
    const kept =
      known !== undefined && mark !== undefined
        ? mark.kept
        : texts.keep(request.holder, request.purpose, run.results, run.bytes);
    return { ...done, next: { offset: end, kept, passed: end } };
  };

  return {
    read: async (request) => {
      const { query, from } = request;
      const { flow } = query;
      const inFeedOrder = flow !== undefined && flow.order === undefined;
      if (from !== undefined && isFeedMark(from) !== inFeedOrder) throw cosmosFault("invalidContinuation");
      if (flow === undefined || query.constant) return whole(request, from as ResultMark | undefined);
      if (flow.order === undefined) return inOrderOfFeed(request, flow, from as FeedMark | undefined);
      return ordered.read(request, flow, flow.order, from as ResultMark | undefined);
    },
    forget: (holder) => {
      texts.forget(holder);
      ordered.forget(holder);
    },
  };
};

interface Complete {
  /** JSON texts. */
  readonly results: readonly string[];
  readonly bytes: number;
  readonly scanned: number;
  readonly scannedBytes: number;
  readonly lsn: number;
}

const complete = async (request: PageRequest): Promise<Complete> => {
  const { query } = request;
  if (query.elsewhere !== undefined) return sent(request, query.elsewhere);
  const slices = request.slices();
  const wait = slices.begin();
  if (wait !== undefined) await wait;
  const run = query.open(slices.checkpoint);
  const results: Json[] = [];
  const looks = openGathering(request, { offset: 0, count: 0 }, 0);
  let lsn = 0;
  if (!query.constant) {
    const looked = await request.candidates(everyOne(query));
    ({ lsn } = looked);
    all: for await (const rows of looked.batches)
      for (const row of rows) {
        looks.looked(row);
        if (!run.add(row.doc)) break all;
        const pause = slices.next();
        if (pause !== undefined) await pause;
      }
  }
  // Taken once: nothing goes out before the end, and this is the inner loop of every big query.
  const pause = slices.next();
  if (pause !== undefined) await pause;
  for (const each of run.take()) results.push(each);
  for (const each of await inSlices(run.finishing())) results.push(each);
  const texts: string[] = [];
  let bytes = 0;
  for (const each of results) {
    const text = resultText(each);
    texts.push(text);
    bytes += text.length;
    if (bytes > maxResultBytes)
      throw badRequest(
        `The SQL query is too complex: its result is larger than ${maxResultBytes / 1024 / 1024} MB. Use TOP, OFFSET LIMIT or a filter.`,
      );
    const pause = slices.next();
    if (pause !== undefined) await pause;
  }
  const { scanned, scannedBytes } = looks.done();
  return { results: texts, bytes, scanned, scannedBytes, lsn };
};

const everyOne = ({ filter, narrowing }: PreparedQuery): Wanted => ({
  filter,
  narrowing,
  order: undefined,
  whole: true,
  from: undefined,
  progress: { results: 0 },
});

/** What another thread makes of the documents. */
const sent = async (request: PageRequest, elsewhere: NonNullable<PreparedQuery["elsewhere"]>): Promise<Complete> => {
  const { query } = request;
  const looks = openGathering(request, { offset: 0, count: 0 }, 0);
  const looked = query.constant ? undefined : await request.candidates(everyOne(query));
  const documents = async function* (): AsyncGenerator<readonly JsonObject[]> {
    for await (const rows of looked?.batches ?? []) {
      for (const row of rows) looks.looked(row);
      yield rows.map(({ doc }) => doc);
    }
  };
  const results = await elsewhere(documents());
  const { scanned, scannedBytes } = looks.done();
  const bytes = results.reduce((sum, text) => sum + text.length, 0);
  return { results, bytes, scanned, scannedBytes, lsn: looked?.lsn ?? (await request.lsn()) };
};

const inOrderOfFeed = async (request: PageRequest, flow: QueryFlow, from: FeedMark | undefined): Promise<Page> => {
  const { query } = request;
  const page = openGathering(request, flow, from?.passed ?? 0);
  const progress: Progress = { results: 0 };
  const looked = await request.candidates({
    filter: query.filter,
    narrowing: query.narrowing,
    order: undefined,
    whole: false,
    from: from === undefined ? undefined : { epk: from.epk, order: from.order },
    progress,
  });
  const { lsn } = looked;
  if (page.isLast()) return { ...page.done(), lsn, next: undefined };
  const slices = request.slices();
  const wait = slices.begin();
  if (wait !== undefined) await wait;
  const run = flow.open(slices.checkpoint);
  let skip = from?.skip ?? 0;
  let last: { epk: string; order: number } = { epk: from?.epk ?? "", order: from?.order ?? -1 };
  for await (const rows of looked.batches) {
    for (const row of rows) {
      if (!page.wantsMore()) return { ...page.done(), lsn, next: { ...last, skip: 0, passed: page.passed() } };
      page.looked(row);
      run.add(row.doc);
      const own = run.take();
      for (let index = skip; index < own.length; index++) {
        if (page.isFull()) return { ...page.done(), lsn, next: { ...last, skip: index, passed: page.passed() } };
        page.add(own[index] as Json);
        if (page.isLast()) return { ...page.done(), lsn, next: undefined };
      }
      skip = 0;
      last = { epk: row.epk, order: row.order };
      progress.results = page.results.length;
      const pause = slices.next();
      if (pause !== undefined) await pause;
    }
  }
  return { ...page.done(), lsn, next: undefined };
};
