import assert from "node:assert/strict";
import { test } from "node:test";
import { createApp } from "./app.ts";
import { type Item, ItemProblem, type Items } from "./items.ts";

/** Items in memory, with etags that count. */
const fake = (): Items => {
  const kept = new Map<string, { item: Item; etag: string }>();
  let writes = 0;
  const put = (item: Item) => {
    const stored = { item, etag: `"${++writes}"` };
    kept.set(`${item.pk}/${item.id}`, stored);
    return stored;
  };
  const find = (id: string, pk: string) => {
    const found = kept.get(`${pk}/${id}`);
    if (found === undefined) throw new ItemProblem("missing", `There is no item ${id}.`);
    return found;
  };
  return {
    save: async (item) => put(item),
    read: async (id, pk) => find(id, pk),
    replace: async (item, etag) => {
      if (find(item.id, item.pk).etag !== etag) throw new ItemProblem("changed", "Somebody was faster.");
      return put(item);
    },
    list: async ({ size }) => ({ items: [...kept.values()].slice(0, size).map(({ item }) => item) }),
    dearest: async () => Promise.reject(new Error("no role")),
  };
};

test("items are saved, read and replaced by those who know the current version", async () => {
  const logged: string[] = [];
  const server = createApp(fake(), (event) => void logged.push(event)).listen(0);
  try {
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    assert.ok(typeof address === "object" && address);
    const url = `http://127.0.0.1:${address.port}/api/cosmos/items`;
    const put = (etag: string, name: string) =>
      fetch(`${url}/1`, { method: "PUT", headers: { "if-match": etag }, body: JSON.stringify({ name }) });
    const created = await fetch(url, { method: "POST", body: JSON.stringify({ id: "1", name: "one" }) });
    assert.equal(created.status, 201);
    assert.deepEqual(await created.json(), { id: "1", pk: "1", name: "one" });
    const etag = (await fetch(`${url}/1`)).headers.get("etag") ?? "";
    assert.equal((await put(etag, "uno")).status, 200);
    assert.equal((await put(etag, "late")).status, 412);
    assert.equal((await fetch(`${url}/1`, { method: "PUT", body: "{}" })).status, 428);
    assert.equal((await fetch(`${url}/2`)).status, 404);
    assert.equal((await fetch(`${url}?size=0`)).status, 400);
    assert.equal((await fetch(url, { method: "POST", body: "[]" })).status, 400);
    assert.equal((await fetch(url, { method: "POST", body: '{"id":"a/b"}' })).status, 400);
    assert.equal((await fetch(`${url}?category=x`)).status, 502);
    assert.deepEqual(logged, ["request failed"]);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
