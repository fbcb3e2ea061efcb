/** What @azure/cosmos sees, one JSON line per behaviour of ../behaviours.ts. Reads the question from standard input. */
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { ChangeFeedStartFrom, CosmosClient } from "@azure/cosmos";
import { DefaultAzureCredential } from "@azure/identity";

const question = JSON.parse(await text(process.stdin));
const { endpoint } = question;
const aadCredentials = new DefaultAzureCredential();
const withToken = (connectionPolicy = {}) => new CosmosClient({ endpoint, aadCredentials, connectionPolicy });
const withKey = (key = question.key, at = endpoint) => new CosmosClient({ endpoint: at, key });

const client = withToken();
const keyed = withKey();
const appdb = client.database("appdb");
const container = (name, of = client) => of.database("appdb").container(name);
const items = container("items");
const shop = container("shop");

/** Status and sub-status of what is thrown. */
const refusal = async (work) => {
  try {
    await work();
    return "not refused";
  } catch (error) {
    if (typeof error.code !== "number") throw error;
    return [error.code, error.substatus ?? 0];
  }
};
const status = async (work) => {
  const found = await refusal(work);
  return Array.isArray(found) ? found[0] : found;
};
const put = async (where, item) => (await where.items.create(item)).resource;
const readStatus = async (where, id, pk) => (await where.item(id, pk).read()).statusCode;
const named = (list) => list.map(({ id }) => id).toSorted();

