import { expect, it } from "vitest";
import { openMemoryStore } from "../memory.ts";
import { type CollectionSpec, ConditionFailed } from "../store.ts";

const things: CollectionSpec<{ n: number; readonly list: number[] }> = { name: "things" };

it("a row that was read often is read anew once it was written or deleted, in a transaction too", async () => {
  const store = openMemoryStore();
  const all = store.collection(things);
  const read = async (): Promise<number | undefined> => (await all.get("p", "k"))?.value.n;
  const readOften = async (): Promise<(number | undefined)[]> => [await read(), await read(), await read()];
  await all.put("p", "k", { n: 1, list: [] });
  expect(await readOften()).toEqual([1, 1, 1]);
  await store.transact(["p"], async (tx) => {
    await tx.collection(things).put("p", "k", { n: 2, list: [] });
  });
  expect(await readOften()).toEqual([2, 2, 2]);
  await expect(all.put("p", "k", { n: 3, list: [] }, { ifMatch: "another" })).rejects.toThrow(ConditionFailed);
  expect(await readOften()).toEqual([2, 2, 2]);
  await all.delete("p", "k");
  expect(await readOften()).toEqual([undefined, undefined, undefined]);
  await store.close();
});

it("what several readers share cannot be changed by one of them", async () => {
  const store = openMemoryStore();
  const all = store.collection(things);
  await all.put("p", "k", { n: 1, list: [1] });
  await all.get("p", "k");
  const shared = (await all.get("p", "k"))?.value;
  expect(() => shared?.list.push(2)).toThrow(TypeError);
  expect((await all.get("p", "k"))?.value).toEqual({ n: 1, list: [1] });
  await store.close();
});

it("a row that was not there is found once it was written, and a transaction that missed it runs again", async () => {
  const store = openMemoryStore();
  const all = store.collection(things);
  expect(await all.get("p", "k")).toBeUndefined();
  await all.put("p", "k", { n: 1, list: [] }, { ifNoneMatch: "*" });
  expect((await all.get("p", "k"))?.value.n).toBe(1);
  let runs = 0;
  await store.transact(["p"], async (tx) => {
    runs += 1;
    const before = (await tx.collection(things).get("p", "l"))?.value.n ?? 0;
    if (runs === 1) await all.put("p", "l", { n: 10, list: [] });
    await tx.collection(things).put("p", "l", { n: before + 1, list: [] });
  });
  expect([runs, (await all.get("p", "l"))?.value.n]).toEqual([2, 11]);
  await store.close();
});

it("what was written is what is remembered, also beside a commit that fails and takes its group along", async () => {
  const store = openMemoryStore();
  const all = store.collection(things);
  const upload = await store.bytes.receive(Buffer.from("x"));
  await store.transact(["q"], async (tx) => tx.attach(upload));
  await all.put("p", "k", { n: 1, list: [] });
  await all.get("p", "k");
  const fails = store.transact(["p"], async (tx) => {
    await tx.collection(things).put("p", "l", { n: 1, list: [] });
    tx.attach(upload);
  });
  const [second, failed] = await Promise.allSettled([all.put("p", "k", { n: 2, list: [] }), fails]);
  expect([second.status, failed.status]).toEqual(["fulfilled", "rejected"]);
  const [change] = await store.changes(things, "p", 0);
  for (const _ of [1, 2, 3]) {
    expect(await all.get("p", "k")).toMatchObject({ value: { n: 2 }, sequence: change?.sequence });
    expect(await all.get("p", "l")).toBeUndefined();
  }
  for (const n of [3, 4, 5]) {
    await all.put("p", "k", { n, list: [] });
    expect((await all.get("p", "k"))?.value.n).toBe(n);
  }
  await store.close();
});
