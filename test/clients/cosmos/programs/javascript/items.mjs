/** Items one at a time. */
import { setTimeout as delay } from "node:timers/promises";
import { container, items, put, readStatus, refusal, status, withToken } from "./common.mjs";

export const itemBehaviours = {
  "creates, reads, replaces, deletes": async () => {
    const item = items.item("crud", "p");
    const made = await items.items.create({ id: "crud", pk: "p", name: "one" });
    const read = await item.read();
    const replaced = await item.replace({ id: "crud", pk: "p", name: "two" });
    const { resource } = await item.read();
    const deleted = await item.delete();
    const gone = await item.read();
    return [
      made.statusCode,
      read.resource.name,
      replaced.statusCode,
      resource.name,
      deleted.statusCode,
      gone.statusCode,
    ];
  },
  upserts: async () => {
    const first = await items.items.upsert({ id: "upsert", pk: "p" });
    return [first.statusCode, (await items.items.upsert({ id: "upsert", pk: "p", n: 2 })).statusCode];
  },
  "system properties": async () =>
    Object.keys(await put(items, { id: "system", pk: "p" }))
      .filter((name) => name.startsWith("_"))
      .toSorted(),
  "an item that is not there": async () => {
    const { statusCode, substatus } = await items.item("nothing", "p").read();
    return [statusCode, substatus ?? 0];
  },
  "an item that is there already": async () => {
    await put(items, { id: "twice", pk: "p" });
    return refusal(() => items.items.create({ id: "twice", pk: "p" }));
  },
  "If-Match: stale replace, stale delete, current replace": async () => {
    const old = await put(items, { id: "etag", pk: "p" });
    const item = items.item("etag", "p");
    const { etag } = await item.replace({ id: "etag", pk: "p", n: 1 });
    const stale = { accessCondition: { type: "IfMatch", condition: old._etag } };
    const current = { accessCondition: { type: "IfMatch", condition: etag } };
    return [
      await status(() => item.replace({ id: "etag", pk: "p", n: 2 }, stale)),
      await status(() => item.delete(stale)),
      (await item.replace({ id: "etag", pk: "p", n: 3 }, current)).statusCode,
    ];
  },
  "If-None-Match of what has not changed": async () => {
    const { _etag: condition } = await put(items, { id: "unchanged", pk: "p" });
    const answer = await items.item("unchanged", "p").read({ accessCondition: { type: "IfNoneMatch", condition } });
    return answer.statusCode;
  },
  "patch: add, set, replace, remove, increment": async () => {
    await put(items, { id: "patch", pk: "p", added: [1, 3], replaced: "x", removed: 1, count: 5 });
    const { resource } = await items.item("patch", "p").patch([
      { op: "add", path: "/added/1", value: 2 },
      { op: "set", path: "/set", value: "s" },
      { op: "replace", path: "/replaced", value: "r" },
      { op: "remove", path: "/removed" },
      { op: "incr", path: "/count", value: 3 },
    ]);
    const { added, set, replaced, removed, count } = resource;
    return { added, set, replaced, removed, count };
  },
  "patch: move": async () => {
    await put(items, { id: "move", pk: "p", from: "moved" });
    const { resource } = await items.item("move", "p").patch([{ op: "move", from: "/from", path: "/to" }]);
    return { from: resource.from, to: resource.to };
  },
  "patch with a condition: false, true": async () => {
    await put(items, { id: "condition", pk: "p", n: 1 });
    const patch = (condition) =>
      items.item("condition", "p").patch({ condition, operations: [{ op: "incr", path: "/n", value: 1 }] });
    return [await status(() => patch("FROM c WHERE c.n > 5")), (await patch("FROM c WHERE c.n = 1")).statusCode];
  },
  "patch of a path without a parent": async () => {
    await put(items, { id: "orphan", pk: "p" });
    return status(() => items.item("orphan", "p").patch([{ op: "add", path: "/a/b/c", value: 1 }]));
  },
  "a partition key that is not the item's": async () => {
    await put(items, { id: "astray", pk: "p" });
    return refusal(() => items.item("astray", "p").replace({ id: "astray", pk: "q" }));
  },
  "keys that are numbers, booleans, null": async () => {
    const found = [];
    for (const pk of [7, true, null]) {
      await put(items, { id: "typed", pk });
      found.push((await items.item("typed", pk).read()).resource.pk);
    }
    return found;
  },
  "an item without a key": async () => {
    await put(items, { id: "keyless", name: "keyless" });
    return (await items.item("keyless", undefined).read()).resource.name;
  },
  "ids and keys outside ASCII": async () => {
    const id = "Grüße, 豆腐 (1+1=2)";
    await put(items, { id, pk: "ключ" });
    const item = items.item(id, "ключ");
    const { resource } = await item.read();
    return [resource.id, resource.pk, (await item.delete()).statusCode];
  },
  "a key with an emoji": async () => {
    await put(items, { id: "emoji", pk: "🗝" });
    return (await items.item("emoji", "🗝").read()).resource.pk;
  },
  "an id with a question mark": async () => {
    await put(items, { id: "why?", pk: "p" });
    return readStatus(items, "why?", "p");
  },
  "an item of more than 2 MB": () =>
    status(() => items.items.create({ id: "big", pk: "p", text: "x".repeat(2_200_000) })),
  "time to live": async () => {
    const short = container("short");
    await put(short, { id: "brief", pk: "p", ttl: 2, name: "there" });
    const { resource } = await short.item("brief", "p").read();
    await delay(3200);
    return [resource.name, await readStatus(short, "brief", "p")];
  },
  "unique keys: another partition, the same partition": async () => {
    const people = container("people");
    await put(people, { id: "1", pk: "a", email: "ada@example.com" });
    const other = await people.items.create({ id: "1", pk: "b", email: "ada@example.com" });
    return [other.statusCode, await status(() => put(people, { id: "2", pk: "a", email: "ada@example.com" }))];
  },
  "deletes by partition key": async () => {
    for (const id of ["1", "2"]) await put(items, { id, pk: "doomed" });
    const left = async () =>
      (await items.items.query("SELECT VALUE c.id FROM c", { partitionKey: "doomed" }).fetchAll()).resources.length;
    const before = await left();
    await items.deleteAllItemsForPartitionKey("doomed");
    return [before, await left()];
  },
  "request charges": async () => {
    const { requestCharge } = await items.items.upsert({ id: "charge", pk: "p" });
    return requestCharge > 1;
  },
  "429 when throughput is used up: waits as it is told to, and gets through": async () => {
    const metered = container("metered");
    for (let n = 0; n < 6; n += 1) await put(metered, { id: String(n), pk: "p", text: "x".repeat(400_000) });
    return (await metered.items.query("SELECT VALUE c.id FROM c").fetchAll()).resources.length;
  },
  "session tokens: from a write, in a read by another client": async () => {
    const { headers } = await items.items.upsert({ id: "session", pk: "p" });
    const sessionToken = headers["x-ms-session-token"];
    const other = container("items", withToken());
    const { statusCode } = await other.item("session", "p").read({ sessionToken, consistencyLevel: "Session" });
    return [/^0:-?\d+#\d+/.test(sessionToken), statusCode];
  },
};
