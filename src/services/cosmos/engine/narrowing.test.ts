import * as fc from "fast-check";
import { expect, it } from "vitest";
import { systemClock } from "../../../kernel/clock.ts";
import { randomIds } from "../../../kernel/ids.ts";
import { openMemoryStore } from "../../../store/memory.ts";
import { openQueryEngine } from "../query-engine.ts";
import { type Engine, openEngine, type Place } from "./engine.ts";
import { openCandidates } from "./candidates.ts";
import type { Mark } from "./continuation.ts";
import type { PreparedQuery } from "./query-port.ts";
import { openQueryPages } from "./query-pages.ts";
import { openSlices } from "./slices.ts";
import { openSnapshots } from "./snapshots.ts";
import { indexablePaths, openRowIndexes } from "./row-indexes.ts";
import type { Row } from "./rows.ts";
import { containerPartition, itemSpec, type Json, type JsonObject } from "./records.ts";

const everything = { ranges: [], never: false };
const whole = { key: undefined, range: undefined };
const paths = { paths: ["/id"], kind: "Hash", version: 2 } as const;
const placeOf = (policy: JsonObject = {}): Place => ({
  account: "a",
  container: {
    id: "items",
    database: "db",
    rid: "AAAAAAAAAAA=",
    etag: "",
    ts: 0,
    partitionKey: paths,
    definition: {
      indexingPolicy: { indexingMode: "consistent", includedPaths: [{ path: "/*" }], excludedPaths: [], ...policy },
    },
  },
});

/** A container in memory, by number; the keys' EPKs are the numbers. */
const world = (policy?: JsonObject, cacheBytes = 256 * 1024 * 1024) => {
  const engine: Engine = openEngine({ store: openMemoryStore(), clock: systemClock, ids: randomIds });
  const snapshots = openSnapshots(cacheBytes);
  const place = placeOf(policy);
  const partition = containerPartition("a", place.container);
  const queries = openQueryEngine({ clock: systemClock, ids: randomIds });
  const pages = openQueryPages(randomIds);
  const documents = openCandidates(snapshots);
  const write = (docs: ReadonlyMap<number, JsonObject | undefined>): Promise<void> =>
    engine.store.transact([partition], async (tx) => {
      const items = tx.collection(itemSpec);
      for (const [id, doc] of docs) {
        const key = `${String(id).padStart(8, "0")}|k|${id}`;
        if (doc === undefined) await items.delete(partition, key);
        else
          await items.put(partition, key, {
            doc: { id: `${id}`, ...doc },
            order: id,
            size: JSON.stringify(doc).length,
          });
      }
    });
  const source = engine.sources(partition);
  const page = (text: string, query: PreparedQuery, from: Mark | undefined, limit: number) =>
    pages.read({
      purpose: text,
      query,
      holder: place.container.rid,
      slices: openSlices,
      ...documents({ source, container: place.container, extent: whole, now: 0 }),
      from,
      limit,
    });
  const prepare = (text: string, parameters: Readonly<Record<string, Json>> = {}) =>
    queries.prepare(
      { text, parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })) },
      place.container.definition,
    );
  const ask = async (text: string, narrowed = true, parameters: Readonly<Record<string, Json>> = {}) => {
    // Loaded, so that it is not the store that answers.
    await snapshots.read(place.container, source, { narrowing: everything, order: undefined });
    const query = prepare(text, parameters);
    const { results, scanned } = await page(
      text,
      narrowed ? query : { ...query, filter: everything, narrowing: everything },
      undefined,
      10_000,
    );
    return { results, scanned };
  };
  return { write, ask };
};

const numbered = (count: number, make: (id: number) => JsonObject): ReadonlyMap<number, JsonObject> =>
  new Map(Array.from({ length: count }, (_, id) => [id, make(id)]));

it("a filter on an indexed path looks only at candidates; on an excluded path at everything", async () => {
  const { write, ask } = world({ excludedPaths: [{ path: "/b/*" }] });
  await write(numbered(2000, (id) => ({ a: id % 100, b: id % 100 })));
  const indexed = await ask("SELECT VALUE c.id FROM c WHERE c.a = 7");
  expect([indexed.results.length, indexed.scanned]).toEqual([20, 20]);
  const excluded = await ask("SELECT VALUE c.id FROM c WHERE c.b = 7");
  expect([excluded.results, excluded.scanned]).toEqual([indexed.results, 2000]);
  expect((await ask("SELECT VALUE c.id FROM c WHERE c.a > 1")).scanned).toBe(1960);
  expect((await ask("SELECT VALUE COUNT(1) FROM c WHERE c.a = @no")).results).toEqual(["0"]);
});

