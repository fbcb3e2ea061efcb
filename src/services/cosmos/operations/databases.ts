import { empty, json } from "../../../kernel/message.ts";
import { dataActions, keyActions } from "../actions.ts";
import { createDatabase, deleteDatabase, listDatabases } from "../engine/catalog.ts";
import type { Engine } from "../engine/engine.ts";
import { cosmosFault } from "../faults.ts";
import { cosmosOperation, type CosmosOperation } from "../target.ts";
import { databaseOf, feed, objectBody, shownDatabase } from "./answers.ts";
import { queryList } from "./query-list.ts";
import { checkPreconditions, checkServerless, throughputOf } from "./resources.ts";

export const databaseOperations = (engine: Engine): readonly CosmosOperation[] => [
  cosmosOperation({
    name: "ListDatabases",
    method: "GET",
    path: "/dbs",
    needs: { data: dataActions.readMetadata, at: (call) => call.target.account.id },
    handle: async ({ target }) =>
      feed("", "Databases", (await listDatabases(engine, target.account.uid)).map(shownDatabase)),
  }),
  cosmosOperation({
    name: "QueryDatabases",
    method: "POST",
    intent: "query",
    path: "/dbs",
    bodyLimit: 512 * 1024,
    needs: { data: dataActions.readMetadata, at: (call) => call.target.account.id },
    handle: async (call) =>
      queryList(
        call,
        engine.reader,
        "",
        "Databases",
        (await listDatabases(engine, call.target.account.uid)).map(shownDatabase),
      ),
  }),
  cosmosOperation({
    name: "CreateDatabase",
    method: "POST",
    path: "/dbs",
    bodyLimit: 64 * 1024,
    needs: { data: keyActions.writeDatabase },
    handle: async (call) => {
      const { id } = await objectBody(call);
      const throughput = checkServerless(call.target.account.serverless, throughputOf(call.request));
      const record = await createDatabase(engine, call.target.account.uid, {
        id,
        ...(throughput === undefined ? {} : { throughput }),
      });
      return json(shownDatabase(record), 201, { etag: record.etag, "x-ms-alt-content-path": "" });
    },
  }),
  cosmosOperation({
    name: "ReadDatabase",
    method: "GET",
    path: "/dbs/:db",
    needs: { data: dataActions.readMetadata },
    handle: ({ target: { database }, request }) => {
      if (database === undefined) throw cosmosFault("notFound");
      checkPreconditions(request, database.etag);
      return json(shownDatabase(database), 200, { etag: database.etag });
    },
  }),
  cosmosOperation({
    name: "DeleteDatabase",
    method: "DELETE",
    path: "/dbs/:db",
    needs: { data: keyActions.deleteDatabase },
    handle: async (call) => {
      if (call.target.database === undefined) throw cosmosFault("notFound");
      checkPreconditions(call.request, databaseOf(call).etag);
      if (!(await deleteDatabase(engine, call.target.account.uid, databaseOf(call)))) throw cosmosFault("notFound");
      return empty(204);
    },
  }),
];
