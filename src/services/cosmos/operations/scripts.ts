/** Stored procedures, triggers and user-defined functions of a container. */
import { empty, json, type Reply } from "../../../kernel/message.ts";
import { dataActions, keyActions } from "../actions.ts";
import type { Engine } from "../engine/engine.ts";
import { fullKey } from "../engine/partition-key.ts";
import { badRequest, cosmosFault } from "../faults.ts";
import {
  createScript,
  deleteScript,
  findScript,
  listScripts,
  replaceScript,
  scriptBody,
  shownScript,
} from "../scripts/catalog.ts";
import { logHeader } from "../scripts/outcomes.ts";
import type { Scripts } from "../scripts/scripts.ts";
import type { ScriptRecord, ScriptSegment } from "../scripts/spec.ts";
import { type CosmosCall, cosmosOperation, type CosmosOperation, flag, type Located } from "../target.ts";
import { charge, contentHeaders, feed, jsonBody, located } from "./answers.ts";
import { queryList } from "./query-list.ts";
import { checkPreconditions } from "./resources.ts";

const kinds: readonly (readonly [ScriptSegment, string, string])[] = [
  ["sprocs", "StoredProcedure", "StoredProcedures"],
  ["triggers", "Trigger", "Triggers"],
  ["udfs", "UserDefinedFunction", "UserDefinedFunctions"],
];

/** Code, and room for its escapes. */
const scriptLimit = 1024 * 1024;
/** https://learn.microsoft.com/azure/cosmos-db/concepts-limits: a request is at most 2 MB. */
const argumentsLimit = 2 * 1024 * 1024;

const changes = (engine: Engine, [segment, kind, feedName]: (typeof kinds)[number]): CosmosOperation[] => {
  const shown = (place: Located, record: ScriptRecord) => shownScript(place.database, place, segment, record);
  const reply = (place: Located, record: ScriptRecord, status: number): Reply =>
    json(shown(place, record), status, { ...contentHeaders(engine, place, 0), etag: record.etag });
  const replaced = async (call: CosmosCall, place: Located, name: string): Promise<Reply> =>
    reply(
      place,
      await replaceScript(engine, place, segment, name, scriptBody(await jsonBody(call)), ({ etag }) =>
        checkPreconditions(call.request, etag),
      ),
      200,
    );
  return [
    cosmosOperation({
      name: `Create${kind}`,
      method: "POST",
      path: `/dbs/:db/colls/:coll/${segment}`,
      bodyLimit: scriptLimit,
      needs: { data: keyActions.writeScripts },
      handle: async (call) => {
        const place = located(call);
        const asked = scriptBody(await jsonBody(call));
        const { id } = asked;
        const known = flag(call.request, "x-ms-documentdb-is-upsert") && typeof id === "string";
        if (known && (await findScript(engine, place, segment, id)) !== undefined) return replaced(call, place, id);
        return reply(place, await createScript(engine, place, segment, asked), 201);
      },
    }),
    cosmosOperation({
      name: `Read${kind}`,
      method: "GET",
      path: `/dbs/:db/colls/:coll/${segment}/:id`,
      needs: { data: keyActions.readScripts },
      handle: async (call) => {
        const place = located(call);
        const found = await findScript(engine, place, segment, call.parameters["id"] ?? "");
        if (found === undefined) throw cosmosFault("notFound");
        checkPreconditions(call.request, found.etag);
        return reply(place, found, 200);
      },
    }),
    cosmosOperation({
      name: `Replace${kind}`,
      method: "PUT",
      path: `/dbs/:db/colls/:coll/${segment}/:id`,
      bodyLimit: scriptLimit,
      needs: { data: keyActions.writeScripts },
      handle: (call) => replaced(call, located(call), call.parameters["id"] ?? ""),
    }),
    cosmosOperation({
      name: `Delete${kind}`,
      method: "DELETE",
      path: `/dbs/:db/colls/:coll/${segment}/:id`,
      needs: { data: keyActions.writeScripts },
      handle: async (call) => {
        const place = located(call);
        await deleteScript(engine, place, segment, call.parameters["id"] ?? "", ({ etag }) =>
          checkPreconditions(call.request, etag),
        );
        return empty(204, contentHeaders(engine, place, 0));
      },
    }),
    cosmosOperation({
      name: `List${feedName}`,
      method: "GET",
      path: `/dbs/:db/colls/:coll/${segment}`,
      needs: { data: keyActions.readScripts },
      handle: async (call) => {
        const place = located(call);
        const all = await listScripts(engine, place, segment);
        return feed(
          place.container.rid,
          feedName,
          all.map((record) => shown(place, record)),
        );
      },
    }),
  ];
};

const queriesOver = (engine: Engine, [segment, , feedName]: (typeof kinds)[number]): CosmosOperation =>
  cosmosOperation({
    name: `Query${feedName}`,
    method: "POST",
    intent: "query",
    path: `/dbs/:db/colls/:coll/${segment}`,
    bodyLimit: 256 * 1024,
    needs: { data: keyActions.readScripts },
    handle: async (call) => {
      const place = located(call);
      const all = await listScripts(engine, place, segment);
      return queryList(
        call,
        engine.reader,
        place.container.rid,
        feedName,
        all.map((record) => shownScript(place.database, place, segment, record)),
      );
    },
  });

/** None at all are none. @throws 400 */
const argumentsOf = async (call: CosmosCall): Promise<readonly unknown[]> => {
  const body = await jsonBody(call);
  if (body === undefined || body === null) return [];
  if (!Array.isArray(body)) throw badRequest("The arguments of a stored procedure must be a JSON array.");
  return body;
};

const execution = (engine: Engine, scripts: Scripts): CosmosOperation =>
  cosmosOperation({
    name: "ExecuteStoredProcedure",
    method: "POST",
    path: "/dbs/:db/colls/:coll/sprocs/:id",
    bodyLimit: argumentsLimit,
    needs: { data: dataActions.executeStoredProcedure },
    handle: async (call) => {
      const place = located(call);
      const args = await argumentsOf(call);
      const script = await findScript(engine, place, "sprocs", call.parameters.id);
      if (script === undefined) throw cosmosFault("notFound");
      const values = fullKey(call.request.header("x-ms-documentdb-partitionkey"), place.container.partitionKey);
      const logging = flag(call.request, "x-ms-documentdb-script-enable-logging");
      const { response, log, lsn, units } = await scripts.execute(place, values, script, args, logging);
      const headers = {
        ...contentHeaders(engine, place, lsn),
        ...charge(1 + units),
        ...(logging ? logHeader(log) : {}),
      };
      if (response === undefined) return empty(200, headers);
      return { status: 200, headers, body: { type: "application/json", text: response } };
    },
  });

export const scriptOperations = (engine: Engine, scripts: Scripts): readonly CosmosOperation[] => [
  ...kinds.flatMap((kind) => [...changes(engine, kind), queriesOver(engine, kind)]),
  execution(engine, scripts),
];
