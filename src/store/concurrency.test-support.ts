/** The part of the contract that random operations and competing writers check. */
import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConditionFailed, type Collection, type CollectionSpec, type Store } from "./store.ts";

interface Item {
  readonly n: number;
  readonly tags: readonly string[];
}

const items: CollectionSpec<Item> = { name: "items", indexes: { byTag: (item) => item.tags } };
const counters: CollectionSpec<number> = { name: "counters" };

const key = fc.constantFrom("a", "a/b", "a0", "b", "é", "\uffff", "\u{10000}");
const tag = fc.constantFrom("red", "blue");
const item = fc.record({ n: fc.nat(9), tags: fc.uniqueArray(tag) });

const operation = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), key, item }),
  fc.record({ kind: fc.constant("create" as const), key, item }),
  fc.record({ kind: fc.constant("replace" as const), key, item, stale: fc.boolean() }),
  fc.record({ kind: fc.constant("delete" as const), key }),
  fc.record({
    kind: fc.constant("list" as const),
    range: fc.record(
      { prefix: fc.constantFrom("", "a", "\u{10000}", "b"), after: key, limit: fc.integer({ min: 0, max: 4 }) },
      { requiredKeys: [] },
    ),
  }),
  fc.record({ kind: fc.constant("find" as const), tag }),
);
type Operation = typeof operation extends fc.Arbitrary<infer O> ? O : never;

