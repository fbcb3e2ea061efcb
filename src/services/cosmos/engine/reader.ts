/** Answers queries and read feeds of the data plane: text to page. Runs in the thread of queries, see `query-thread.ts`. */
import type { Ids } from "../../../kernel/ids.ts";
import { passThroughPlan } from "../query/query.ts";
import { fingerprint, readToken, writeToken } from "./continuation.ts";
import type { Extent } from "./extent.ts";
import { everything } from "./everything.ts";
import { collectGarbage, memoryGuard } from "./memory.ts";
import { openCandidates } from "./candidates.ts";
import { openQueryPages } from "./query-pages.ts";
import type { QueryEngine } from "./query-port.ts";
import type { QueryReader } from "./reader-port.ts";
import { containerPartition, type Json } from "./records.ts";
import { inSlices, openSlices, type Slices } from "./slices.ts";
import { openSnapshots } from "./snapshots.ts";
import type { ItemSources } from "./source.ts";

const extentName = ({ key, range }: Extent): unknown => [
  key?.map((value) => (value === undefined ? {} : value)),
  range,
];

const muchGarbage = 16 * 1024 * 1024;

export const openReader = (options: {
  readonly sources: ItemSources;
  readonly ids: Ids;
  readonly queries: QueryEngine;
  /** Bound of the documents kept parsed in memory, in bytes of JSON. */
  readonly cacheBytes: number;
  /** How queries share the thread; default: in slices of 10 ms. */
  readonly slices?: () => Slices;
  /** Bytes of the thread's heap that a query must not go beyond; default: unlimited. */
  readonly heapBytes?: number;
}): QueryReader => {
  const { sources, ids, queries, cacheBytes, heapBytes } = options;
  const snapshots = openSnapshots(cacheBytes, {
    dropped: (rid) => pages.forget(rid),
    loaded: (bytes) => {
      // The collector would leave it lying about for long: the thread's heap has room.
      if (heapBytes !== undefined && bytes > muchGarbage) collectGarbage();
    },
  });
  const guard =
    heapBytes === undefined
      ? undefined
      : memoryGuard(heapBytes, () => {
          snapshots.clear();
          pages.clear();
        });
  const { slices = () => openSlices(guard) } = options;
  const candidates = openCandidates(snapshots);
  const pages = openQueryPages(ids);
  return {
    page: async ({ account, container, extent, spec, functions, token, limit, now, withIndexes }) => {
      const query = spec === undefined ? everything : queries.prepare(spec, container.definition, functions);
      const name = spec === undefined ? [] : [spec.text, spec.parameters, functions];
      const purpose = fingerprint(account, container.rid, name, extentName(extent));
      const page = await pages.read({
        purpose,
        query,
        holder: container.rid,
        ...candidates({
          source: sources(containerPartition(account, container)),
          container,
          extent,
          now: Math.floor(now / 1000),
        }),
        from: token === undefined || token === "" ? undefined : readToken(purpose, token),
        limit,
        slices,
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
      const own = slices();
      const run = queries.prepare(spec, undefined, []).open(own.checkpoint);
      const results: Json[] = [];
      for (const document of documents) {
        const more = run.add(document);
        results.push(...run.take());
        if (!more) break;
        const pause = own.next();
        if (pause !== undefined) await pause;
      }
      for (const each of await inSlices(run.finishing())) results.push(each);
      return results;
    },
    plan: async (spec, definition) => passThroughPlan(queries.prepare(spec, definition).bare),
    functionsOf: async (spec) => queries.functionsOf(spec),
    forget: (rid) => {
      snapshots.forget(rid);
      pages.forget(rid);
    },
    close: async () => undefined,
  };
};
