/** A container in a store in memory, and queries over it page by page, as the data plane asks them. */
import { systemClock } from "../../../kernel/clock.ts";
import { randomIds } from "../../../kernel/ids.ts";
import { openMemoryStore } from "../../../store/memory.ts";
import type { StoredText } from "../../../store/store.ts";
import { openQueryEngine } from "../query-engine.ts";
import type { Extent } from "./extent.ts";
import { itemKey, keyOfDocument } from "./partition-key.ts";
import { openReader } from "./reader.ts";
import type { PageAnswer, QueryReader } from "./reader-port.ts";
import { containerPartition, type ContainerRecord, itemSpec, type Json, type JsonObject, textOf } from "./records.ts";
import { type ItemSource, storeSources } from "./source.ts";

export const containerOf = (
  more: { readonly paths?: readonly string[]; readonly policy?: JsonObject } = {},
): ContainerRecord => ({
  id: "items",
  database: "db",
  rid: "AAAAAAAAAAA=",
  etag: "",
  ts: 0,
  partitionKey: {
    paths: more.paths ?? ["/pk"],
    kind: (more.paths?.length ?? 1) > 1 ? "MultiHash" : "Hash",
    version: 2,
  },
  definition: {
    indexingPolicy: { indexingMode: "consistent", includedPaths: [{ path: "/*" }], excludedPaths: [], ...more.policy },
  },
});

export const whole: Extent = { key: undefined, range: undefined };

/** What was read from the store. */
export interface Reads {
  rows: number;
  changes: number;
}

export const openContainer = (options: Parameters<typeof containerOf>[0] = {}) => {
  const store = openMemoryStore();
  const container = containerOf(options);
  const partition = containerPartition("a", container);
  const queries = openQueryEngine({ clock: systemClock, ids: randomIds });
  const reads: Reads = { rows: 0, changes: 0 };
  const counted = (source: ItemSource): ItemSource => {
    const count = async (found: Promise<readonly StoredText[]>, what: keyof Reads): Promise<readonly StoredText[]> => {
      reads[what] += (await found).length;
      return found;
    };
    return {
      ...source,
      list: (range) => count(source.list(range), "rows"),
      get: (keys) => count(source.get(keys), "rows"),
      changes: (after, limit) => count(source.changes(after, limit), "changes"),
    };
  };
  let order = 0;
  /** `id` to document; undefined deletes. Orders of creation count from 1. */
  const write = (docs: Iterable<readonly [key: JsonObject, doc: JsonObject | undefined]>): Promise<void> =>
    store.transact([partition], async (tx) => {
      const items = tx.collection(itemSpec);
      for (const [named, doc] of docs) {
        const key = itemKey(keyOfDocument(named, container.partitionKey), textOf(named["id"]), container.partitionKey);
        if (doc === undefined) await items.delete(partition, key);
        else {
          const before = (await items.get(partition, key))?.value;
          const full = { ...doc, ...named };
          await items.put(partition, key, {
            doc: full,
            order: before?.order ?? ++order,
            size: JSON.stringify(full).length,
          });
        }
      }
    });
  const open = (cacheBytes = 256 * 1024 * 1024): QueryReader =>
    openReader({
      sources: (name) => counted(storeSources(store)(name)),
      ids: randomIds,
      queries,
      cacheBytes,
    });
  const page = (
    reader: QueryReader,
    text: string | undefined,
    more: {
      readonly token?: string;
      readonly limit?: number;
      readonly extent?: Extent;
      readonly parameters?: Readonly<Record<string, Json>>;
    } = {},
  ): Promise<PageAnswer> =>
    reader.page({
      account: "a",
      container,
      extent: more.extent ?? whole,
      spec:
        text === undefined
          ? undefined
          : { text, parameters: Object.entries(more.parameters ?? {}).map(([name, value]) => ({ name, value })) },
      functions: [],
      token: more.token,
      limit: more.limit ?? 10_000,
      now: 0,
      withIndexes: false,
    });
  return { store, container, partition, queries, reads, write, open, page, source: storeSources(store)(partition) };
};

export const documentsOf = ({ body }: PageAnswer): readonly Json[] =>
  (JSON.parse(new TextDecoder().decode(body)) as { readonly Documents: readonly Json[] }).Documents;
