/** Cosmos DB as `npm run fuzz` aims at it: documents, queries, batches and scripts, by token and by key. */
import { createHmac } from "node:crypto";
import type { TestTenant } from "../../src/testing/start-tenant.ts";
import type { Shot, Target } from "./fuzz-world.ts";

const host = "fuzzed-cosmos.documents.azure.com";
const container = "/dbs/db/colls/items";
const contributor = "00000000-0000-0000-0000-000000000002";

const queries = [
  "SELECT * FROM c WHERE c.n >= @n AND c.tags[0] = 'x' ORDER BY c.n DESC OFFSET 1 LIMIT 2",
  "SELECT VALUE {a: COUNT(1), b: SUM(c.n), c: AVG(c.n ?? 0)} FROM c GROUP BY c.pk",
  "SELECT TOP 3 c.id, (SELECT VALUE t FROM t IN c.tags WHERE t LIKE '%x_' ESCAPE '!') AS t FROM c",
  "SELECT DISTINCT VALUE udf.twice(c.n) FROM c JOIN t IN c.tags WHERE EXISTS(SELECT 1 FROM u IN c.tags) OR NOT IS_DEFINED(c.z)",
  "SELECT ARRAY(SELECT VALUE REGEXMATCH(t, '^a+$', 'i') FROM t IN c.tags) x, DateTimeAdd('yy', 1, '2020-01-02T00:00:00Z') FROM c",
  "SELECT c.n BETWEEN 1 AND 2 ? 'a' : ['b', {c: null}], ST_DISTANCE(c.at, {'type': 'Point', 'coordinates': [1, 2]}) FROM c",
];

const isQuery = {
  "content-type": "application/query+json",
  "x-ms-documentdb-isquery": "true",
  "x-ms-documentdb-query-enablecrosspartition": "true",
};

const withHeaders = (shot: Shot, more: Readonly<Record<string, string>>): Shot => ({
  ...shot,
  headers: { ...shot.headers, ...more },
});

