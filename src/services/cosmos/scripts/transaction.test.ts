/** Scripts beside other writers: what they saw is what they are committed on, or they run again. */
import { beforeEach, describe, expect, it } from "vitest";
import { randomIds } from "../../../kernel/ids.ts";
import { systemClock } from "../../../kernel/clock.ts";
import { openMemoryStore } from "../../../store/memory.ts";
import { createContainer, createDatabase } from "../engine/catalog.ts";
import { type Engine, inContainer, liveItem, openEngine, type Place } from "../engine/engine.ts";
import { createItem, deleteItem, unconditional, upsertItem } from "../engine/items.ts";
import { openPages } from "../engine/pages.ts";
import { itemKey } from "../engine/partition-key.ts";
import type { JsonObject } from "../engine/records.ts";
import { openQueryEngine } from "../query-engine.ts";
import { querySpec } from "../operations/query-list.ts";
import type { Session } from "./session.ts";
import { type Lines, runTransaction } from "./transaction.ts";

let engine: Engine;
let place: Place;
let lines: Lines;
const queries = openQueryEngine({ clock: systemClock, ids: randomIds });

beforeEach(async () => {
  engine = openEngine({ store: openMemoryStore(), clock: systemClock, ids: randomIds });
  const database = await createDatabase(engine, "acme", { id: "appdb" });
  const container = await createContainer(engine, "acme", database, {
    id: "items",
    partitionKey: { paths: ["/pk"] },
    uniqueKeyPolicy: { uniqueKeys: [{ paths: ["/mail"] }] },
  });
  place = { account: "acme", container };
  lines = new Map();
});

const transaction = <R>(work: (session: Session) => Promise<R>, milliseconds = 5000): Promise<R> =>
  runTransaction(
    {
      engine,
      place,
      values: ["a"],
      pages: openPages(randomIds),
      lines,
      milliseconds,
      prepare: (spec) => Promise.resolve(queries.prepare(querySpec(spec), place.container.definition)),
    },
    work,
  );
/** Beside the script, as any other request. */
const write = (doc: JsonObject & { readonly pk: string }) =>
  inContainer(engine, place, (scene) => upsertItem(scene, [doc.pk], doc, unconditional));
const read = async (id: string, pk = "a") =>
  (await liveItem(engine, place, itemKey([pk], id, place.container.partitionKey)))?.value.doc;
const ask = async (session: Session, operation: string, payload: object): Promise<{ resource: JsonObject[] }> =>
  JSON.parse(await session.perform(operation, JSON.stringify(payload))) as { resource: JsonObject[] };
const count = async (session: Session): Promise<number> =>
  Number((await ask(session, "query", { spec: { query: "SELECT VALUE COUNT(1) FROM c" } })).resource[0]);
const named = (name: string) => ({ link: { rid: false, name } });

