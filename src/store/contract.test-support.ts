/** The contract of `store.ts` as a suite that every driver passes. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesContract } from "./bytes.test-support.ts";
import { concurrencyContract } from "./concurrency.test-support.ts";
import { ConditionFailed, type CollectionSpec, type Store } from "./store.ts";

interface Person {
  readonly name: string;
  readonly teams?: readonly string[];
  readonly secret?: string | { readonly pin: number };
}

const people: CollectionSpec<Person> = {
  name: "people",
  indexes: { byName: (person) => person.name, byTeam: (person) => person.teams },
  sealed: ["secret"],
};
const things: CollectionSpec<unknown> = { name: "things" };

const keysOf = (entries: readonly { readonly key: string }[]): string[] => entries.map((entry) => entry.key);

/** @param open Opens the store under test; the suite uses fresh partitions of one store throughout. */
export const storeContract = (driver: string, open: () => Promise<Store>): void => {
  let store: Store;
  let partitions = 0;
  const fresh = (): string => `p${++partitions}-${randomBytes(4).toString("hex")}`;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(async () => {
    await store.close();
  });

  describe(`collections of the ${driver} store`, () => {
    test("an entry that was put is found, with its value and etag", async () => {
      const p = fresh();
      const put = await store.collection(people).put(p, "a", { name: "Ann", teams: ["x"] });
      expect(put.sequence).toBeGreaterThan(0);
      expect(await store.collection(people).get(p, "a")).toEqual(put);
      expect(await store.collection(people).get(p, "b")).toBeUndefined();
      expect(await store.collection(things).get(p, "a")).toBeUndefined();
      expect(await store.collection(people).get(fresh(), "a")).toBeUndefined();
    });

    test("every write changes the etag and raises the sequence", async () => {
      const p = fresh();
      const c = store.collection(things);
      const first = await c.put(p, "a", 1);
      const second = await c.put(p, "a", 1);
      expect(second.etag).not.toBe(first.etag);
      expect(second.sequence).toBeGreaterThan(first.sequence);
      await c.delete(p, "a");
      const third = await c.put(p, "a", 1);
      expect([first.etag, second.etag]).not.toContain(third.etag);
      expect(third.sequence).toBeGreaterThan(second.sequence);
    });

    test("values are any JSON, and undefined is refused", async () => {
      const p = fresh();
      const c = store.collection(things);
      for (const value of [null, false, 0, "", "\0 \ud800 é𐀀", [], { a: { b: [1, null] } }]) {
        await c.put(p, "k", value);
        expect((await c.get(p, "k"))?.value).toEqual(value);
      }
      await expect(c.put(p, "k", undefined)).rejects.toThrow(TypeError);
    });

    test("conditions hold or fail as compare-and-set", async () => {
      const p = fresh();
      const c = store.collection(things);
      await expect(c.put(p, "a", 1, { ifMatch: "nothing" })).rejects.toMatchObject({ exists: false });
      const first = await c.put(p, "a", 1, { ifNoneMatch: "*" });
      await expect(c.put(p, "a", 2, { ifNoneMatch: "*" })).rejects.toMatchObject({ exists: true });
      const second = await c.put(p, "a", 2, { ifMatch: first.etag });
      await expect(c.put(p, "a", 3, { ifMatch: first.etag })).rejects.toThrow(ConditionFailed);
      await expect(c.delete(p, "a", { ifMatch: first.etag })).rejects.toThrow(ConditionFailed);
      expect((await c.get(p, "a"))?.value).toBe(2);
      expect(await c.delete(p, "a", { ifMatch: second.etag })).toBe(true);
      expect(await c.delete(p, "a")).toBe(false);
      await expect(c.delete(p, "a", { ifMatch: second.etag })).rejects.toMatchObject({ exists: false });
    });

    test("keys that no driver could tell apart are refused by writes, and reads find nothing there", async () => {
      const c = store.collection(things);
      const p = fresh();
      for (const bad of ["a\0b", "\ud800"]) {
        await expect(c.put(p, bad, 1)).rejects.toThrow(TypeError);
        expect(await c.get(p, bad)).toBeUndefined();
        expect(await c.get(bad, "k")).toBeUndefined();
        expect(await c.list(p, { prefix: bad })).toEqual([]);
        expect(await store.transact([p], (tx) => tx.collection(things).get(p, bad))).toBeUndefined();
        expect(await store.transact([p], (tx) => tx.collection(things).list(p, { prefix: bad }))).toEqual([]);
        expect(await store.collection(people).find(p, "byName", bad)).toEqual([]);
      }
    });

    test("a list comes in byte order, by prefix, after a key, and up to a limit", async () => {
      const p = fresh();
      const c = store.collection(things);
      const keys = ["", "A", "B", "a", "a/", "a/b", "a0", "aa", "z", "é", "\uffff", "\u{10000}", "\u{10ffff}"];
      await Promise.all([...keys].reverse().map((key) => c.put(p, key, key)));
      expect(keysOf(await c.list(p))).toEqual(keys);
      expect(keysOf(await c.list(p, { prefix: "a" }))).toEqual(["a", "a/", "a/b", "a0", "aa"]);
      expect(keysOf(await c.list(p, { prefix: "a", after: "a/" }))).toEqual(["a/b", "a0", "aa"]);
      expect(keysOf(await c.list(p, { prefix: "a", after: "A" }))).toEqual(["a", "a/", "a/b", "a0", "aa"]);
      expect(keysOf(await c.list(p, { prefix: "a", after: "b" }))).toEqual([]);
      expect(keysOf(await c.list(p, { after: "a/b" }))).toEqual(keys.slice(6));
      expect(keysOf(await c.list(p, { after: "\u{10000}" }))).toEqual(["\u{10ffff}"]);
      expect(keysOf(await c.list(p, { prefix: "\u{10ffff}" }))).toEqual(["\u{10ffff}"]);
      expect(keysOf(await c.list(p, { limit: 2 }))).toEqual(["", "A"]);
      expect(keysOf(await c.list(p, { limit: 0 }))).toEqual([]);
      await expect(c.list(p, { limit: -1 })).rejects.toThrow(RangeError);
    });

    test("a list without a limit stops at 1000", async () => {
      const p = fresh();
      const c = store.collection(things);
      const keys = Array.from({ length: 1003 }, (_, i) => String(i).padStart(5, "0"));
      await store.transact([p], async (tx) => {
        for (const key of keys) await tx.collection(things).put(p, key, 1);
      });
      expect(keysOf(await c.list(p))).toEqual(keys.slice(0, 1000));
      expect(keysOf(await c.list(p, { limit: 5000 }))).toEqual(keys);
    });

    test("entries are found by index values, and only by the present ones", async () => {
      const p = fresh();
      const c = store.collection(people);
      await c.put(p, "1", { name: "Ann", teams: ["x", "y", "x"] });
      await c.put(p, "2", { name: "Bob", teams: ["y"] });
      await c.put(p, "3", { name: "", teams: [] });
      expect(keysOf(await c.find(p, "byTeam", "y"))).toEqual(["1", "2"]);
      expect(keysOf(await c.find(p, "byTeam", "y", { after: "1" }))).toEqual(["2"]);
      expect(keysOf(await c.find(p, "byTeam", "y", { limit: 1 }))).toEqual(["1"]);
      expect(keysOf(await c.find(p, "byName", "y"))).toEqual([]);
      expect(keysOf(await c.find(p, "byName", ""))).toEqual([]);
      expect(keysOf(await c.find(fresh(), "byTeam", "y"))).toEqual([]);
      await c.put(p, "1", { name: "Ann", teams: ["z"] });
      await c.delete(p, "2");
      expect(keysOf(await c.find(p, "byTeam", "y"))).toEqual([]);
      expect(keysOf(await c.find(p, "byTeam", "z"))).toEqual(["1"]);
      expect((await c.find(p, "byName", "Ann"))[0]?.value).toEqual({ name: "Ann", teams: ["z"] });
      await expect(c.find(p, "byAge", "3")).rejects.toThrow(/declares no index "byAge"/);
    });

    test("an index that is declared later finds what was put before", async () => {
      const p = fresh();
      const name = `grown-${p}`;
      await store.collection<Person>({ name }).put(p, "1", { name: "Ann", teams: ["x"] });
      const byName = { byName: (person: Person) => person.name };
      const once = store.collection<Person>({ name, indexes: byName });
      expect(keysOf(await once.find(p, "byName", "Ann"))).toEqual(["1"]);
      await once.put(p, "2", { name: "Ann", teams: ["x"] });
      const twice = store.collection<Person>({ name, indexes: { ...byName, byTeam: (person) => person.teams } });
      const found = await store.transact([p], async (tx) => {
        const c = tx.collection<Person>({ name, indexes: { ...byName, byTeam: (person) => person.teams } });
        return c.find(p, "byTeam", "x");
      });
      expect(keysOf(found)).toEqual(["1", "2"]);
      await twice.put(p, "1", { name: "Bob" });
      expect(keysOf(await twice.find(p, "byTeam", "x"))).toEqual(["2"]);
      expect(keysOf(await twice.find(p, "byName", "Ann"))).toEqual(["2"]);
    });

    test("sealed members come back as they were put", async () => {
      const p = fresh();
      const c = store.collection(people);
      await c.put(p, "a", { name: "Ann", secret: "hunter2" });
      await c.put(p, "b", { name: "Bob", secret: { pin: 4711 } });
      expect((await c.get(p, "a"))?.value).toEqual({ name: "Ann", secret: "hunter2" });
      expect((await c.list(p)).map((entry) => entry.value.secret)).toEqual(["hunter2", { pin: 4711 }]);
      expect((await store.changes(people, p, 0)).map((change) => change.value?.secret)).toEqual([
        "hunter2",
        { pin: 4711 },
      ]);
    });

    test("changes come oldest first, once per key, deletions included", async () => {
      const p = fresh();
      const c = store.collection(things);
      const seen = async (after: number, limit?: number) =>
        (await store.changes(things, p, after, limit)).map(({ key, value }) => [key, value]);
      for (const key of ["a", "b", "c"]) await c.put(p, key, key);
      await store.collection(people).put(p, "other", { name: "Oth" });
      await c.put(p, "a", "again");
      await c.delete(p, "b");
      await c.delete(p, "none");
      expect(await seen(0)).toEqual([
        ["c", "c"],
        ["a", "again"],
        ["b", undefined],
      ]);
      expect(await seen(0, 2)).toEqual([
        ["c", "c"],
        ["a", "again"],
      ]);
      const last = (await store.changes(things, p, 0)).at(-1)?.sequence ?? 0;
      await c.put(p, "b", "back");
      expect(await seen(last)).toEqual([["b", "back"]]);
      expect(await seen(0)).toEqual([
        ["c", "c"],
        ["a", "again"],
        ["b", "back"],
      ]);
    });

    test("texts are the rows and changes as they are stored, and never those of sealed members", async () => {
      const p = fresh();
      const c = store.collection(things);
      expect(await store.texts.sequence(p)).toBe(0);
      for (const key of ["b", "a", "c"]) await c.put(p, key, { key });
      await c.delete(p, "b");
      const last = await store.texts.sequence(p);
      const sequences = (await store.changes(things, p, 0)).map(({ sequence }) => sequence);
      expect(sequences.at(-1)).toBe(last);
      expect(await store.texts.list(things, p, { after: "a", limit: 5 })).toEqual([
        { key: "c", json: '{"key":"c"}', sequence: sequences[1] },
      ]);
      expect(await store.texts.changes(things, p, sequences[0] ?? 0)).toEqual([
        { key: "c", json: '{"key":"c"}', sequence: sequences[1] },
        { key: "b", json: undefined, sequence: last },
      ]);
      await expect(store.texts.list(people, p)).rejects.toThrow(TypeError);
      await expect(store.texts.changes(people, p, 0)).rejects.toThrow(TypeError);
    });
  });

  describe(`transactions of the ${driver} store`, () => {
    test("all writes happen, and the entries carry what was committed", async () => {
      const [p, q] = [fresh(), fresh()];
      const put = await store.transact([p, q], async (tx) => {
        const c = tx.collection(things);
        await c.put(q, "b", 2);
        return c.put(p, "a", 1);
      });
      expect(await store.collection(things).get(p, "a")).toEqual(put);
      expect((await store.collection(things).get(q, "b"))?.value).toBe(2);
    });

    test("nothing happens when the work throws", async () => {
      const p = fresh();
      const failing = store.transact([p], async (tx) => {
        await tx.collection(things).put(p, "a", 1);
        throw new RangeError("no");
      });
      await expect(failing).rejects.toThrow(RangeError);
      expect(await store.collection(things).get(p, "a")).toBeUndefined();
    });

    test("the work sees its own writes, in gets, lists, finds and conditions", async () => {
      const p = fresh();
      await store.collection(people).put(p, "b", { name: "Bob", teams: ["x"] });
      await store.collection(people).put(p, "d", { name: "Dan", teams: ["x"] });
      await store.transact([p], async (tx) => {
        const c = tx.collection(people);
        const ann = await c.put(p, "a", { name: "Ann", teams: ["x"], secret: "s" }, { ifNoneMatch: "*" });
        expect((await c.get(p, "a"))?.value.secret).toBe("s");
        expect(await c.delete(p, "b")).toBe(true);
        expect(await c.delete(p, "b")).toBe(false);
        expect(await c.get(p, "b")).toBeUndefined();
        await c.put(p, "e", { name: "Eve", teams: ["y"] });
        expect(keysOf(await c.list(p))).toEqual(["a", "d", "e"]);
        expect(keysOf(await c.list(p, { limit: 2 }))).toEqual(["a", "d"]);
        expect(keysOf(await c.list(p, { after: "a", limit: 1 }))).toEqual(["d"]);
        expect(keysOf(await c.find(p, "byTeam", "x"))).toEqual(["a", "d"]);
        await expect(c.put(p, "a", ann.value, { ifNoneMatch: "*" })).rejects.toThrow(ConditionFailed);
        await c.put(p, "a", { name: "Ann" }, { ifMatch: ann.etag });
        expect(keysOf(await c.find(p, "byTeam", "x"))).toEqual(["d"]);
      });
      expect(keysOf(await store.collection(people).list(p))).toEqual(["a", "d", "e"]);
      expect(keysOf(await store.collection(people).find(p, "byTeam", "y"))).toEqual(["e"]);
    });

    test("a partition that was not named cannot be touched", async () => {
      const [p, q] = [fresh(), fresh()];
      const reaching = store.transact([p], (tx) => tx.collection(things).get(q, "a"));
      await expect(reaching).rejects.toThrow(/Name every partition/);
    });

    test("a transaction cannot be used once it is over", async () => {
      const p = fresh();
      const tx = await store.transact([p], async (tx) => tx);
      await expect(tx.collection(things).put(p, "a", 1)).rejects.toThrow(/transaction is over/);
    });

    test("the work runs again when an entry it read has changed", async () => {
      const p = fresh();
      const c = store.collection(things);
      await c.put(p, "a", 1);
      let runs = 0;
      const seen = await store.transact([p], async (tx) => {
        const a = await tx.collection(things).get(p, "a");
        if (++runs === 1) await c.put(p, "a", 2);
        await tx.collection(things).put(p, "b", a?.value);
        return a?.value;
      });
      expect([runs, seen, (await c.get(p, "b"))?.value]).toEqual([2, 2, 2]);
    });

    test("the work runs again when a list it read has grown", async () => {
      const p = fresh();
      const c = store.collection(things);
      let runs = 0;
      const seen = await store.transact([p], async (tx) => {
        const listed = await tx.collection(things).list(p, { prefix: "x" });
        if (++runs === 1) await c.put(p, "x1", 1);
        await tx.collection(things).put(p, "count", listed.length);
        return listed.length;
      });
      expect([runs, seen]).toEqual([2, 1]);
    });

    test("work that fails on reads that no longer hold runs again instead of failing", async () => {
      const p = fresh();
      const c = store.collection(things);
      let runs = 0;
      const seen = await store.transact([p], async (tx) => {
        const a = await tx.collection(things).get(p, "a");
        if (++runs === 1) await c.put(p, "a", 1);
        if (!a) throw new Error("a is missing");
        return a.value;
      });
      expect([runs, seen]).toEqual([2, 1]);
    });
  });

  bytesContract(driver, () => store);
  concurrencyContract(driver, () => store);
};