/** An account with a database, a container, scripts and an item that stays. */
export const cosmosTarget = async (
  tenant: TestTenant,
  principalId: string,
  token: string,
): Promise<{ readonly target: Target; readonly secrets: readonly string[] }> => {
  const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/lanyard`;
  const account = `${group}/providers/Microsoft.DocumentDB/databaseAccounts/fuzzed-cosmos`;
  const must = async (method: "PUT" | "POST", path: string, body: unknown): Promise<unknown> => {
    const answer = await tenant.arm(method, `${account}${path}?api-version=2024-11-15`, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await must("PUT", "", {
    location: "eastus",
    properties: { databaseAccountOfferType: "Standard", locations: [{ locationName: "eastus", failoverPriority: 0 }] },
  });
  await must("PUT", "/sqlDatabases/db", { properties: { resource: { id: "db" } } });
  await must("PUT", "/sqlDatabases/db/containers/items", {
    properties: { resource: { id: "items", partitionKey: { paths: ["/pk"], kind: "Hash", version: 2 } } },
  });
  await must("PUT", "/sqlRoleAssignments/00000000-0000-4000-8000-000000000001", {
    properties: { roleDefinitionId: `${account}/sqlRoleDefinitions/${contributor}`, principalId, scope: account },
  });
  const { primaryMasterKey } = (await must("POST", "/listKeys", {})) as { readonly primaryMasterKey: string };

  const byToken = encodeURIComponent(`type=aad&ver=1.0&sig=${token}`);
  const shot = (
    method: string,
    path: string,
    body?: unknown,
    more: Readonly<Record<string, string>> = {},
    authorization: string = byToken,
  ): Shot => ({
    host,
    method,
    path,
    headers: {
      authorization,
      "content-type": "application/json",
      "x-ms-version": "2020-07-15",
      "x-ms-documentdb-partitionkey": '["p"]',
      ...more,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const byKey = (method: string, path: string, type: string, link: string, body: unknown): Shot => {
    const date = new Date().toUTCString();
    const text = `${method.toLowerCase()}\n${type}\n${link}\n${date.toLowerCase()}\n\n`;
    const signature = createHmac("sha256", Buffer.from(primaryMasterKey, "base64")).update(text).digest("base64");
    const authorization = encodeURIComponent(`type=master&ver=1.0&sig=${signature}`);
    return shot(method, path, body, { "x-ms-date": date }, authorization);
  };
  const link = container.slice(1);
  const script = (kind: string, id: string, source: string, more: object = {}): Shot =>
    byKey("POST", `${container}/${kind}`, kind, link, { id, body: source, ...more });
  const item = { id: "i", pk: "p", n: 1, tags: ["x", "aa"], at: { type: "Point", coordinates: [1, 2] } };
  const query = (text: string): Shot =>
    shot(
      "POST",
      `${container}/docs`,
      { query: text, parameters: [{ name: "@n", value: 0 }] },
      { ...isQuery, "x-ms-cosmos-populateindexmetrics-v2": "true" },
    );
  const batch = {
    "x-ms-cosmos-is-batch-request": "true",
    "x-ms-cosmos-batch-atomic": "true",
    "x-ms-cosmos-batch-continue-on-error": "false",
  };
  const good: readonly Shot[] = [
    shot("GET", container),
    shot("POST", `${container}/docs`, item, { "x-ms-documentdb-is-upsert": "true" }),
    shot("GET", `${container}/docs/i`),
    shot("GET", "/"),
    shot("PATCH", `${container}/docs/i`, {
      condition: "FROM c WHERE c.n < 100",
      operations: [
        { op: "incr", path: "/n", value: 1 },
        { op: "add", path: "/tags/0", value: "y" },
        { op: "move", from: "/tags/0", path: "/first" },
      ],
    }),
    shot(
      "POST",
      `${container}/docs`,
      [
        { operationType: "Upsert", resourceBody: { ...item, id: "b" } },
        { operationType: "Read", id: "b" },
        { operationType: "Patch", id: "b", resourceBody: { operations: [{ op: "set", path: "/x", value: null }] } },
        { operationType: "Delete", id: "b", ifMatch: "*" },
      ],
      batch,
    ),
    shot("GET", `${container}/docs`, undefined, { "a-im": "Incremental feed", "if-none-match": '"3"' }),
    shot("GET", `${container}/docs`, undefined, { "x-ms-max-item-count": "2" }),
    shot("GET", `${container}/pkranges`),
    shot("POST", `${container}/operations/partitionkeydelete`, undefined, { "x-ms-documentdb-partitionkey": '["q"]' }),
    script("sprocs", "s", "function (a) { getContext().getResponse().setBody({ a: a, n: __.getSelfLink() }); }"),
    script("udfs", "twice", "function (n) { return n * 2; }"),
    script("triggers", "t", "function () { getContext().getRequest().getBody(); }", {
      triggerType: "Pre",
      triggerOperation: "All",
    }),
    ...queries.map(query),
    byKey("POST", `${container}/sprocs/s`, "sprocs", `${link}/sprocs/s`, [1, { b: "c" }]),
    byKey("POST", "/dbs/db/colls", "colls", "dbs/db", { id: "other", partitionKey: { paths: ["/a/b"], kind: "Hash" } }),
    withHeaders(byKey("POST", "/offers", "offers", "", { query: "SELECT * FROM root r" }), isQuery),
  ];
  return {
    target: {
      name: "cosmos",
      good,
      words: [
        "dbs",
        "db",
        "colls",
        "items",
        "docs",
        "i",
        "sprocs",
        "s",
        "udfs",
        "triggers",
        "pkranges",
        "offers",
        "users",
      ],
      parameters: ["$resolveFor=x", "api-version=2020-07-15"],
      headers: [
        "x-ms-documentdb-partitionkey",
        "x-ms-continuation",
        "x-ms-max-item-count",
        "x-ms-session-token",
        "x-ms-consistency-level",
        "x-ms-documentdb-partitionkeyrangeid",
        "x-ms-start-epk",
        "a-im",
        "if-none-match",
        "x-ms-documentdb-pre-trigger-include",
        "x-ms-cosmos-is-batch-request",
        "x-ms-documentdb-query",
        "x-ms-indexing-directive",
      ],
    },
    secrets: [primaryMasterKey],
  };
};