/** What the store should do, in the most obvious way there is. */
const naive = () => {
  const held = new Map<string, { readonly item: Item; readonly etag: string }>();
  const sorted = (): string[] => [...held.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return { held, sorted };
};

const step = async (
  collection: Collection<Item>,
  partition: string,
  op: Operation,
  model: ReturnType<typeof naive>,
): Promise<void> => {
  const { held, sorted } = model;
  if (op.kind === "list") {
    const { prefix = "", after, limit = 1000 } = op.range;
    const isAfter = (k: string): boolean =>
      after === undefined || Buffer.compare(Buffer.from(k), Buffer.from(after)) > 0;
    const wanted = sorted().filter((k) => k.startsWith(prefix) && isAfter(k));
    const listed = await collection.list(partition, op.range);
    expect(listed.map((e) => e.key)).toEqual(wanted.slice(0, limit));
    expect(listed.map((e) => e.value)).toEqual(wanted.slice(0, limit).map((k) => held.get(k)?.item));
    return;
  }
  if (op.kind === "find") {
    const found = await collection.find(partition, "byTag", op.tag);
    expect(found.map((e) => e.key)).toEqual(sorted().filter((k) => held.get(k)?.item.tags.includes(op.tag)));
    return;
  }
  const before = held.get(op.key);
  expect((await collection.get(partition, op.key))?.value).toEqual(before?.item);
  if (op.kind === "delete") {
    expect(await collection.delete(partition, op.key)).toBe(before !== undefined);
    held.delete(op.key);
    return;
  }
  const condition = {
    put: undefined,
    create: { ifNoneMatch: "*" } as const,
    replace: { ifMatch: op.kind === "replace" && !op.stale && before ? before.etag : "stale" },
  }[op.kind];
  const allowed = op.kind === "put" || (op.kind === "create" ? !before : before !== undefined && !op.stale);
  const putting = collection.put(partition, op.key, op.item, condition);
  if (allowed) held.set(op.key, { item: op.item, etag: (await putting).etag });
  else await expect(putting).rejects.toThrow(ConditionFailed);
};

export const concurrencyContract = (driver: string, store: () => Store): void => {
  const fresh = (): string => `c-${randomBytes(6).toString("hex")}`;

  describe(`random operations on the ${driver} store`, () => {
    test("any sequence of operations, alone or in transactions, agrees with a naive model", async () => {
      const batches = fc.array(
        fc.record({ inTransaction: fc.boolean(), operations: fc.array(operation, { maxLength: 8 }) }),
        { maxLength: 6 },
      );
      await fc.assert(
        fc.asyncProperty(batches, async (plan) => {
          const partition = fresh();
          const model = naive();
          for (const { inTransaction, operations } of plan) {
            if (inTransaction) {
              await store().transact([partition], async (tx) => {
                for (const op of operations) await step(tx.collection(items), partition, op, model);
              });
            } else {
              for (const op of operations) await step(store().collection(items), partition, op, model);
            }
          }
          const left = new Map<string, Item>();
          for (const change of await store().changes(items, partition, 0)) {
            if (change.value) left.set(change.key, change.value);
          }
          expect(left).toEqual(new Map(Array.from(model.held, ([k, { item }]) => [k, item])));
        }),
        { numRuns: 60 },
      );
    });
  });

  describe(`competing writers on the ${driver} store`, () => {
    const writers = 16;
    const each = 10;

    test("16 writers that increment with compare-and-set lose nothing", async () => {
      const partition = fresh();
      const c = store().collection(counters);
      await c.put(partition, "n", 0);
      const increment = async (): Promise<void> => {
        for (;;) {
          const entry = await c.get(partition, "n");
          try {
            await c.put(partition, "n", (entry?.value ?? 0) + 1, { ifMatch: entry?.etag ?? "" });
            return;
          } catch (error) {
            if (!(error instanceof ConditionFailed)) throw error;
          }
        }
      };
      await Promise.all(
        Array.from({ length: writers }, async () => {
          for (let i = 0; i < each; i++) await increment();
        }),
      );
      expect((await c.get(partition, "n"))?.value).toBe(writers * each);
    });

    test("16 writers that increment in transactions lose nothing and all get through", async () => {
      const partition = fresh();
      await Promise.all(
        Array.from({ length: writers }, async () => {
          for (let i = 0; i < each; i++) {
            await store().transact([partition], async (tx) => {
              const c = tx.collection(counters);
              const entry = await c.get(partition, "n");
              await c.put(partition, "n", (entry?.value ?? 0) + 1);
            });
          }
        }),
      );
      expect((await store().collection(counters).get(partition, "n"))?.value).toBe(writers * each);
    });

    test("money moved between partitions by 8 writers stays the same in sum, at every look", async () => {
      const partitions = [fresh(), fresh(), fresh()];
      for (const p of partitions) await store().collection(counters).put(p, "purse", 100);
      const sum = async (): Promise<number> =>
        store().transact(partitions, async (tx) => {
          let total = 0;
          for (const p of partitions) total += (await tx.collection(counters).get(p, "purse"))?.value ?? 0;
          return total;
        });
      const sums: number[] = [];
      await Promise.all(
        Array.from({ length: 8 }, async (_, writer) => {
          for (let i = 0; i < 6; i++) {
            const from = partitions[(writer + i) % 3] ?? "";
            const to = partitions[(writer + i + 1) % 3] ?? "";
            await store().transact([from, to], async (tx) => {
              const c = tx.collection(counters);
              const [a, b] = [await c.get(from, "purse"), await c.get(to, "purse")];
              await c.put(from, "purse", (a?.value ?? 0) - 1);
              await c.put(to, "purse", (b?.value ?? 0) + 1);
            });
            sums.push(await sum());
          }
        }),
      );
      expect(new Set(sums)).toEqual(new Set([300]));
    });

    test("of two writers that each require the list they read to be empty, one wins", async () => {
      const partition = fresh();
      const claim = async (name: string): Promise<boolean> =>
        store().transact([partition], async (tx) => {
          const c = tx.collection(counters);
          if ((await c.list(partition, { prefix: "claim/" })).length > 0) return false;
          await c.put(partition, `claim/${name}`, 1);
          return true;
        });
      const claims = await Promise.all(Array.from({ length: 8 }, (_, i) => claim(String(i))));
      expect(claims.filter(Boolean)).toHaveLength(1);
    });
  });
};
