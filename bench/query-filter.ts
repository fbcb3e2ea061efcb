/**
 * Milliseconds of a query over documents in memory, of the built product, or of JSON.parse or a sort of the same documents. `filter` is
 * the evaluator alone, `equality` and `range` go through the engine and its index, page and all.
 *
 *   node query-filter.ts PRODUCT filter|equality|range|parse|sort
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ContainerRecord, JsonObject } from "../src/services/cosmos/engine/records.ts";
import type { compileQuery, Json, parseQuery } from "../src/services/cosmos/query/query.ts";

const [product = "", what = ""] = process.argv.slice(2);
const engine = (await import(pathToFileURL(join(product, "dist/services/cosmos/query/query.js")).href)) as {
  compileQuery: typeof compileQuery;
  parseQuery: typeof parseQuery;
};

const texts = Array.from({ length: 100_000 }, (_, id) =>
  JSON.stringify({
    id: `${id}`,
    price: (id * 7919) % 1000,
    active: id % 2 === 0,
    address: { city: `c${id % 50}` },
    filler: "x".repeat(900),
  }),
);
const parse = (): Json[] => texts.map((text) => JSON.parse(text) as Json);
const documents = parse();
const compiled = engine.compileQuery(
  engine.parseQuery("SELECT * FROM c WHERE c.price > 900 AND c.active = true AND c.address.city != 'c4'"),
);
const filter = (): number => [...compiled.run(documents)].length;
if (filter() < 1000) throw new Error("The filter found too few documents.");

/** The engine over a store in memory, as the thread of queries has it. */
const openEngine = async (): Promise<(text: string) => Promise<number>> => {
  const load = <T>(path: string): Promise<T> => import(pathToFileURL(join(product, "dist", path)).href) as Promise<T>;
  const { openMemoryStore } = await load<typeof import("../src/store/memory.ts")>("store/memory.js");
  const { openReader } = await load<typeof import("../src/services/cosmos/engine/reader.ts")>(
    "services/cosmos/engine/reader.js",
  );
  const { storeSources } = await load<typeof import("../src/services/cosmos/engine/source.ts")>(
    "services/cosmos/engine/source.js",
  );
  const { itemKey } = await load<typeof import("../src/services/cosmos/engine/partition-key.ts")>(
    "services/cosmos/engine/partition-key.js",
  );
  const records = await load<typeof import("../src/services/cosmos/engine/records.ts")>(
    "services/cosmos/engine/records.js",
  );
  const { openQueryEngine } = await load<typeof import("../src/services/cosmos/query-engine.ts")>(
    "services/cosmos/query-engine.js",
  );
  const { randomIds } = await load<typeof import("../src/kernel/ids.ts")>("kernel/ids.js");
  const { systemClock } = await load<typeof import("../src/kernel/clock.ts")>("kernel/clock.js");
  const store = openMemoryStore();
  const container: ContainerRecord = {
    id: "items",
    database: "bench",
    rid: "AAAAAIAAAAA=",
    etag: "",
    ts: 0,
    partitionKey: { paths: ["/id"], kind: "Hash", version: 2 },
    definition: { indexingPolicy: { indexingMode: "consistent", includedPaths: [{ path: "/*" }], excludedPaths: [] } },
  };
  const partition = records.containerPartition("bench", container);
  for (let from = 0; from < texts.length; from += 5000)
    await store.transact([partition], async (tx) => {
      for (const [offset, doc] of documents.slice(from, from + 5000).entries()) {
        const key = itemKey([`${from + offset}`], `${from + offset}`, container.partitionKey);
        const size = texts[from + offset]?.length ?? 0;
        await tx
          .collection(records.itemSpec)
          .put(partition, key, { doc: doc as JsonObject, order: from + offset, size });
      }
    });
  const reader = openReader({
    sources: storeSources(store),
    ids: randomIds,
    queries: openQueryEngine({ clock: systemClock, ids: randomIds }),
    cacheBytes: 256 * 1024 * 1024,
  });
  return async (text) => {
    const page = await reader.page({
      account: "bench",
      container,
      extent: { key: undefined, range: undefined },
      spec: { text, parameters: [] },
      functions: [],
      token: undefined,
      limit: 10_000,
      now: 0,
      withIndexes: false,
    });
    return page.count;
  };
};

const sort = (): unknown[] => (documents as { readonly price: number }[]).toSorted((a, b) => a.price - b.price);
const ask = what === "equality" || what === "range" ? await openEngine() : undefined;
const works: Readonly<Record<string, () => unknown>> = {
  filter,
  parse,
  sort,
  equality: () => ask?.("SELECT * FROM c WHERE c.price = 500"),
  range: () => ask?.("SELECT VALUE c.id FROM c WHERE c.price >= 500 AND c.price < 510"),
};
const work = works[what] ?? parse;
// The first one loads and builds what the others use.
if (ask !== undefined) await ask("SELECT VALUE COUNT(1) FROM c WHERE c.price = 1");
for (let warm = 0; warm < 5; warm += 1) await work();
const began = performance.now();
const rounds = 10;
for (let round = 0; round < rounds; round += 1) await work();
console.log((performance.now() - began) / rounds);