describe("a script beside another writer", () => {
  it("runs again when an item that it read was changed", async () => {
    await write({ id: "n", pk: "a", n: 1 });
    let runs = 0;
    await transaction(async (session) => {
      const found = (await ask(session, "read", named("n"))).resource as unknown as { n: number };
      if (++runs === 1) await write({ id: "n", pk: "a", n: 10 });
      await ask(session, "upsert", { body: { id: "n", pk: "a", n: found.n + 1 } });
    });
    expect(runs).toBe(2);
    expect(await read("n")).toMatchObject({ n: 11 });
  });

  it("runs again when somebody came into the partition that it looked through, or left it", async () => {
    await write({ id: "there", pk: "a", mail: "there" });
    let runs = 0;
    const counted = await transaction(async (session) => {
      const seen = await count(session);
      runs++;
      if (runs === 1) await write({ id: "came", pk: "a", mail: "came" });
      if (runs === 2) await inContainer(engine, place, (scene) => deleteItem(scene, ["a"], "there", unconditional));
      await ask(session, "create", { body: { id: "sum", pk: "a", seen } });
      return seen;
    });
    expect([runs, counted]).toEqual([3, 1]);
    expect(await read("sum")).toMatchObject({ seen: 1 });
  });

  it("does not when the others are in other partitions", async () => {
    let runs = 0;
    await transaction(async (session) => {
      runs++;
      await count(session);
      for (let n = 0; n < 20; n++) await write({ id: String(n), pk: "b", mail: String(n) });
      await ask(session, "create", { body: { id: "mine", pk: "a" } });
    });
    expect(runs).toBe(1);
  });

  it("does not fail on what did not hold together", async () => {
    await write({ id: "x", pk: "a", n: 1 });
    let runs = 0;
    const sum = await transaction(async (session) => {
      const x = (await ask(session, "read", named("x"))).resource as unknown as { n: number };
      // The other writer keeps the sum of x and y at 1.
      if (++runs === 1)
        await inContainer(engine, place, async (scene) => {
          await upsertItem(scene, ["a"], { id: "x", pk: "a", n: 0 }, unconditional);
          await createItem(scene, ["a"], { id: "y", pk: "a", n: 1, mail: "y" });
        });
      const y = await ask(session, "read", named("y")).then(
        ({ resource }) => (resource as unknown as { n: number }).n,
        () => 0,
      );
      if (x.n + y !== 1) throw new Error(`the sum is ${x.n + y}`);
      return x.n + y;
    });
    expect([runs, sum]).toEqual([2, 1]);
  });

  it("is 449 when the others are faster each time, and leaves nothing", async () => {
    await write({ id: "n", pk: "a", n: 0 });
    let n = 0;
    const losing = transaction(async (session) => {
      await ask(session, "read", named("n"));
      await write({ id: "n", pk: "a", n: ++n });
      await ask(session, "create", { body: { id: "made", pk: "a", mail: "made" } });
    });
    await expect(losing).rejects.toMatchObject({ status: 449, code: "RetryWith" });
    expect(n).toBe(10);
    expect(await read("made")).toBeUndefined();
  });

  it("meets unique keys of items written meanwhile", async () => {
    let runs = 0;
    const taken = transaction(async (session) => {
      runs++;
      await ask(session, "create", { body: { id: "mine", pk: "a", mail: "m" } });
      if (runs === 1) await write({ id: "theirs", pk: "a", mail: "m" });
    });
    await expect(taken).rejects.toMatchObject({ status: 409 });
    expect(runs).toBe(2);
  });

  it("waits for another script of its partition, and not for one of another", async () => {
    const order: string[] = [];
    const hold = Promise.withResolvers<void>();
    const first = transaction(async () => {
      await hold.promise;
      order.push("first");
    });
    const second = transaction(async () => {
      order.push("second");
      return Promise.resolve();
    });
    hold.resolve();
    await Promise.all([first, second]);
    expect(order).toEqual(["first", "second"]);
    expect(lines.size).toBe(0);
  });
});

describe("what a script sees", () => {
  it("is its own writes, in reads and in queries, before anybody else does", async () => {
    await transaction(async (session) => {
      await ask(session, "create", { body: { id: "1", pk: "a", mail: "1" } });
      await ask(session, "create", { body: { id: "2", pk: "a", mail: "2" } });
      expect(await count(session)).toBe(2);
      await ask(session, "delete", named("1"));
      expect(await count(session)).toBe(1);
      // The key is free again, within the transaction.
      await ask(session, "create", { body: { id: "3", pk: "a", mail: "1" } });
      expect(await read("3")).toBeUndefined();
    });
    expect([await read("1"), (await read("3"))?.["mail"]]).toEqual([undefined, "1"]);
  });

  it("is one moment: looking twice finds the same", async () => {
    let runs = 0;
    await transaction(async (session) => {
      const before = await count(session);
      if (++runs === 1) await write({ id: "new", pk: "a" });
      expect(await count(session)).toBe(before);
    });
    expect(runs).toBe(2);
  });

  it("cannot be asked for what the server-side API does not have", async () => {
    for (const operation of ["constructor", "__proto__", "toString", "drop"])
      await expect(transaction((session) => session.perform(operation, "{}"))).rejects.toThrow("unknown operation");
  });
});
