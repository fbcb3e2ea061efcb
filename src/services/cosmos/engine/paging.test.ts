import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { documentsOf, openContainer } from "./paging.test-support.ts";
import type { QueryReader } from "./reader-port.ts";
import type { Json, JsonObject } from "./records.ts";
import type { Row } from "./rows.ts";
import { walk } from "./walk.ts";

const allPages = async (
  container: ReturnType<typeof openContainer>,
  /** Of every page its own: a restart in between. */
  reader: () => QueryReader,
  text: string | undefined,
  limit: number,
): Promise<readonly Json[]> => {
  const found: Json[] = [];
  let token: string | undefined;
  for (let pages = 0; pages < 2000; pages++) {
    const page = await container.page(reader(), text, { limit, ...(token === undefined ? {} : { token }) });
    found.push(...documentsOf(page));
    expect(page.count).toBeLessThanOrEqual(limit);
    expect((page.token ?? "").length).toBeLessThan(1024);
    ({ token } = page);
    if (token === undefined) return found;
  }
  throw new Error("The pages have no end.");
};

const texts = [
  undefined,
  "SELECT VALUE c.id FROM c",
  "SELECT VALUE c.id FROM c WHERE c.a > 3",
  "SELECT VALUE c.id FROM c WHERE c.a = 3",
  "SELECT VALUE c.id FROM c WHERE c.a = 3 AND c.b != 1",
  "SELECT VALUE c.a FROM c OFFSET 3 LIMIT 11",
  "SELECT TOP 7 VALUE c.id FROM c WHERE c.b > 1",
  "SELECT VALUE [c.id, t] FROM c JOIN t IN c.list",
  "SELECT VALUE [c.id, t] FROM c JOIN t IN c.list OFFSET 2 LIMIT 9",
  "SELECT VALUE c.id FROM c ORDER BY c.a",
  "SELECT VALUE c.id FROM c ORDER BY c.a DESC",
  "SELECT VALUE c.b FROM c ORDER BY c.a DESC OFFSET 2 LIMIT 12",
  "SELECT TOP 9 c.id, c.a FROM c WHERE c.b > 0 ORDER BY c.a",
  "SELECT VALUE c.id FROM c WHERE c.a >= 2 ORDER BY c.long",
  "SELECT VALUE c.id FROM c WHERE c.a = 3 ORDER BY c.b DESC",
  "SELECT VALUE c.id FROM c ORDER BY c.a + c.b",
  "SELECT VALUE c.id FROM c ORDER BY c.none",
  "SELECT VALUE t FROM c JOIN t IN c.list ORDER BY t",
  "SELECT DISTINCT VALUE c.a FROM c",
  "SELECT DISTINCT VALUE c.a FROM c ORDER BY c.a OFFSET 1 LIMIT 2",
  "SELECT c.b, COUNT(1) AS n FROM c GROUP BY c.b",
  "SELECT VALUE COUNT(1) FROM c WHERE c.pk = 'p1'",
  "SELECT VALUE c.id FROM c WHERE c.pk = 'p1' AND c.id = '7'",
  "SELECT VALUE c.id FROM c WHERE c.pk = 'p1' ORDER BY c.a",
  "SELECT VALUE 1",
] as const;

const value = fc.oneof(
  fc.integer({ min: 0, max: 6 }),
  fc.constantFrom<Json>("x", "y", null, true, [1], { k: 1 }, "z".repeat(400)),
);
const doc = fc.record(
  {
    a: value,
    b: fc.integer({ min: 0, max: 3 }),
    list: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 3 }),
    long: fc.integer({ min: 0, max: 3 }).map((n) => `${"l".repeat(400)}${n}`),
  },
  { requiredKeys: ["b"] },
);
const named = fc.integer({ min: 0, max: 80 }).map((id): JsonObject => ({ id: `${id}`, pk: `p${id % 3}` }));
const writes = fc.array(fc.tuple(named, fc.option(doc, { nil: undefined, freq: 8 })), { maxLength: 60 });

/** The evaluator over all documents in feed order, at once. */
const straight = async (
  container: ReturnType<typeof openContainer>,
  text: string | undefined,
): Promise<readonly Json[]> => {
  const rows: Row[] = [];
  for await (const batch of walk(container.source, { prefix: "", range: undefined, from: undefined }))
    rows.push(...batch);
  if (text === undefined) return rows.map((row) => row.doc);
  const run = container.queries.prepare({ text, parameters: [] }, container.container.definition).open(() => 1000);
  for (const row of rows) if (!run.add(row.doc)) break;
  return [...run.take(), ...run.finish()];
};

