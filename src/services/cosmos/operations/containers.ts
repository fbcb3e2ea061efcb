import { empty, json, type Reply } from "../../../kernel/message.ts";
import { dataActions, keyActions } from "../actions.ts";
import { createContainer, deleteContainer, listContainers, replaceContainer } from "../engine/catalog.ts";
import type { Engine } from "../engine/engine.ts";
import type { ContainerRecord, DatabaseRecord } from "../engine/records.ts";
import { rangeRid } from "../engine/rid.ts";
import { cosmosFault } from "../faults.ts";
import { type CosmosCall, cosmosOperation, type CosmosOperation, flag } from "../target.ts";
import { contentHeaders, databaseOf, feed, located, objectBody, shownContainer } from "./answers.ts";
import { quotaHeaders } from "./quota.ts";
import { queryList } from "./query-list.ts";
import { checkPreconditions, checkServerless, standardThroughput, throughputOf } from "./resources.ts";

const shown = (
  engine: Engine,
  database: DatabaseRecord,
  container: ContainerRecord,
  call: CosmosCall,
  status = 200,
): Reply =>
  json(shownContainer(database, container), status, {
    ...contentHeaders(engine, { account: call.target.account.uid, database, container }, 0),
    // The owner of what is answered: Java makes the container's address of it.
    "x-ms-alt-content-path": encodeURI(`dbs/${database.id}`),
    "x-ms-content-path": database.rid,
    // Indexes follow a new policy at once.
    "x-ms-documentdb-collection-index-transformation-progress": "100",
    etag: container.etag,
  });

export const containerOperations = (engine: Engine): readonly CosmosOperation[] => {
  const all = async (call: CosmosCall) => {
    const database = databaseOf(call);
    const list = await listContainers(engine, call.target.account.uid, database.id);
    return { database, documents: list.map((each) => shownContainer(database, each)) };
  };
  return [
    cosmosOperation({
      name: "ListContainers",
      method: "GET",
      path: "/dbs/:db/colls",
      needs: { data: dataActions.readMetadata },
      handle: async (call) => {
        const { database, documents } = await all(call);
        return feed(database.rid, "DocumentCollections", documents);
      },
    }),
    cosmosOperation({
      name: "QueryContainers",
      method: "POST",
      intent: "query",
      path: "/dbs/:db/colls",
      bodyLimit: 512 * 1024,
      needs: { data: dataActions.readMetadata },
      handle: async (call) => {
        const { database, documents } = await all(call);
        return queryList(call, engine.reader, database.rid, "DocumentCollections", documents);
      },
    }),
    cosmosOperation({
      name: "CreateContainer",
      method: "POST",
      path: "/dbs/:db/colls",
      bodyLimit: 1024 * 1024,
      needs: { data: keyActions.writeContainer },
      handle: async (call) => {
        const database = databaseOf(call);
        const asked = await objectBody(call);
        const { uid, serverless } = call.target.account;
        const throughput =
          checkServerless(serverless, throughputOf(call.request)) ?? standardThroughput(serverless, database);
        const container = await createContainer(engine, uid, database, asked, throughput);
        return shown(engine, database, container, call, 201);
      },
    }),
    cosmosOperation({
      name: "ReadContainer",
      method: "GET",
      path: "/dbs/:db/colls/:coll",
      needs: { data: dataActions.readMetadata },
      handle: async (call) => {
        const place = located(call);
        checkPreconditions(call.request, place.container.etag);
        const reply = shown(engine, place.database, place.container, call);
        if (!flag(call.request, "x-ms-documentdb-populatequotainfo")) return reply;
        return { ...reply, headers: { ...reply.headers, ...(await quotaHeaders(engine, place)) } };
      },
    }),
    cosmosOperation({
      name: "ReplaceContainer",
      method: "PUT",
      path: "/dbs/:db/colls/:coll",
      bodyLimit: 1024 * 1024,
      needs: { data: keyActions.writeContainer },
      handle: async (call) => {
        const { database, container, account } = located(call);
        checkPreconditions(call.request, container.etag);
        return shown(
          engine,
          database,
          await replaceContainer(engine, account, container, await objectBody(call)),
          call,
        );
      },
    }),
    cosmosOperation({
      name: "DeleteContainer",
      method: "DELETE",
      path: "/dbs/:db/colls/:coll",
      needs: { data: keyActions.deleteContainer },
      handle: async (call) => {
        const { container, account } = located(call);
        checkPreconditions(call.request, container.etag);
        if (!(await deleteContainer(engine, account, container))) throw cosmosFault("notFound");
        return empty(204);
      },
    }),
    cosmosOperation({
      name: "ListPartitionKeyRanges",
      method: "GET",
      path: "/dbs/:db/colls/:coll/pkranges",
      needs: { data: dataActions.readMetadata },
      handle: (call) => {
        const place = located(call);
        const { container } = place;
        const etag = `"${container.rid}-1"`;
        const headers = { ...contentHeaders(engine, place, 0), etag };
        // .NET asks until it hears that there is nothing new (cosmos.md 12).
        if (call.request.header("if-none-match") === etag) return empty(304, headers);
        const rid = rangeRid(container.rid);
        const range = {
          _rid: rid,
          id: "0",
          _etag: etag,
          minInclusive: "",
          maxExclusive: "FF",
          ridPrefix: 0,
          _self: `dbs/${place.database.rid}/colls/${container.rid}/pkranges/${rid}/`,
          throughputFraction: 1,
          status: "online",
          parents: [],
          ownedArchivalPKRangeIds: [],
          _ts: container.ts,
          lsn: 1,
        };
        return feed(container.rid, "PartitionKeyRanges", [range], headers);
      },
    }),
  ];
};
