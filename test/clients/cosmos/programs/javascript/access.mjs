/** Who may do what, and databases, containers, throughput. */
import {
  appdb,
  client,
  container,
  items,
  keyed,
  named,
  put,
  question,
  readStatus,
  refusal,
  status,
  withKey,
  withToken,
} from "./common.mjs";

export const access = {
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
  "finds databases and containers with SQL": async () => {
    const databases = keyed.databases.query("SELECT * FROM root r WHERE r.id = 'appdb'");
    const query = { query: "SELECT * FROM root r WHERE r.id = @id", parameters: [{ name: "@id", value: "items" }] };
    const containers = keyed.database("guarded").containers.query(query);
    return [named((await databases.fetchAll()).resources), named((await containers.fetchAll()).resources)];
  },
  "creates a container with policies": async () => {
    const { container: made } = await keyed.database("appdb").containers.create({
      id: "policies",
      partitionKey: { paths: ["/pk"] },
      defaultTtl: -1,
      indexingPolicy: {
        indexingMode: "consistent",
        includedPaths: [{ path: "/*" }],
        excludedPaths: [{ path: "/secret/*" }],
        compositeIndexes: [
          [
            { path: "/a", order: "ascending" },
            { path: "/b", order: "descending" },
          ],
        ],
        vectorIndexes: [{ path: "/v", type: "flat" }],
        fullTextIndexes: [{ path: "/text" }],
      },
      uniqueKeyPolicy: { uniqueKeys: [{ paths: ["/email"] }] },
      conflictResolutionPolicy: { mode: "LastWriterWins", conflictResolutionPath: "/when" },
      vectorEmbeddingPolicy: {
        vectorEmbeddings: [{ path: "/v", dataType: "float32", distanceFunction: "cosine", dimensions: 3 }],
      },
      fullTextPolicy: { defaultLanguage: "en-US", fullTextPaths: [{ path: "/text", language: "en-US" }] },
    });
    const { resource } = await made.read();
    await made.delete();
    return {
      excluded: resource.indexingPolicy.excludedPaths.map(({ path }) => path).filter((path) => !path.includes("_etag")),
      composite: resource.indexingPolicy.compositeIndexes[0].map(({ path }) => path),
      unique: resource.uniqueKeyPolicy.uniqueKeys[0].paths,
      expires: resource.defaultTtl,
      resolved: resource.conflictResolutionPolicy.conflictResolutionPath,
      vectors: resource.vectorEmbeddingPolicy.vectorEmbeddings.map(({ path }) => path),
      texts: resource.fullTextPolicy.fullTextPaths.map(({ path }) => path),
    };
  },
  "a container that was made anew under its name": async () => {
    const { containers } = keyed.database("appdb");
    const made = await containers.create({ id: "anew", partitionKey: { paths: ["/pk"] } });
    const anew = container("anew");
    const create = async () => (await anew.items.create({ id: "1", pk: "p" })).statusCode;
    const first = await create();
    await made.container.delete();
    await containers.create({ id: "anew", partitionKey: { paths: ["/pk"] } });
    const gone = await readStatus(anew, "1", "p");
    const second = await create();
    await made.container.delete();
    return [first, gone, second];
  },
  "reads and replaces the throughput of a database": async () => {
    const { database } = await keyed.databases.create({ id: "shared", throughput: 400 });
    const { resource, offer } = await database.readOffer();
    const content = { ...resource.content, offerThroughput: 600 };
    const changed = await offer.replace({ ...resource, content });
    await database.delete();
    return [resource.content.offerThroughput, changed.resource.content.offerThroughput];
  },
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
};
