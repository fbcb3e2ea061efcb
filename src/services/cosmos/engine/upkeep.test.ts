import { expect, it } from "vitest";
import { randomIds } from "../../../kernel/ids.ts";
import { openMemoryStore } from "../../../store/memory.ts";
import type { CollectionSpec } from "../../../store/store.ts";
import { createContainer, createDatabase, deleteContainer, replaceContainer } from "./catalog.ts";
import { currentLsn } from "./change-feed.ts";
import { type Engine, inContainer, openEngine, type Place } from "./engine.ts";
import { expirySpec } from "./expiry.ts";
import { markSpec } from "./lsn.ts";
import { createItem, deleteItem, unconditional, upsertItem } from "./items.ts";
import { containerPartition, itemSpec, type JsonObject, uniqueSpec, versionSpec } from "./records.ts";
import { keepUp, openUpkeep } from "./upkeep.ts";
import { lostSpec, readVersions } from "./versions.ts";

const account = "a";

/** A container in a store in memory, with a clock that stands still until it is moved, in seconds. */
const world = async (definition: JsonObject) => {
  let seconds = 1_800_000_000;
  const clock = { now: () => seconds * 1000, wall: () => seconds * 1000 };
  const engine: Engine = openEngine({ store: openMemoryStore(), clock, ids: randomIds });
  const database = await createDatabase(engine, account, { id: "db" });
  const asked = { id: "c", partitionKey: { paths: ["/pk"] }, ...definition };
  const place: { account: string; container: Place["container"] } = {
    account,
    container: await createContainer(engine, account, database, asked),
  };
  const partition = containerPartition(account, place.container);
  return {
    engine,
    place,
    pass: (by: number) => void (seconds += by),
    put: (doc: JsonObject) =>
      inContainer(engine, place, (scene) => upsertItem(scene, ["k"], { pk: "k", ...doc }, unconditional)),
    create: (doc: JsonObject) => inContainer(engine, place, (scene) => createItem(scene, ["k"], { pk: "k", ...doc })),
    remove: (id: string) => inContainer(engine, place, (scene) => deleteItem(scene, ["k"], id, unconditional)),
    redefine: async (changed: JsonObject) => {
      place.container = await replaceContainer(engine, account, place.container, { ...asked, ...changed });
    },
    count: async (spec: CollectionSpec<never>) =>
      (await engine.store.collection(spec).list(partition, { limit: 10_000 })).length,
    versions: (lsn = 0) =>
      readVersions(engine, place, { lsn, extent: { key: undefined, range: undefined }, limit: 1000 }),
  };
};
const items = itemSpec as CollectionSpec<never>;
const notes = expirySpec as CollectionSpec<never>;
const uniques = uniqueSpec as CollectionSpec<never>;
const log = versionSpec as CollectionSpec<never>;

it("removes the rows of what has expired, and nothing else, however much it is", async () => {
  const { engine, place, pass, put, count } = await world({ defaultTtl: 600 });
  for (let n = 0; n < 250; n++) await put({ id: `old${n}` });
  await put({ id: "short", ttl: 30 });
  await put({ id: "kept", ttl: -1 });
  pass(500);
  await put({ id: "young" });
  await keepUp(engine, place);
  expect(await count(items)).toBe(252);
  pass(200);
  await keepUp(engine, place);
  expect([await count(items), await count(notes)]).toEqual([2, 1]);
});

it("removes at most a page in one go", async () => {
  const { engine, place, pass, put, count } = await world({ defaultTtl: 60 });
  for (let n = 0; n < 250; n++) await put({ id: `i${n}` });
  await keepUp(engine, place);
  pass(300);
  let turns = 0;
  await keepUp(engine, place, () => ++turns > 1);
  expect(await count(items)).toBe(150);
});

it("frees the unique keys of what has expired, and not those that somebody took over", async () => {
  const { engine, place, pass, put, count, create } = await world({
    defaultTtl: 60,
    uniqueKeyPolicy: { uniqueKeys: [{ paths: ["/mail"] }] },
  });
  await put({ id: "1", mail: "a" });
  await put({ id: "2", mail: "b" });
  pass(300);
  await put({ id: "3", mail: "a", ttl: -1 });
  await keepUp(engine, place);
  expect(await count(uniques)).toBe(1);
  await expect(create({ id: "4", mail: "a" })).rejects.toThrow("Unique index constraint violation.");
  await put({ id: "5", mail: "b" });
});

it("goes by the time to live that holds now, for items written under another one as well", async () => {
  const { engine, place, pass, put, count, redefine } = await world({});
  for (let n = 0; n < 120; n++) await put({ id: `i${n}` });
  await redefine({ defaultTtl: 60 });
  pass(300);
  await put({ id: "new" });
  await keepUp(engine, place);
  expect(await count(items)).toBe(1);
  await redefine({ defaultTtl: 6000 });
  pass(300);
  await keepUp(engine, place);
  expect(await count(items)).toBe(1);
  // Without a time to live nothing is noted; what is written then is found when there is one again.
  await redefine({});
  await keepUp(engine, place);
  await put({ id: "unnoted" });
  await redefine({ defaultTtl: 6000 });
  pass(7000);
  await keepUp(engine, place);
  expect([await count(items), await count(notes)]).toEqual([0, 0]);
});

