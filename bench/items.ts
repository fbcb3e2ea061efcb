/** Containers of many items for the works about queries: made through the product, filled through its store while it is down. */
import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import type * as itemsModule from "../src/services/cosmos/engine/partition-key.ts";
import type * as recordsModule from "../src/services/cosmos/engine/records.ts";
import type * as sqliteModule from "../src/store/sqlite/store.ts";
import { type Answer, ask, connect, startDetached, type TenantClient } from "./product.ts";
import type { Bench } from "./work.ts";

export const account = "lanyardbench";
export const host = `${account}.documents.azure.com`;
const arm = "https://management.azure.com";
const contributor = "00000000-0000-0000-0000-000000000002";

/** A document of 1 KB as the store keeps it. */
export const documentOf = (id: number) => ({
  id: `item-${id}`,
  pk: `item-${id}`,
  price: (id * 7919) % 10_000,
  active: id % 2 === 0,
  address: { city: `c${id % 50}`, street: `street ${id % 977}` },
  tags: ["outdoor", "leather", "autumn"],
  list: [id % 7, id % 11, id % 13],
  text: `${id} `.padEnd(620, "lorem ipsum dolor "),
  _rid: "AAAAAIAAAAABAAAAAAAAAA==",
  _self: "dbs/AAAAAA==/colls/AAAAAIAAAAA=/docs/AAAAAIAAAAABAAAAAAAAAA==/",
  _etag: '"00000000-0000-0000-0000-000000000000"',
  _attachments: "attachments/",
  _ts: 1_700_000_000,
});

export const load = <T>(bench: Bench, path: string): Promise<T> =>
  import(pathToFileURL(join(bench.product, "dist", path)).href) as Promise<T>;

/** An account with containers, whose items the developer may read and write by a native role. */
export const createContainers = async (client: TenantClient, names: readonly string[]): Promise<void> => {
  const token = await client.token(`${arm}/.default`);
  const { oid } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { oid: string };
  const group = `/subscriptions/${client.subscriptionId}/resourceGroups/bench`;
  const id = `${group}/providers/Microsoft.DocumentDB/databaseAccounts/${account}`;
  const put = (path: string, json: unknown): Promise<unknown> =>
    client.call("PUT", `${arm}${path}?api-version=2024-11-15`, { token, json });
  await put(group, { location: "westeurope" });
  await put(id, { location: "westeurope", properties: { databaseAccountOfferType: "Standard" } });
  for (let tries = 0; ; tries += 1) {
    const { body } = await client.call("GET", `${arm}${id}?api-version=2024-11-15`, { token });
    const { properties } = JSON.parse(body) as { properties: { provisioningState: string } };
    if (properties.provisioningState === "Succeeded") break;
    if (tries > 100) throw new Error("The Cosmos DB account is not provisioned after 10 s.");
    await delay(100);
  }
  await put(`${id}/sqlDatabases/bench`, { properties: { resource: { id: "bench" } } });
  for (const name of names)
    await put(`${id}/sqlDatabases/bench/containers/${name}`, {
      properties: { resource: { id: name, partitionKey: { paths: ["/pk"], kind: "Hash" } } },
    });
  await put(`${id}/sqlRoleAssignments/${randomUUID()}`, {
    properties: { roleDefinitionId: `${id}/sqlRoleDefinitions/${contributor}`, principalId: oid, scope: id },
  });
};

export interface ItemsClient {
  readonly client: TenantClient;
  /** A page; `token` is its continuation. */
  query(container: string, text: string, options?: QueryOptions): Promise<{ count: number; token: string | undefined }>;
  read(container: string, id: string): Promise<Answer>;
  feed(container: string): Promise<Answer>;
}

interface QueryOptions {
  readonly key?: string;
  readonly token?: string | undefined;
  readonly limit?: number;
}

export const connectItems = async (bench: Bench, state: string): Promise<ItemsClient> => {
  const client = await connect(bench, state);
  const bearer = await client.token(`https://${host}/.default`);
  const send = (method: string, path: string, headers: Record<string, string>, json?: unknown): Promise<Answer> =>
    ask({ port: client.tlsPort, ca: client.ca }, method, `https://${host}/dbs/bench/colls/${path}`, {
      headers: { authorization: `type=aad&ver=1.0&sig=${bearer}`, "x-ms-version": "2020-07-15", ...headers },
      ...(json === undefined ? {} : { json }),
    });
  return {
    client,
    query: async (container, text, { key, token, limit = 100 } = {}) => {
      const { headers } = await send(
        "POST",
        `${container}/docs`,
        {
          "x-ms-documentdb-isquery": "true",
          "x-ms-documentdb-query-enablecrosspartition": "true",
          "x-ms-max-item-count": String(limit),
          ...(key === undefined ? {} : { "x-ms-documentdb-partitionkey": JSON.stringify([key]) }),
          ...(token === undefined ? {} : { "x-ms-continuation": token }),
        },
        { query: text, parameters: [] },
      );
      const next = headers["x-ms-continuation"];
      return { count: Number(headers["x-ms-item-count"]), token: typeof next === "string" ? next : undefined };
    },
    read: (container, id) =>
      send("GET", `${container}/docs/${id}`, { "x-ms-documentdb-partitionkey": JSON.stringify([id]) }),
    feed: (container) => send("GET", `${container}/docs`, { "x-ms-max-item-count": "100" }),
  };
};

/** Writes items into containers of a tenant that is down. @returns bytes of JSON */
const fill = async (bench: Bench, state: string, containers: Readonly<Record<string, number>>): Promise<void> => {
  const { openSqliteStore } = await load<typeof sqliteModule>(bench, "store/sqlite/store.js");
  const records = await load<typeof recordsModule>(bench, "services/cosmos/engine/records.js");
  const { itemKey } = await load<typeof itemsModule>(bench, "services/cosmos/engine/partition-key.js");
  const database = await load<typeof import("node:sqlite")>(bench, "store/sqlite/store.js").then(
    () => import("node:sqlite"),
  );
  const folder = join(state, "store");
  const reading = new database.DatabaseSync(join(folder, "store.db"), { readOnly: true });
  const rows = reading
    .prepare("select partition, value from rows where collection = ?")
    .all(records.containerSpec.name) as unknown as { partition: string; value: string }[];
  reading.close();
  // Sealed members are none of ours here: any key will do.
  const store = openSqliteStore({ directory: folder, key: randomBytes(32) });
  for (const { partition, value } of rows) {
    const container = JSON.parse(value) as recordsModule.ContainerRecord;
    const count = containers[container.id] ?? 0;
    const items = `${partition}/${container.rid}`;
    for (let from = 0; from < count; from += 2000) {
      await store.transact([items], async (tx) => {
        for (let id = from; id < Math.min(count, from + 2000); id += 1) {
          const doc = documentOf(id);
          const key = itemKey([doc.pk], doc.id, container.partitionKey);
          await tx
            .collection(records.itemSpec)
            .put(items, key, { doc, order: 1000 + id, size: JSON.stringify(doc).length });
        }
      });
      if (from % 100_000 === 0) bench.say(`${container.id}: ${from} of ${count} items`);
    }
  }
  await store.close();
};

/** A state folder with containers of so many items each. */
export const stateWith = async (
  bench: Bench,
  name: string,
  containers: Readonly<Record<string, number>>,
): Promise<string> => {
  const state = join(bench.scratch, name);
  const tenant = await startDetached(bench, state);
  const client = await connect(bench, state);
  await createContainers(client, Object.keys(containers));
  await tenant.stop();
  await fill(bench, state, containers);
  return state;
};