it("without an index mode everything is looked at, and counts", async () => {
  for (const { write, ask } of [world({ indexingMode: "none" })]) {
    await write(numbered(1000, (id) => ({ a: id % 100, b: "x".repeat(10) })));
    const { results, scanned } = await ask("SELECT VALUE c.id FROM c WHERE c.a = 7");
    expect([results.length, scanned]).toEqual([10, 1000]);
  }
});

it("answers stay those of a scan, whatever is written in between", async () => {
  const value = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom<Json>("s1", "s2", null, true));
  const change = fc.tuple(fc.integer({ min: 0, max: 300 }), fc.option(value, { nil: undefined }));
  const filters = [
    "c.a = 3",
    "c.a IN (1, 's1', null)",
    "c.a BETWEEN 2 AND 4 AND c.b = 1",
    "STARTSWITH(c.a, 's')",
    "c.a = 1 OR c.a = true",
    "c.b = 0 ORDER BY c.a DESC",
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { maxLength: 30 }), { minLength: 1, maxLength: 6 }), async (rounds) => {
      const { write, ask } = world();
      await write(numbered(200, (id) => ({ a: id % 21, b: id % 9 })));
      for (const round of rounds) {
        for (const filter of filters) {
          const text = `SELECT VALUE c.id FROM c WHERE ${filter}`;
          expect((await ask(text)).results).toEqual((await ask(text, false)).results);
        }
        await write(new Map(round.map(([id, a]) => [id, a === undefined ? undefined : { a, b: id % 9 }])));
      }
    }),
    { numRuns: 30 },
  );
});

it("values nested deeper than the stack have no index and do no harm", async () => {
  const { write, ask } = world();
  const deep = (inner: string): Json => JSON.parse(`${"[".repeat(50_000)}${inner}${"]".repeat(50_000)}`) as Json;
  const docs = numbered(100, (id) => ({ a: id }));
  await write(docs);
  const parameters = { "@deep": deep("1") };
  for (const text of [
    "SELECT VALUE c.id FROM c WHERE c.a = 7",
    "SELECT VALUE c.id FROM c WHERE c.a = @deep OR c.a = 7",
  ])
    expect((await ask(text, true, parameters)).results).toEqual(['"7"']);
  const place = placeOf();
  const index = openRowIndexes();
  const row = (order: number, a: Json): Row => ({ key: `${order}`, epk: "", order, size: 1, doc: { a } });
  const rows = [row(1, deep("1")), row(2, deep("2")), row(3, 7)];
  const { narrowing } = openQueryEngine({ clock: systemClock, ids: randomIds }).prepare(
    { text: "SELECT * FROM c WHERE c.a = 7", parameters: [] },
    place.container.definition,
  );
  await index.prepare(indexablePaths(narrowing.ranges), rows, 1_000_000);
  expect(index.find(narrowing.ranges, new Map(rows.map((each) => [each.key, each])))).toBeUndefined();
});

it("more changes than an index is kept for make a new one", async () => {
  const { write, ask } = world();
  await write(numbered(3000, (id) => ({ a: id % 100 })));
  const text = "SELECT VALUE c.id FROM c WHERE c.a = 7";
  expect((await ask(text)).scanned).toBe(30);
  await write(numbered(900, () => ({ a: 7 })));
  expect(await ask(text)).toMatchObject({ scanned: 921, results: (await ask(text, false)).results });
  await write(numbered(1500, () => ({ a: 8 })));
  expect(await ask(text)).toMatchObject({ scanned: 15 });
});

it("one document that is multiplied by joins is refused", async () => {
  const { write, ask } = world();
  const list = Array.from({ length: 1000 }, (_, n) => n);
  await write(numbered(20, (id) => (id === 19 ? { list } : { list: list.slice(0, 60) })));
  const joins = "JOIN a IN c.list JOIN b IN c.list JOIN d IN c.list";
  for (const text of [
    `SELECT VALUE COUNT(1) FROM c ${joins} WHERE a + b + d > 170`,
    `SELECT VALUE a FROM c ${joins} WHERE a + b + d < 0`,
    "SELECT VALUE c.id FROM c WHERE (SELECT VALUE COUNT(1) FROM a IN c.list JOIN b IN c.list JOIN d IN c.list) > 1",
    "SELECT VALUE (SELECT VALUE COUNT(1) FROM a IN c.list JOIN b IN c.list JOIN d IN c.list WHERE CONTAINS(REPLICATE('x', 9999), CONCAT(ToString(a), 'y', ToString(b)))) FROM c",
  ])
    await expect(ask(text)).rejects.toMatchObject({ status: 400, message: expect.stringContaining("too complex") });
});
