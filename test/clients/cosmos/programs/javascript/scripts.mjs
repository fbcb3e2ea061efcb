/** Stored procedures, triggers, functions, and users. */
import { CosmosClient } from "@azure/cosmos";
import { appdb, container, keyed, put, question, readStatus, refusal, status } from "./common.mjs";

const scripted = container("scripted");
const procedures = container("scripted", keyed).scripts.storedProcedures;
const run = (id, ...parameters) => scripted.scripts.storedProcedure(id).execute("p", parameters);

export const scripts = {
  "stored procedure: made with a key, run with a token, deleted": async () => {
    const body = "function (name) { getContext().getResponse().setBody('hello ' + name); }";
    const made = await procedures.create({ id: "hello", body });
    const { resource } = await run("hello", "Ada");
    const gone = await container("scripted", keyed).scripts.storedProcedure("hello").delete();
    return [made.statusCode, resource, gone.statusCode];
  },
  "stored procedure: one that fails leaves nothing behind": async () => {
    const body = `function () {
      const items = getContext().getCollection();
      items.createDocument(items.getSelfLink(), { id: "half", pk: "p" }, () => { throw new Error("no further"); });
    }`;
    await procedures.create({ id: "half", body });
    return [await status(() => run("half")), await readStatus(scripted, "half", "p")];
  },
  "stored procedure: its log": async () => {
    await procedures.create({ id: "tells", body: "function () { console.log('seen'); }" });
    const { headers } = await scripted.scripts.storedProcedure("tells").execute("p", [], { enableScriptLogging: true });
    return decodeURIComponent(headers["x-ms-documentdb-script-log-results"]).trim();
  },
  "a token makes no scripts": () =>
    refusal(() => scripted.scripts.storedProcedures.create({ id: "new", body: "function () {}" })),
  "a pre-trigger changes what is created": async () => {
    const { resource } = await scripted.items.create({ id: "pre", pk: "p" }, { preTriggerInclude: ["stamp"] });
    return resource.stamp;
  },
  "a post-trigger that fails undoes the write": async () => [
    await status(() => scripted.items.create({ id: "post", pk: "p" }, { postTriggerInclude: ["refuse"] })),
    await readStatus(scripted, "post", "p"),
  ],
  "a function in a query": async () => {
    for (const n of [1, 2]) await put(scripted, { id: `f${n}`, pk: "f", n });
    const query = "SELECT VALUE udf.double(c.n) FROM c WHERE c.pk = 'f' ORDER BY c.n";
    return (await scripted.items.query(query).fetchAll()).resources;
  },

  "a user's permission: reads, does not write, sees no other container": async () => {
    const { user } = await keyed.database("appdb").users.create({ id: "ada" });
    const permission = { id: "reads", permissionMode: "Read", resource: container("people", keyed).url };
    const { resource } = await user.permissions.create(permission);
    const { endpoint } = question;
    const of = new CosmosClient({ endpoint, resourceTokens: { [container("people").url]: resource._token } });
    const people = container("people", of);
    await put(container("people"), { id: "reader", pk: "r", email: "r@example.com" });
    const other = new CosmosClient({ endpoint, tokenProvider: async () => resource._token });
    return [
      await readStatus(people, "reader", "r"),
      await status(() => people.items.create({ id: "w", pk: "r", email: "w@example.com" })),
      await status(() => container("shop", other).item("1", "a").read()),
    ];
  },
  "a token makes no users": () => refusal(() => appdb.users.create({ id: "bob" })),
};
