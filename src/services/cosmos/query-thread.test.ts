import { afterEach, expect, it } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { randomIds } from "../../kernel/ids.ts";
import { openFrontReader } from "./engine/front-reader.ts";
import { documentsOf, openContainer, whole } from "./engine/paging.test-support.ts";
import type { QueryReader } from "./engine/reader-port.ts";
import type { JsonObject } from "./engine/records.ts";
import { storeSources } from "./engine/source.ts";
import { openQueryEngine } from "./query-engine.ts";
import { openQueryThread } from "./query-thread.ts";

const open: QueryReader[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((reader) => reader.close()));
});

const world = (options: Partial<Parameters<typeof openQueryThread>[0]> = {}) => {
  const container = openContainer();
  const thread = openQueryThread({
    sources: storeSources(container.store),
    cacheBytes: 64 * 1024 * 1024,
    now: () => 0,
    ...options,
  });
  open.push(thread);
  return { ...container, thread };
};

it("answers what the reader in it answers, page by page, and sees every write that came before", async () => {
  const { thread, write, page } = world();
  await write(Array.from({ length: 50 }, (_, n) => [{ id: `${n}`, pk: "p" }, { n }]));
  const text = "SELECT VALUE c.n FROM c ORDER BY c.n DESC";
  const first = await page(thread, text, { limit: 30 });
  expect([documentsOf(first).at(0), first.count, first.scanned]).toEqual([49, 30, 30]);
  await write([[{ id: "new", pk: "p" }, { n: 5.5 }]]);
  const second = await page(thread, text, { limit: 30, token: first.token ?? "" });
  expect(documentsOf(second)).toContain(5.5);
  expect(second.lsn).toBeGreaterThan(first.lsn);
  expect(
    await thread.list({ text: "SELECT VALUE c.a FROM c WHERE c.a > 1", parameters: [] }, [{ a: 1 }, { a: 2 }]),
  ).toEqual([2]);
});

it("tells errors of queries as they are, and those of reading", async () => {
  const { thread, page } = world();
  await expect(page(thread, "SELECT * FRM c")).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining("SC1001"),
  });
  await expect(page(thread, "SELECT * FROM c", { token: "nonsense" })).rejects.toMatchObject({ status: 400 });
  const broken = world({
    sources: () => ({
      list: () => Promise.reject(new Error("The disk is full of holes.")),
      get: () => Promise.reject(new Error("no")),
      changes: () => Promise.reject(new Error("no")),
      sequence: () => Promise.resolve(1),
    }),
  });
  await expect(broken.page(broken.thread, "SELECT * FROM c")).rejects.toThrow("full of holes");
});

it("refuses what takes too much memory, and goes on for the others", async () => {
  const { thread, write, page } = world({ heapBytes: 100 * 1024 * 1024 });
  await write(
    Array.from({ length: 3000 }, (_, n) => [
      { id: `${n}`, pk: "p" },
      { list: Array.from({ length: 20 }, (_x, k) => k) },
    ]),
  );
  const [bomb, other] = await Promise.allSettled([
    page(
      thread,
      "SELECT VALUE CONCAT(REPLICATE('x', 9000), c.id, TOSTRING(a), TOSTRING(b)) FROM c JOIN a IN c.list JOIN b IN c.list ORDER BY c.id",
    ),
    page(thread, "SELECT VALUE COUNT(1) FROM c"),
  ]);
  expect(bomb).toMatchObject({
    status: "rejected",
    reason: { status: 400, message: expect.stringContaining("memory") },
  });
  expect(other.status).toBe("fulfilled");
  expect(documentsOf(await page(thread, "SELECT VALUE COUNT(1) FROM c"))).toEqual([3000]);
});

it("is ended over a document that keeps it busy without a turn, and the query is refused", async () => {
  const { thread, write, page } = world({ patience: 1000 });
  // The distance of two shapes takes a look at every pair of their edges.
  const shape = (east: number): JsonObject => {
    const ring = Array.from({ length: 6000 }, (_, n): [number, number] => {
      const angle = (Math.PI * 2 * n) / 6000;
      return [east + Math.cos(angle), Math.sin(angle)];
    });
    return { type: "Polygon", coordinates: [[...ring, ring[0] ?? []]] };
  };
  await write([
    [
      { id: "1", pk: "p" },
      { area: shape(0), other: shape(5) },
    ],
  ]);
  await expect(page(thread, "SELECT VALUE ST_DISTANCE(c.area, c.other) FROM c")).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining("kept it busy"),
  });
  expect(documentsOf(await page(thread, "SELECT VALUE c.id FROM c"))).toEqual(["1"]);
});

it("has no answers once it is closed", async () => {
  const { thread, page } = world();
  const asked = page(thread, "SELECT 1");
  await thread.close();
  await expect(asked).rejects.toThrow("closed");
  await expect(page(thread, "SELECT 1")).rejects.toThrow("closed");
});

it("is not asked about a few items of one key, nor what a query is", async () => {
  const container = openContainer();
  const asked: string[] = [];
  const large = container.open();
  const seen: QueryReader = {
    ...large,
    page: (question) => {
      asked.push(question.spec?.text ?? "feed");
      return large.page(question);
    },
    plan: (spec, definition) => {
      asked.push(spec.text);
      return large.plan(spec, definition);
    },
  };
  const reader = openFrontReader(seen, {
    sources: storeSources(container.store),
    ids: randomIds,
    queries: openQueryEngine({ clock: systemClock, ids: randomIds }),
  });
  await container.write([
    ...Array.from({ length: 200 }, (_, n) => [{ id: `${n}`, pk: `p${n % 100}` }, { n }] as const),
    [{ id: "list", pk: "heavy" }, { list: Array.from({ length: 500 }, (_, n) => n) }],
    ...Array.from({ length: 100 }, (_, n) => [{ id: `m${n}`, pk: "many" }, { n }] as const),
  ]);
  const ask = async (text: string | undefined, pk?: string): Promise<readonly unknown[]> =>
    documentsOf(
      await container.page(reader, text, { extent: pk === undefined ? whole : { key: [pk], range: undefined } }),
    );
  expect(await ask("SELECT VALUE c.n FROM c ORDER BY c.n DESC", "p7")).toEqual([107, 7]);
  expect(await ask("SELECT VALUE c.n FROM c WHERE c.pk = 'p8'")).toEqual([8, 108]);
  expect(await ask(undefined, "p9")).toHaveLength(2);
  const { queryInfo } = await reader.plan({ text: "SELECT VALUE c.n FROM c", parameters: [] }, {});
  expect(queryInfo.hasSelectValue).toBe(true);
  expect(asked).toEqual([]);
  await reader
    .plan({ text: `SELECT * FROM c WHERE c.n IN (${"1, ".repeat(50_000)}1)`, parameters: [] }, {})
    .catch(() => undefined);
  expect(asked.splice(0)).toHaveLength(1);
  expect(await ask("SELECT VALUE COUNT(1) FROM c", "many")).toEqual([100]);
  expect(await ask("SELECT VALUE COUNT(1) FROM c JOIN a IN c.list JOIN b IN c.list", "heavy")).toEqual([250_000]);
  expect(await ask("SELECT VALUE COUNT(1) FROM c")).toEqual([301]);
  expect(asked).toHaveLength(3);
});
