/** Answers queries and read feeds of the data plane: text to page. Runs in the thread of queries, see `query-thread.ts`. */
import type { Ids } from "../../../kernel/ids.ts";
import { fingerprint, readToken, writeToken } from "./continuation.ts";
import type { Extent } from "./extent.ts";
import { openPages } from "./pages.ts";
import type { PreparedQuery, QueryEngine, QuerySpec } from "./query-port.ts";
import { containerPartition, type ContainerRecord, type Json, type JsonObject } from "./records.ts";
import { inSlices, openSlices } from "./slices.ts";
import { openSnapshots } from "./snapshots.ts";
import type { ItemSources } from "./source.ts";

/** Plain data: it crosses threads. */
export interface PageQuestion {
  readonly account: string;
  readonly container: ContainerRecord;
  readonly extent: Extent;
  /** Undefined: every document as it is, a read feed. */
  readonly spec: QuerySpec | undefined;
  readonly token: string | undefined;
  /** Results of the page. */
  readonly limit: number;
  /** Milliseconds, tenant clock. */
  readonly now: number;
  readonly withIndexes: boolean;
}

export interface PageAnswer {
  /** The body, JSON in UTF-8. */
  readonly body: Uint8Array;
  readonly count: number;
  /** Characters of the results. */
  readonly size: number;
  /** Undefined: that was all. */
  readonly token: string | undefined;
  /** Documents looked at, and bytes of them. */
  readonly scanned: number;
  readonly scannedBytes: number;
  readonly lsn: number;
  /** What `x-ms-cosmos-index-utilization` tells, when asked for. */
  readonly indexes: unknown;
}

export interface QueryReader {
  /** @throws Fault 400 */
  page(question: PageQuestion): Promise<PageAnswer>;
  /** A query over a short list. @throws Fault 400 */
  list(spec: QuerySpec, documents: readonly JsonObject[]): Promise<readonly Json[]>;
  /** @throws Fault 400 when it is no query for such a container */
  check(spec: QuerySpec, definition: JsonObject): Promise<void>;
  /** A container is gone. */
  forget(rid: string): void;
  close(): Promise<void>;
}

/** What a read feed is as a query. */
const everything = (): PreparedQuery => {
  const open = () => {
    let ready: JsonObject[] = [];
    return {
      add: (document: JsonObject) => {
        ready = [document];
        return true;
      },
      take: () => {
        const taken = ready;
        ready = [];
        return taken;
      },
      finish: () => [],
      // oxlint-disable-next-line eslint/require-yield -- there is nothing to do in between
      finishing: function* () {
        return [];
      },
    };
  };
  const anything = { ranges: [], never: false };
  return {
    constant: false,
    filter: anything,
    narrowing: anything,
    flow: { open, offset: 0, count: Number.POSITIVE_INFINITY, order: undefined },
    indexes: () => ({}),
    open,
  };
};

const extentName = ({ key, range }: Extent): unknown => [
  key?.map((value) => (value === undefined ? {} : value)),
  range,
];

export const openReader = (options: {
  readonly sources: ItemSources;
  readonly ids: Ids;
  readonly queries: QueryEngine;
  /** Bound of the documents kept parsed in memory, in bytes of JSON. */
  readonly cacheBytes: number;
}): QueryReader => {
  const { sources, ids, queries, cacheBytes } = options;
  const snapshots = openSnapshots(cacheBytes, (rid) => pages.forget(rid));
  const pages = openPages(ids, snapshots);
  return {
    page: async ({ account, container, extent, spec, token, limit, now, withIndexes }) => {
      const query = spec === undefined ? everything() : queries.prepare(spec, container.definition);
      const name = spec === undefined ? [] : [spec.text, spec.parameters];
      const purpose = fingerprint(account, container.rid, name, extentName(extent));
      const page = await pages.read({
        purpose,
        query,
        container,
        extent,
        source: sources(containerPartition(account, container)),
        from: token === undefined || token === "" ? undefined : readToken(purpose, token),
        limit,
        now: Math.floor(now / 1000),
      });
      const { results, next, scanned, scannedBytes, lsn } = page;
      return {
        // The texts go out as they are: documents are not turned into JSON twice.
        body: new TextEncoder().encode(
          `{"_rid":${JSON.stringify(container.rid)},"Documents":[${results.join(",")}],"_count":${results.length}}`,
        ),
        count: results.length,
        size: results.reduce((sum, text) => sum + text.length, 0),
        token: next === undefined ? undefined : writeToken(purpose, next),
        scanned,
        scannedBytes,
        lsn,
        indexes: withIndexes ? query.indexes() : undefined,
      };
    },
    list: async (spec, documents) => {
      const slices = openSlices();
      const run = queries.prepare(spec, undefined).open(slices.checkpoint);
      const results: Json[] = [];
      for (const document of documents) {
        const more = run.add(document);
        results.push(...run.take());
        if (!more) break;
        const pause = slices.next();
        if (pause !== undefined) await pause;
      }
      for (const each of await inSlices(run.finishing())) results.push(each);
      return results;
    },
    check: async (spec, definition) => {
      queries.prepare(spec, definition);
    },
    forget: (rid) => {
      snapshots.forget(rid);
      pages.forget(rid);
    },
    close: async () => undefined,
  };
};
