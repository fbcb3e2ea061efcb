/**
 * What a client of Cosmos DB for NoSQL must see of the tenant: one list for every language. Each program in `programs`
 * implements it by the names that stand here and prints what it saw.
 */
import { queries } from "./queries.ts";

export const sdks = ["JavaScript", "Python", "Python, async", "Go", "Java"] as const;
export type Sdk = (typeof sdks)[number];

export interface Behaviour {
  readonly name: string;
  /** What the program must print: compared with `toEqual`. */
  readonly seen: unknown;
  /** Lists of which the order says nothing. */
  readonly anyOrder?: true;
  /** SDKs without a call for it, and why. Their programs leave it out. */
  readonly none?: Readonly<Partial<Record<Sdk, string>>>;
  /** SDKs that see something else, and why. */
  readonly differs?: Readonly<Partial<Record<Sdk, { readonly seen: unknown; readonly note: string }>>>;
  /** A request that the tenant must have had from the program: host, path, and the status of the answer. */
  readonly request?: string;
}

export interface Group {
  readonly title: string;
  readonly behaviours: readonly Behaviour[];
}

const both = (why: string): Readonly<Partial<Record<Sdk, string>>> => ({ Python: why, "Python, async": why });

const access: readonly Behaviour[] = [
  {
    name: "reads in the preferred region",
    seen: 200,
    request: "acme-westus.documents.azure.com/dbs/appdb/colls/items/docs/regional 200",
  },
  {
    name: "createIfNotExists finds what exists",
    seen: ["appdb", "items"],
    none: { Go: "no createIfNotExists" },
  },
  {
    name: "createIfNotExists with a data role is refused what is missing",
    seen: [
      [403, 5300],
      [403, 5300],
    ],
    none: { Go: "no createIfNotExists" },
  },
  {
    name: "a token creates no database and no container",
    seen: [
      [403, 5300],
      [403, 5300],
    ],
  },
  {
    name: "a role without the action is refused, action and resource named",
    seen: { refused: [403, 5301], named: true },
  },
  { name: "a role at another scope is refused", seen: [403, 5301] },
  { name: "an account key opens everything", seen: [201, 201, 204] },
  { name: "a read-only key reads and does not write", seen: [true, 403] },
  { name: "a wrong key is refused", seen: 401 },
  { name: "keys end with disableLocalAuth", seen: [401, 5202] },
];

const resources: readonly Behaviour[] = [
  {
    name: "reads a database and a container",
    seen: { database: "appdb", container: "items", paths: ["/pk"], kind: "Hash", version: 2, mode: "consistent" },
  },
  {
    name: "lists databases and containers",
    seen: { databases: ["appdb", "closed", "guarded"], containers: ["items"] },
  },
  { name: "finds databases and containers with SQL", seen: [["appdb"], ["items"]] },
  { name: "creates, replaces and deletes a container", seen: [201, 3600, 204] },
  {
    name: "creates a container with policies",
    seen: {
      excluded: ["/secret/*"],
      composite: ["/a", "/b"],
      unique: ["/email"],
      expires: -1,
      resolved: "/when",
      vectors: ["/v"],
      texts: ["/text"],
    },
  },
  { name: "a container that was made anew under its name", seen: [201, 404, 201] },
  { name: "reads and replaces the throughput of a database", seen: [400, 600] },
  { name: "reads and replaces throughput", seen: [400, 500] },
  { name: "creates with autoscale throughput", seen: 1000 },
  { name: "a token reads no throughput", seen: [403, 5300] },
  { name: "reads feed ranges and what is in one", seen: [1, 9] },
];

const items: readonly Behaviour[] = [
  { name: "creates, reads, replaces, deletes", seen: [201, "one", 200, "two", 204, 404] },
  { name: "upserts", seen: [201, 200] },
  { name: "system properties", seen: ["_attachments", "_etag", "_rid", "_self", "_ts"] },
  { name: "an item that is not there", seen: [404, 0] },
  { name: "an item that is there already", seen: [409, 0] },
  { name: "If-Match: stale replace, stale delete, current replace", seen: [412, 412, 200] },
  {
    name: "If-None-Match of what has not changed",
    seen: 304,
    none: { Go: "no such condition for items" },
  },
  {
    name: "patch: add, set, replace, remove, increment",
    seen: { added: [1, 2, 3], set: "s", replaced: "r", count: 8 },
  },
  { name: "patch: move", seen: { to: "moved" }, none: { Go: "no move among its patch operations" } },
  { name: "patch with a condition: false, true", seen: [412, 200] },
  { name: "patch of a path without a parent", seen: 400 },
  {
    name: "a partition key that is not the item's",
    seen: [400, 1001],
    none: both("the key is always taken from the item"),
  },
  { name: "keys that are numbers, booleans, null", seen: [7, true, null] },
  {
    name: "an item without a key",
    seen: "keyless",
    none: { Go: "an empty key is not sent" },
  },
  { name: "ids and keys outside ASCII", seen: ["Grüße, 豆腐 (1+1=2)", "ключ", 204] },
  {
    name: "a key with an emoji",
    seen: "🗝",
    differs: { Go: { seen: 400, note: "the client writes it as `\\U0001f5dd`, which is no JSON" } },
  },
  {
    name: "an id with a question mark",
    seen: 200,
    none: both("the client takes no ? in ids"),
    differs: {
      JavaScript: { seen: 404, note: "the client does not escape it in addresses, so it begins a query string" },
    },
  },
  { name: "reads many at once", seen: ["1", "2", "9"], anyOrder: true, none: { JavaScript: "no readMany" } },
  { name: "an item of more than 2 MB", seen: 413 },
  { name: "time to live", seen: ["there", 404] },
  { name: "unique keys: another partition, the same partition", seen: [201, 409] },
  { name: "deletes by partition key", seen: [2, 0], none: { Go: "no such call" } },
  {
    name: "writes without the item in the answer",
    seen: [201, null],
    none: { JavaScript: "for batches only" },
  },
  { name: "request charges", seen: true },
  {
    name: "429 when throughput is used up: waits as it is told to, and gets through",
    seen: 6,
    request: "acme-eastus.documents.azure.com/dbs/appdb/colls/metered/docs 429",
  },
  { name: "session tokens: from a write, in a read by another client", seen: [true, 200] },
];

