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