it("finds what has expired after the tenant's clock was set back", async () => {
  const { engine, place, pass, put, count } = await world({ defaultTtl: 60 });
  pass(100_000);
  await put({ id: "1" });
  pass(300);
  await keepUp(engine, place);
  pass(-50_000);
  await keepUp(engine, place);
  await put({ id: "2" });
  pass(300);
  await keepUp(engine, place);
  expect(await count(items)).toBe(0);
});

it("keeps versions only where a policy wants them, and only as long", async () => {
  const plain = await world({});
  await plain.put({ id: "1" });
  expect(await plain.count(log)).toBe(0);

  const { engine, place, pass, put, remove, count, versions } = await world({
    changeFeedPolicy: { retentionDuration: 5 },
  });
  const start = (await put({ id: "1", n: 1 })).entry.sequence;
  await put({ id: "1", n: 2 });
  await remove("1");
  pass(200);
  await put({ id: "2" });
  const { documents, lsn } = await versions();
  expect(documents).toHaveLength(4);
  pass(200);
  await keepUp(engine, place);
  expect(await count(log)).toBe(1);
  await expect(versions(start)).rejects.toThrow("older than the retention period");
  expect((await versions(lsn)).documents).toEqual([]);
});

it("refuses to leave out versions that are too old, before and after they were removed", async () => {
  const { engine, place, pass, put, versions } = await world({ changeFeedPolicy: { retentionDuration: 1 } });
  await put({ id: "1" });
  pass(120);
  await expect(versions()).rejects.toThrow("older than the retention period");
  await keepUp(engine, place);
  await expect(versions()).rejects.toThrow("older than the retention period");
});

it("keeps versions as long as the account's continuous backup where the account wants them", async () => {
  const { engine, place, pass, put, count } = await world({});
  engine.backups.set(account, { retention: 1000, versions: false });
  await put({ id: "1" });
  engine.backups.set(account, { retention: 1000, versions: true });
  await put({ id: "2" });
  pass(900);
  await keepUp(engine, place);
  expect(await count(log)).toBe(1);
  pass(200);
  await keepUp(engine, place);
  expect(await count(log)).toBe(0);
});

it("forgets versions when the policy goes, and does not go on from before when it comes back", async () => {
  const changeFeedPolicy = { retentionDuration: 60 };
  const { put, count, redefine, versions } = await world({ changeFeedPolicy });
  for (let n = 0; n < 120; n++) await put({ id: "1", n });
  const { lsn } = await versions();
  await redefine({ changeFeedPolicy: null });
  expect(await count(log)).toBe(0);
  await put({ id: "1", n: "untold" });
  await redefine({ changeFeedPolicy });
  await put({ id: "2" });
  await expect(versions(lsn)).rejects.toThrow("older than the retention period");
});

it("tells that time ran out, once, whether the sweep or a new item of the same id comes first", async () => {
  const policy = { defaultTtl: 60, changeFeedPolicy: { retentionDuration: 60 } };
  for (const swept of [true, false]) {
    const { engine, place, pass, put, versions } = await world(policy);
    await put({ id: "1", n: 1 });
    pass(180);
    if (swept) await keepUp(engine, place);
    await put({ id: "1", n: 2 });
    await keepUp(engine, place);
    const told = (await versions()).documents.map(({ metadata }) => metadata as JsonObject);
    expect(told.map(({ operationType, timeToLiveExpired }) => [operationType, timeToLiveExpired])).toEqual([
      ["create", undefined],
      ["delete", true],
      ["create", undefined],
    ]);
  }
});

it("leaves nothing of a container that is deleted", async () => {
  const { engine, place, pass, put, count } = await world({
    defaultTtl: 60,
    changeFeedPolicy: { retentionDuration: 1 },
  });
  await put({ id: "1" });
  pass(600);
  await keepUp(engine, place);
  await put({ id: "2" });
  await currentLsn(engine, place);
  await deleteContainer(engine, account, place.container);
  for (const spec of [items, notes, log, lostSpec as CollectionSpec<never>, markSpec as CollectionSpec<never>])
    expect(await count(spec)).toBe(0);
});

it("goes on by itself, for accounts that are in use", async () => {
  const { engine, pass, put, count } = await world({ defaultTtl: 60 });
  await put({ id: "1" });
  pass(300);
  const errors: unknown[] = [];
  const upkeep = openUpkeep(engine, (error) => errors.push(error));
  upkeep.add(account);
  await expect.poll(() => count(items), { timeout: 20_000 }).toBe(0);
  await upkeep.close();
  expect(errors).toEqual([]);
});