const batches: readonly Behaviour[] = [
  { name: "batch: create, upsert, replace, patch, read, delete", seen: [201, 201, 200, 200, 200, 204] },
  { name: "batch that fails: statuses, and what is left", seen: [[424, 409, 424], 404] },
  { name: "batch: a stale If-Match", seen: [[424, 412], 404] },
  { name: "batch of a hundred, and its items in pages of forty", seen: [100, 3, 100] },
  {
    name: "bulk over partitions: each on its own",
    seen: [201, 201, 409, 200, 204, 404],
    none: { ...both("no bulk calls"), Go: "no bulk calls" },
  },
];

/** What Azure's gateway leaves to clients, and Go's client does not do. */
const unmerged = {
  Go: { seen: [400, 1004], note: "as on Azure: its gateway does not merge partitions, nor does this client" },
};

const asked: readonly Behaviour[] = Object.entries(queries).map(([name, { text, pk, rows }]) => ({
  name: `query: ${name}`,
  seen: rows,
  ...(text.includes("ORDER BY") ? {} : { anyOrder: true as const }),
  ...(pk === undefined && /ORDER BY|GROUP BY|DISTINCT|TOP|OFFSET|COUNT|SUM/.test(text) ? { differs: unmerged } : {}),
}));

const querying: readonly Behaviour[] = [
  ...asked,
  { name: "pages, and a token that another client goes on with", seen: [3, 3, 9] },
  {
    name: "pages of an ORDER BY, and a token that another client goes on with",
    seen: ["1", "2", "3", "4", "5", "6"],
    differs: unmerged,
  },
  { name: "a syntax error", seen: [400, true] },
  {
    name: "a query over partitions that the client does not ask for as one",
    seen: [400, true],
    none: { JavaScript: "always asks", "Python, async": "always asks", Java: "always asks" },
  },
  {
    name: "pages of a query over the feed range of a key",
    seen: ["1", "4", "7"],
    none: { JavaScript: "queries take no feed range", Go: "queries take no feed range" },
  },
  { name: "query metrics", seen: 3 },
  { name: "index metrics", seen: true },
  { name: "hierarchical keys: one item by its whole key", seen: "42" },
  {
    name: "hierarchical keys: prefixes",
    seen: [4, 2],
    none: { Go: "a query takes the whole key or none" },
  },
  { name: "hierarchical keys: a prefix in the filter", seen: 2 },
  {
    name: "read feed",
    seen: 9,
    none: { Go: "no call beside queries" },
    differs: { Java: { seen: 3, note: "reads one partition key at a time" } },
  },
  { name: "a container that is not there", seen: 404 },
];

const changes: readonly Behaviour[] = [
  { name: "change feed: all from the beginning", seen: ["1", "2", "3"] },
  { name: "change feed: resumed by another client, latest versions alone", seen: ["2 changed", "4"] },
  {
    name: "change feed: from now on",
    seen: ["later"],
    none: { Go: "from a time alone" },
  },
  { name: "change feed: of one partition key", seen: ["1", "3"], anyOrder: true },
  { name: "change feed: from a time on", seen: ["latest"] },
  {
    name: "change feed: all versions and deletes",
    seen: [
      ["create", "one"],
      ["replace", "two"],
      ["delete", null],
    ],
    none: { Go: "latest versions alone" },
  },
  {
    name: "change feed processor: leases, latest versions",
    seen: ["1", "2", "3"],
    anyOrder: true,
    none: { ...both("no processor"), JavaScript: "no processor", Go: "no processor" },
  },
  {
    name: "change feed processor: leases, all versions and deletes",
    seen: ["create", "replace", "delete"],
    none: { ...both("no processor"), JavaScript: "no processor", Go: "no processor" },
  },
];

const noScripts = { Go: "scripts are neither made nor run by it" };
const noUsers = { Go: "no users" };

const scripts: readonly Behaviour[] = [
  {
    name: "stored procedure: made with a key, run with a token, deleted",
    seen: [201, "hello Ada", 204],
    none: noScripts,
  },
  { name: "stored procedure: one that fails leaves nothing behind", seen: [400, 404], none: noScripts },
  {
    name: "stored procedure: its log",
    seen: "seen",
    none: noScripts,
  },
  { name: "a token makes no scripts", seen: [403, 5300], none: noScripts },
  { name: "a pre-trigger changes what is created", seen: "stamped" },
  { name: "a post-trigger that fails undoes the write", seen: [400, 404] },
  { name: "a function in a query", seen: [2, 4] },
];

const users: readonly Behaviour[] = [
  { name: "a user's permission: reads, does not write, sees no other container", seen: [200, 403, 403], none: noUsers },
  { name: "a token makes no users", seen: [403, 5300], none: noUsers },
];

export const groups: readonly Group[] = [
  { title: "Access", behaviours: access },
  { title: "Resources", behaviours: resources },
  { title: "Items", behaviours: items },
  { title: "Batch and bulk", behaviours: batches },
  { title: "Queries and feeds", behaviours: querying },
  { title: "Change feed", behaviours: changes },
  { title: "Stored procedures, triggers, functions", behaviours: scripts },
  { title: "Users and permissions", behaviours: users },
];