describe("pages", () => {
  it.each([
    ["of a container in memory", 256 * 1024 * 1024, false],
    ["of one beyond the bound", 200, false],
    ["with a restart before each", 256 * 1024 * 1024, true],
    ["with a restart before each, beyond the bound", 200, true],
  ])("%s are together what the query is at once", async (_, bound, restarts) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(writes, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: restarts ? 4 : 1, max: 30 }),
        async (rounds, limit) => {
          const container = openContainer();
          const kept = container.open(bound);
          for (const round of rounds) {
            await container.write(round);
            for (const text of texts) {
              const found = await allPages(container, () => (restarts ? container.open(bound) : kept), text, limit);
              expect([text, found]).toEqual([text, await straight(container, text)]);
            }
          }
        },
      ),
      { numRuns: restarts ? 5 : 12 },
    );
  });

  it("of a held container go by the index, or by an order that is found once", async () => {
    const container = openContainer();
    await container.write(
      Array.from({ length: 3000 }, (_, id) => [
        { id: `${id}`, pk: `${id}` },
        { a: (id * 7919) % 3000, b: id % 7 },
      ]),
    );
    const reader = container.open();
    const cost = async (text: string): Promise<readonly [number, number]> => {
      const first = await container.page(reader, text, { limit: 10 });
      const second = await container.page(reader, text, { limit: 10, token: first.token ?? "" });
      return [first.scanned, second.scanned];
    };
    await cost("SELECT VALUE COUNT(1) FROM c");
    expect(await cost("SELECT * FROM c ORDER BY c.a")).toEqual([10, 10]);
    expect(await cost("SELECT TOP 15 * FROM c ORDER BY c.a DESC")).toEqual([10, 5]);
    expect(await cost("SELECT * FROM c ORDER BY c.a + c.b")).toEqual([3000, 10]);
  });

  it("beyond the bound read no more than the query needs", async () => {
    const container = openContainer({ paths: ["/id"] });
    await container.write(Array.from({ length: 4000 }, (_, id) => [{ id: `${id}` }, { a: id }]));
    const reads = async (text: string | undefined): Promise<number> => {
      const reader = container.open(1000);
      container.reads.rows = container.reads.changes = 0;
      await container.page(reader, text, { limit: 10 });
      return container.reads.rows + container.reads.changes;
    };
    expect(await reads(undefined)).toBeLessThan(100);
    expect(await reads("SELECT TOP 10 * FROM c")).toBeLessThan(100);
    expect(await reads("SELECT * FROM c WHERE c.id = '17'")).toBeLessThan(100);
    expect(await reads("SELECT * FROM c WHERE c.id = '17' ORDER BY c.a")).toBeLessThan(100);
    expect(await reads("SELECT VALUE SUM(c.a) FROM c")).toBeGreaterThan(4000);
  });
});

describe("a walk", () => {
  const rowsOf = async (
    groupBytes: number | undefined,
    container: ReturnType<typeof openContainer>,
  ): Promise<readonly string[]> => {
    const found: string[] = [];
    const walked = walk(container.source, {
      prefix: "",
      range: undefined,
      from: undefined,
      ...(groupBytes === undefined ? {} : { groupBytes }),
    });
    for await (const rows of walked)
      found.push(...rows.map(({ epk, order }) => `${epk} ${String(order).padStart(6, "0")}`));
    return found;
  };

  it("goes in the order of EPKs and creation, however many items an EPK has", async () => {
    const container = openContainer();
    // Identifiers that sort otherwise than they were created.
    const docs = Array.from({ length: 2500 }, (_, n): readonly [JsonObject, JsonObject] => [
      { id: `${(n * 7919) % 2500}`, pk: n % 5 === 0 ? `p${n}` : `p${n % 2}` },
      {},
    ]);
    await container.write(docs);
    for (const groupBytes of [undefined, 1000]) {
      const found = await rowsOf(groupBytes, container);
      expect(found).toHaveLength(2500);
      expect(found).toEqual(found.toSorted());
    }
  });

  it("shows the items of one EPK as they were at one moment, whatever is written meanwhile", async () => {
    const container = openContainer();
    const size = 1500;
    const write = (n: number): Promise<void> =>
      container.write(Array.from({ length: size }, (_, id) => [{ id: `${id}`, pk: "p" }, { n }]));
    await write(0);
    const stop = new AbortController();
    const writer = (async () => {
      for (let n = 1; !stop.signal.aborted; n++) await write(n);
    })();
    const seen = new Set<unknown>();
    for (let look = 0; look < 5; look++)
      for await (const rows of walk(container.source, { prefix: "", range: undefined, from: undefined })) {
        expect(rows).toHaveLength(size);
        expect(new Set(rows.map(({ doc }) => doc["n"])).size).toBe(1);
        seen.add(rows[0]?.doc["n"]);
      }
    stop.abort();
    await writer;
    expect(seen.size).toBeGreaterThan(1);
  });
});