const behaviours = {
  // Access
  "reads in the preferred region": async () => {
    await put(items, { id: "regional", pk: "regional" });
    const western = withToken({ preferredLocations: ["West US"] });
    return readStatus(container("items", western), "regional", "regional");
  },
  "createIfNotExists finds what exists": async () => {
    const { database } = await client.databases.createIfNotExists({ id: "appdb" });
    const made = await database.containers.createIfNotExists({ id: "items", partitionKey: { paths: ["/pk"] } });
    return [database.id, made.container.id];
  },
  "createIfNotExists with a data role is refused what is missing": async () => [
    await refusal(() => client.databases.createIfNotExists({ id: "missing" })),
    await refusal(() => appdb.containers.createIfNotExists({ id: "missing", partitionKey: { paths: ["/pk"] } })),
  ],
  "a token creates no database and no container": async () => [
    await refusal(() => client.databases.create({ id: "new" })),
    await refusal(() => appdb.containers.create({ id: "new", partitionKey: { paths: ["/pk"] } })),
  ],
  "a role without the action is refused, action and resource named": async () => {
    const guarded = client.database("guarded").container("items");
    let message = "";
    const refused = await refusal(async () => {
      try {
        await guarded.items.upsert({ id: "1", pk: "1" });
      } catch (error) {
        ({ message } = error);
        throw error;
      }
    });
    const action = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/upsert";
    return { refused, named: message.includes(`[${action}] on resource [dbs/guarded/colls/items]`) };
  },
  "a role at another scope is refused": () =>
    refusal(() => client.database("closed").container("items").item("1", "1").read()),
  "an account key opens everything": async () => {
    const made = await keyed.databases.create({ id: "by-key" });
    const inside = await made.database.containers.create({ id: "c", partitionKey: { paths: ["/pk"] } });
    return [made.statusCode, inside.statusCode, (await made.database.delete()).statusCode];
  },
  "a read-only key reads and does not write": async () => {
    const reading = withKey(question.readOnlyKey);
    const { resource } = await reading.database("appdb").read();
    return [
      resource.id === "appdb",
      await status(() => container("items", reading).items.upsert({ id: "x", pk: "x" })),
    ];
  },
  "a wrong key is refused": () =>
    status(() => withKey(Buffer.alloc(64, 7).toString("base64")).database("appdb").read()),
  "keys end with disableLocalAuth": () =>
    refusal(() => withKey(question.sealedKey, question.sealedEndpoint).databases.readAll().fetchAll()),

  // Resources
  "reads a database and a container": async () => {
    const database = await appdb.read();
    const { resource } = await items.read();
    const { paths, kind, version } = resource.partitionKey;
    const mode = resource.indexingPolicy.indexingMode;
    return { database: database.resource.id, container: resource.id, paths, kind, version, mode };
  },
  "lists databases and containers": async () => ({
    databases: named((await keyed.databases.readAll().fetchAll()).resources),
    containers: named((await keyed.database("guarded").containers.readAll().fetchAll()).resources),
  }),
  "creates, replaces and deletes a container": async () => {
    const partitionKey = { paths: ["/pk"], kind: "Hash", version: 2 };
    const made = await keyed.database("appdb").containers.create({ id: "brief", partitionKey });
    const changed = await made.container.replace({ id: "brief", partitionKey, defaultTtl: 3600 });
    return [made.statusCode, changed.resource.defaultTtl, (await made.container.delete()).statusCode];
  },
  "reads and replaces throughput": async () => {
    const { resource, offer } = await container("feed", keyed).readOffer();
    const before = resource.content.offerThroughput;
    const changed = await offer.replace({ ...resource, content: { ...resource.content, offerThroughput: 500 } });
    return [before, changed.resource.content.offerThroughput];
  },
  "creates with autoscale throughput": async () => {
    const partitionKey = { paths: ["/pk"] };
    const { containers } = keyed.database("appdb");
    const made = await containers.create({ id: "scaled", partitionKey, maxThroughput: 1000 });
    const { resource } = await made.container.readOffer();
    await made.container.delete();
    return resource.content.offerAutopilotSettings.maxThroughput;
  },
  "a token reads no throughput": () => refusal(() => items.readOffer()),

  // Items
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
    await put(short, { id: "brief", pk: "p", ttl: 1, name: "there" });
    const { resource } = await short.item("brief", "p").read();
    await delay(2200);
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
  "session tokens: from a write, in a read by another client": async () => {
    const { headers } = await items.items.upsert({ id: "session", pk: "p" });
    const sessionToken = headers["x-ms-session-token"];
    const other = container("items", withToken());
    const { statusCode } = await other.item("session", "p").read({ sessionToken, consistencyLevel: "Session" });
    return [/^0:-?\d+#\d+/.test(sessionToken), statusCode];
  },

  // Batch and bulk
  "batch: create, upsert, replace, patch, read, delete": async () => {
    for (const id of ["replace", "patch", "delete"]) await put(items, { id, pk: "batch" });
    const { result } = await items.items.batch(
      [
        { operationType: "Create", resourceBody: { id: "create", pk: "batch" } },
        { operationType: "Upsert", resourceBody: { id: "upsert", pk: "batch" } },
        { operationType: "Replace", id: "replace", resourceBody: { id: "replace", pk: "batch", n: 1 } },
        {
          operationType: "Patch",
          id: "patch",
          resourceBody: { operations: [{ op: "set", path: "/n", value: 1 }] },
        },
        { operationType: "Read", id: "create" },
        { operationType: "Delete", id: "delete" },
      ],
      "batch",
    );
    return result.map(({ statusCode }) => statusCode);
  },
  "batch that fails: statuses, and what is left": async () => {
    await put(items, { id: "taken", pk: "rollback" });
    const create = (id) => ({ operationType: "Create", resourceBody: { id, pk: "rollback" } });
    const { result } = await items.items.batch([create("first"), create("taken"), create("last")], "rollback");
    return [result.map(({ statusCode }) => statusCode), await readStatus(items, "first", "rollback")];
  },
  "batch: a stale If-Match": async () => {
    await put(items, { id: "guarded", pk: "stale" });
    const resourceBody = { id: "guarded", pk: "stale", n: 1 };
    const { result } = await items.items.batch(
      [
        { operationType: "Create", resourceBody: { id: "first", pk: "stale" } },
        { operationType: "Replace", id: "guarded", ifMatch: '"00000000-0000-0000-0000-000000000000"', resourceBody },
      ],
      "stale",
    );
    return [result.map(({ statusCode }) => statusCode), await readStatus(items, "first", "stale")];
  },
  "bulk over partitions: each on its own": async () => {
    await put(items, { id: "taken", pk: "bulk-b" });
    const create = (id, pk) => ({ operationType: "Create", partitionKey: pk, resourceBody: { id, pk } });
    const results = await items.items.executeBulkOperations([
      create("1", "bulk-a"),
      create("2", "bulk-b"),
      create("taken", "bulk-b"),
      { operationType: "Upsert", partitionKey: "bulk-b", resourceBody: { id: "taken", pk: "bulk-b", n: 1 } },
      { operationType: "Delete", partitionKey: "bulk-b", id: "taken" },
      { operationType: "Read", partitionKey: "bulk-c", id: "none" },
    ]);
    return results.map(({ response, error }) => response?.statusCode ?? error?.code);
  },

  // Queries and feeds
  "reads feed ranges and what is in one": async () => {
    const ranges = await shop.getFeedRanges();
    const iterator = shop.items.getChangeFeedIterator({
      changeFeedStartFrom: ChangeFeedStartFrom.Beginning(ranges[0]),
    });
    return [ranges.length, (await drain(iterator)).found.length];
  },
  ...Object.fromEntries(
    question.queries.map(({ name, text: query, parameters, pk }) => [
      name,
      async () => {
        const options = pk === null ? {} : { partitionKey: pk };
        return (await shop.items.query({ query, parameters }, options).fetchAll()).resources;
      },
    ]),
  ),
  "pages, and a token that another client goes on with": async () => {
    const pageOf = (of, options) =>
      container("shop", of).items.query("SELECT VALUE c.id FROM c", { maxItemCount: 3, ...options });
    const first = await pageOf(client).fetchNext();
    const rest = pageOf(withToken(), { continuationToken: first.continuationToken });
    const second = await rest.fetchNext();
    const { resources } = await rest.fetchNext();
    const all = new Set([...first.resources, ...second.resources, ...resources]);
    return [first.resources.length, second.resources.length, all.size];
  },
  "pages of an ORDER BY, and a token that another client goes on with": async () => {
    const pageOf = (of, options) =>
      container("shop", of).items.query("SELECT VALUE c.id FROM c ORDER BY c.id", { maxItemCount: 3, ...options });
    const first = await pageOf(client).fetchNext();
    const second = await pageOf(withToken(), { continuationToken: first.continuationToken }).fetchNext();
    return [...first.resources, ...second.resources];
  },
  "a syntax error": async () => {
    try {
      await shop.items.query("SELEC * FROM c").fetchAll();
      return "not refused";
    } catch (error) {
      return [error.code, error.message.includes("SC1001")];
    }
  },
  "query metrics": async () => {
    const options = { populateQueryMetrics: true, partitionKey: "a" };
    const { headers } = await shop.items.query("SELECT * FROM c", options).fetchNext();
    return headers["x-ms-documentdb-query-metrics"]["0"].retrievedDocumentCount;
  },
  "index metrics": async () => {
    const query = "SELECT * FROM c WHERE c.stock > 3";
    const { indexMetrics } = await shop.items.query(query, { populateIndexMetrics: true }).fetchNext();
    return indexMetrics.includes("/stock/?");
  },
  "hierarchical keys: one item by its whole key": async () => {
    const tree = container("tree");
    for (const [id, ...key] of [
      ["41", "acme", "ada", "s1"],
      ["42", "acme", "ada", "s2"],
      ["43", "acme", "bob", "s1"],
      ["44", "acme", "eve", "s1"],
      ["45", "other", "ada", "s1"],
    ]) {
      const [tenant, user, session] = key;
      await put(tree, { id, tenant, user, session });
    }
    return (await tree.item("42", ["acme", "ada", "s2"]).read()).resource.id;
  },
  "hierarchical keys: prefixes": async () => {
    const below = async (...partitionKey) =>
      (await container("tree").items.query("SELECT * FROM c", { partitionKey }).fetchAll()).resources.length;
    return [await below("acme"), await below("acme", "ada")];
  },
  "hierarchical keys: a prefix in the filter": async () => {
    const query = "SELECT * FROM c WHERE c.tenant = 'acme' AND c.user = 'ada'";
    return (await container("tree").items.query(query).fetchAll()).resources.length;
  },
  "read feed": async () => (await shop.items.readAll().fetchAll()).resources.length,
  "a container that is not there": () => status(() => container("nowhere").items.query("SELECT * FROM c").fetchAll()),

  // Change feed
  "change feed: all from the beginning": async () => {
    for (const [id, pk] of [
      ["1", "a"],
      ["2", "b"],
      ["3", "a"],
    ])
      await put(container("feed"), { id, pk, name: id });
    const { found, token } = await changes(client, ChangeFeedStartFrom.Beginning());
    feedToken = token;
    return found;
  },
  "change feed: resumed by another client, latest versions alone": async () => {
    const feed = container("feed");
    await feed.item("2", "b").replace({ id: "2", pk: "b", name: "2 in between" });
    await feed.item("2", "b").replace({ id: "2", pk: "b", name: "2 changed" });
    await put(feed, { id: "4", pk: "b", name: "4" });
    await put(feed, { id: "5", pk: "c", name: "5" });
    await feed.item("5", "c").delete();
    return (await changes(withToken(), ChangeFeedStartFrom.Continuation(feedToken))).found;
  },
  "change feed: from now on": async () => {
    const { found, token } = await changes(client, ChangeFeedStartFrom.Now());
    await put(container("feed"), { id: "6", pk: "c", name: "later" });
    return [...found, ...(await changes(client, ChangeFeedStartFrom.Continuation(token))).found];
  },
  "change feed: of one partition key": async () => (await changes(client, ChangeFeedStartFrom.Beginning("a"))).found,
  "change feed: from a time on": async () => {
    await delay(1100);
    const now = new Date();
    await put(container("feed"), { id: "7", pk: "c", name: "latest" });
    return (await changes(client, ChangeFeedStartFrom.Time(now))).found;
  },
};

let feedToken;
const changes = (of, changeFeedStartFrom) =>
  drain(container("feed", of).items.getChangeFeedIterator({ changeFeedStartFrom }));

/** Reads a change feed up to its end. */
async function drain(iterator) {
  const found = [];
  for (;;) {
    const page = await iterator.readNext();
    if (page.statusCode === 304) return { found, token: page.continuationToken };
    found.push(...page.result.map(({ name }) => name));
  }
}

for (const item of question.documents) await shop.items.upsert(item);
for (const [name, work] of Object.entries(behaviours)) {
  const line = { name };
  try {
    line.saw = await work();
  } catch (error) {
    line.error = String(error.stack ?? error);
  }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
