/** A page: what is asked for, what comes of it, and one that is being filled. */
import { inRange, valueAt } from "../query/query.ts";
import { badRequest } from "../faults.ts";
import type { Documents } from "./candidates.ts";
import type { Mark } from "./continuation.ts";
import type { PreparedQuery } from "./query-port.ts";
import type { Json } from "./records.ts";
import type { Row } from "./rows.ts";
import type { Slices } from "./slices.ts";

/** The largest page, in bytes of JSON; one result may be larger. */
const pageBytes = 4 * 1024 * 1024;
/** An item has at most 2 MB; what is made of several may have more, and goes out in one piece. */
const resultBytes = 16 * 1024 * 1024;

/** A result's JSON. @throws 400 when it is too large to go out */
export const resultText = (value: Json): string => {
  const text = JSON.stringify(value);
  if (text.length <= resultBytes) return text;
  throw badRequest(
    `The SQL query is too complex: one of its results is larger than ${resultBytes / 1024 / 1024} MB. Use TOP, or select less.`,
  );
};

export interface PageRequest extends Documents {
  /** Names container, query and extent: a kept result goes to no other. */
  readonly purpose: string;
  readonly query: PreparedQuery;
  readonly slices: () => Slices;
  /** Whose kept results these are: the container's rid. */
  readonly holder: string;
  readonly from: Mark | undefined;
  /** Results. */
  readonly limit: number;
}

export interface Page {
  /** JSON texts. */
  readonly results: readonly string[];
  /** Undefined: that was all. */
  readonly next: Mark | undefined;
  /** Documents looked at. */
  readonly scanned: number;
  readonly scannedBytes: number;
  /** All acknowledged writes up to this one were seen. */
  readonly lsn: number;
}

/** Of the whole query: results to leave out first, and how many come after them. */
export interface QueryLimits {
  readonly offset: number;
  readonly count: number;
}

export interface Gathering {
  readonly results: readonly string[];
  /** A document that an index of the service would have left out does not count, whether or not one was at hand here. */
  looked(row: Row): void;
  /** Takes a result, or leaves it out because of the offset. */
  add(value: Json): void;
  addText(text: string): void;
  /** Results so far, those of earlier pages and left out ones included. */
  passed(): number;
  /** No further result fits. */
  isFull(): boolean;
  /** Room for another document's results. */
  wantsMore(): boolean;
  /** The query's own limit is reached: there is no next page. */
  isLast(): boolean;
  done(): Pick<Page, "results" | "scanned" | "scannedBytes">;
}

/** @param before results of earlier pages, those left out included */
export const openGathering = (
  { query, limit }: Pick<PageRequest, "query" | "limit">,
  { offset, count }: QueryLimits,
  before: number,
): Gathering => {
  const { ranges } = query.narrowing;
  const results: string[] = [];
  const end = offset + count;
  let bytes = 0;
  let passed = before;
  let scanned = 0;
  let scannedBytes = 0;
  const addText = (text: string): void => {
    passed++;
    results.push(text);
    bytes += text.length;
  };
  return {
    results,
    looked: ({ size, doc }) => {
      for (const range of ranges) if (!inRange(range, valueAt(doc, range.path))) return;
      scanned++;
      scannedBytes += size;
    },
    add: (value) => {
      if (passed < offset) passed++;
      else addText(resultText(value));
    },
    addText,
    passed: () => passed,
    isFull: () => results.length >= limit,
    wantsMore: () => results.length < limit && bytes < pageBytes,
    isLast: () => passed >= end,
    done: () => ({ results, scanned, scannedBytes }),
  };
};
