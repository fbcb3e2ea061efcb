/** What the programs meet: an account in two regions, an app with native roles in parts of it, an account without keys. */
import { startTenant, type TestTenant } from "../../../src/testing/start-tenant.ts";
import { documents, queries } from "./queries.ts";

/** What a program reads from its standard input. */
export interface Question {
  readonly endpoint: string;
  readonly key: string;
  readonly readOnlyKey: string;
  /** An account that takes no keys, and its key. */
  readonly sealedEndpoint: string;
  readonly sealedKey: string;
  readonly documents: readonly unknown[];
  readonly queries: readonly {
    readonly name: string;
    readonly text: string;
    readonly pk: string | null;
    readonly parameters: readonly { readonly name: string; readonly value: unknown }[];
  }[];
}

export const app = "conformance";
const version = "api-version=2024-11-15";
const hash = (...paths: string[]) => ({ paths, kind: "Hash", version: 2 });

const containers = {
  "appdb/items": { partitionKey: hash("/pk") },
  "appdb/shop": {
    partitionKey: hash("/pk"),
    indexingPolicy: {
      includedPaths: [{ path: "/*" }],
      excludedPaths: [{ path: '/"_etag"/?' }],
      compositeIndexes: [
        [
          { path: "/category", order: "ascending" },
          { path: "/price", order: "descending" },
        ],
      ],
      vectorIndexes: [{ path: "/v", type: "flat" }],
      fullTextIndexes: [{ path: "/text" }],
    },
    vectorEmbeddingPolicy: {
      vectorEmbeddings: [{ path: "/v", dataType: "float32", distanceFunction: "cosine", dimensions: 2 }],
    },
    fullTextPolicy: { defaultLanguage: "en-US", fullTextPaths: [{ path: "/text", language: "en-US" }] },
  },
  "appdb/tree": { partitionKey: { paths: ["/tenant", "/user", "/session"], kind: "MultiHash", version: 2 } },
  "appdb/short": { partitionKey: hash("/pk"), defaultTtl: -1 },
  "appdb/people": { partitionKey: hash("/pk"), uniqueKeyPolicy: { uniqueKeys: [{ paths: ["/email"] }] } },
  "appdb/feed": { partitionKey: hash("/pk") },
  "appdb/logged": { partitionKey: hash("/pk"), changeFeedPolicy: { retentionDuration: 10 } },
  "appdb/scripted": { partitionKey: hash("/pk") },
  "guarded/items": { partitionKey: hash("/pk") },
  "closed/items": { partitionKey: hash("/pk") },
};

/** Below `appdb/scripted`: not every SDK can make them. */
const scripts = {
  "triggers/stamp": {
    triggerType: "Pre",
    triggerOperation: "Create",
    body: `function () {
      const request = getContext().getRequest();
      const item = request.getBody();
      item.stamp = "stamped";
      request.setBody(item);
    }`,
  },
  "triggers/refuse": {
    triggerType: "Post",
    triggerOperation: "Create",
    body: `function () { throw new Error("not this one"); }`,
  },
  "userDefinedFunctions/double": { body: "function (n) { return n * 2; }" },
};

/** Opens a tenant as the programs expect it; the app is Data Contributor of `appdb`, Data Reader of `guarded`, and sees what there is. */
export const openWorld = async (): Promise<{ readonly tenant: TestTenant; readonly question: Question }> => {
  const tenant = await startTenant({ containerEngine: "off" });
  const must = async (method: "GET" | "PUT" | "POST" | "PATCH", path: string, body?: unknown) => {
    const answer = await tenant.arm(method, `${path}?${version}`, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/rg`;
  await must("PUT", group, { location: "eastus" });
  const account = async (name: string, regions: readonly string[]) => {
    const id = `${group}/providers/Microsoft.DocumentDB/databaseAccounts/${name}`;
    const locations = regions.map((locationName, failoverPriority) => ({ locationName, failoverPriority }));
    const properties = { databaseAccountOfferType: "Standard", locations };
    await must("PUT", id, { location: "eastus", kind: "GlobalDocumentDB", properties });
    return { id, keys: await must("POST", `${id}/listKeys`) };
  };
  const { id, keys } = await account("acme", ["eastus", "westus"]);
  const sealed = await account("sealed", ["eastus"]);
  await must("PATCH", sealed.id, { properties: { disableLocalAuth: true } });
  for (const database of ["appdb", "guarded", "closed"])
    await must("PUT", `${id}/sqlDatabases/${database}`, { properties: { resource: { id: database } } });
  for (const [name, resource] of Object.entries(containers)) {
    const [database = "", container = ""] = name.split("/");
    const properties = { resource: { id: container, ...resource }, options: { throughput: 400 } };
    await must("PUT", `${id}/sqlDatabases/${database}/containers/${container}`, { properties });
  }
  for (const [name, resource] of Object.entries(scripts)) {
    const properties = { resource: { id: name.split("/")[1], ...resource } };
    await must("PUT", `${id}/sqlDatabases/appdb/containers/scripted/${name}`, { properties });
  }
  await tenant.environment({ as: app });
  const site = `/subscriptions/${tenant.subscriptionId}/resourceGroups/lanyard/providers/Microsoft.Web/sites/${app}`;
  const { principalId } = (await must("GET", site)).identity;
  const looking = "00000000-0000-4000-8000-0000000000ff";
  await must("PUT", `${id}/sqlRoleDefinitions/${looking}`, {
    properties: {
      roleName: "Metadata alone",
      type: "CustomRole",
      assignableScopes: [id],
      permissions: [{ dataActions: ["Microsoft.DocumentDB/databaseAccounts/readMetadata"] }],
    },
  });
  for (const [index, [role, scope]] of (
    [
      ["00000000-0000-0000-0000-000000000002", "/dbs/appdb"],
      ["00000000-0000-0000-0000-000000000001", "/dbs/guarded"],
      [looking, ""],
    ] as const
  ).entries())
    await must("PUT", `${id}/sqlRoleAssignments/00000000-0000-4000-8000-00000000000${index}`, {
      properties: { roleDefinitionId: `${id}/sqlRoleDefinitions/${role}`, principalId, scope: id + scope },
    });
  return {
    tenant,
    question: {
      endpoint: "https://acme.documents.azure.com:443/",
      key: keys.primaryMasterKey,
      readOnlyKey: keys.primaryReadonlyMasterKey,
      sealedEndpoint: "https://sealed.documents.azure.com:443/",
      sealedKey: sealed.keys.primaryMasterKey,
      documents,
      queries: Object.entries(queries).map(([name, { text, pk, parameters }]) => ({
        name: `query: ${name}`,
        text,
        pk: pk ?? null,
        parameters: Object.entries(parameters ?? {}).map(([key, value]) => ({ name: key, value })),
      })),
    },
  };
};
