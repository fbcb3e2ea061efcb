/** Users of a database and their permissions; every answer about a permission holds a new token. Account keys only. */
import { empty, json, type Reply } from "../../../kernel/message.ts";
import { keyActions } from "../actions.ts";
import { lifetimeOf, type ResourceTokens } from "../auth/resource-tokens.ts";
import type { Engine } from "../engine/engine.ts";
import type { DatabaseRecord, JsonObject } from "../engine/records.ts";
import {
  deletePermission,
  deleteUser,
  findPermission,
  findUser,
  listPermissions,
  listUsers,
  type PermissionRecord,
  putPermission,
  putUser,
  type UserRecord,
} from "../engine/users.ts";
import { type CosmosCall, cosmosOperation, type CosmosOperation, flag } from "../target.ts";
import { databaseOf, feed, objectBody } from "./answers.ts";
import { queryList } from "./query-list.ts";
import { checkPreconditions } from "./resources.ts";

const shownUser = (database: DatabaseRecord, { id, rid, etag, ts }: UserRecord): JsonObject => ({
  id,
  _rid: rid,
  _self: `dbs/${database.rid}/users/${rid}/`,
  _etag: etag,
  _permissions: "permissions/",
  _ts: ts,
});

const bodyLimit = 64 * 1024;
const isUpsert = (call: CosmosCall): boolean => flag(call.request, "x-ms-documentdb-is-upsert");

/** The one of a name that an upsert finds. */
const orNone = <T>(found: Promise<T>): Promise<T | undefined> =>
  found.catch((error: unknown) => {
    if ((error as { status?: unknown }).status === 404) return undefined;
    throw error;
  });

const userOperations = (engine: Engine): readonly CosmosOperation[] => {
  const all = async (call: CosmosCall): Promise<JsonObject[]> => {
    const database = databaseOf(call);
    return (await listUsers(engine, call.target.account.uid, database)).map((each) => shownUser(database, each));
  };
  const answer = (call: CosmosCall, user: UserRecord, status = 200): Reply =>
    json(shownUser(databaseOf(call), user), status, { etag: user.etag });
  const named = (call: CosmosCall, id: string): Promise<UserRecord> =>
    findUser(engine, call.target.account.uid, databaseOf(call), id);
  return [
    cosmosOperation({
      name: "ListUsers",
      method: "GET",
      path: "/dbs/:db/users",
      needs: { data: keyActions.readUsers },
      handle: async (call) => feed(databaseOf(call).rid, "Users", await all(call)),
    }),
    cosmosOperation({
      name: "QueryUsers",
      method: "POST",
      intent: "query",
      path: "/dbs/:db/users",
      bodyLimit: 512 * 1024,
      needs: { data: keyActions.readUsers },
      handle: async (call) => queryList(call, engine.reader, databaseOf(call).rid, "Users", await all(call)),
    }),
    cosmosOperation({
      name: "CreateUser",
      method: "POST",
      path: "/dbs/:db/users",
      bodyLimit,
      needs: { data: keyActions.writeUsers },
      handle: async (call) => {
        const database = databaseOf(call);
        const body = await objectBody(call);
        const { uid } = call.target.account;
        const existing =
          isUpsert(call) && typeof body["id"] === "string" ? await orNone(named(call, body["id"])) : undefined;
        return answer(call, await putUser(engine, uid, database, body, existing), existing === undefined ? 201 : 200);
      },
    }),
    cosmosOperation({
      name: "ReadUser",
      method: "GET",
      path: "/dbs/:db/users/:user",
      needs: { data: keyActions.readUsers },
      handle: async (call) => {
        const user = await named(call, call.parameters.user);
        checkPreconditions(call.request, user.etag);
        return answer(call, user);
      },
    }),
    cosmosOperation({
      name: "ReplaceUser",
      method: "PUT",
      path: "/dbs/:db/users/:user",
      bodyLimit,
      needs: { data: keyActions.writeUsers },
      handle: async (call) => {
        const user = await named(call, call.parameters.user);
        checkPreconditions(call.request, user.etag);
        const body = await objectBody(call);
        return answer(call, await putUser(engine, call.target.account.uid, databaseOf(call), body, user));
      },
    }),
    cosmosOperation({
      name: "DeleteUser",
      method: "DELETE",
      path: "/dbs/:db/users/:user",
      needs: { data: keyActions.writeUsers },
      handle: async (call) => {
        const user = await named(call, call.parameters.user);
        checkPreconditions(call.request, user.etag);
        await deleteUser(engine, call.target.account.uid, databaseOf(call), user);
        return empty(204);
      },
    }),
  ];
};

const permissionOperations = (engine: Engine, tokens: ResourceTokens): readonly CosmosOperation[] => {
  const path = "/dbs/:db/users/:user/permissions";
  const placeOf = async (call: CosmosCall) => {
    const database = databaseOf(call);
    return { database, user: await findUser(engine, call.target.account.uid, database, call.parameters["user"] ?? "") };
  };
  type Place = Awaited<ReturnType<typeof placeOf>>;
  const shown = async (call: CosmosCall, { database, user }: Place, record: PermissionRecord): Promise<JsonObject> => ({
    id: record.id,
    permissionMode: record.mode,
    resource: record.resource,
    ...(record.partitionKey === undefined
      ? {}
      : { resourcePartitionKey: JSON.parse(record.partitionKey) as JsonObject[string] }),
    _rid: record.rid,
    _self: `dbs/${database.rid}/users/${user.rid}/permissions/${record.rid}/`,
    _etag: record.etag,
    _ts: record.ts,
    _token: await tokens.issue(
      call.target.account,
      record,
      lifetimeOf(call.request.header("x-ms-documentdb-expiry-seconds")),
    ),
  });
  const answer = async (call: CosmosCall, place: Place, record: PermissionRecord, status = 200): Promise<Reply> =>
    json(await shown(call, place, record), status, { etag: record.etag });
  const all = async (call: CosmosCall, place: Place): Promise<JsonObject[]> => {
    const list = await listPermissions(engine, call.target.account.uid, place.database, place.user);
    return Promise.all(list.map((each) => shown(call, place, each)));
  };
  const named = (call: CosmosCall, { database, user }: Place, id: string): Promise<PermissionRecord> =>
    findPermission(engine, call.target.account.uid, database, user, id);
  return [
    cosmosOperation({
      name: "ListPermissions",
      method: "GET",
      path,
      needs: { data: keyActions.managePermissions },
      handle: async (call) => {
        const place = await placeOf(call);
        return feed(place.user.rid, "Permissions", await all(call, place));
      },
    }),
    cosmosOperation({
      name: "QueryPermissions",
      method: "POST",
      intent: "query",
      path,
      bodyLimit: 512 * 1024,
      needs: { data: keyActions.managePermissions },
      handle: async (call) => {
        const place = await placeOf(call);
        return queryList(call, engine.reader, place.user.rid, "Permissions", await all(call, place));
      },
    }),
    cosmosOperation({
      name: "CreatePermission",
      method: "POST",
      path,
      bodyLimit,
      needs: { data: keyActions.managePermissions },
      handle: async (call) => {
        const place = await placeOf(call);
        const body = await objectBody(call);
        lifetimeOf(call.request.header("x-ms-documentdb-expiry-seconds"));
        const existing =
          isUpsert(call) && typeof body["id"] === "string" ? await orNone(named(call, place, body["id"])) : undefined;
        const record = await putPermission(engine, call.target.account.uid, place, body, existing);
        return answer(call, place, record, existing === undefined ? 201 : 200);
      },
    }),
    cosmosOperation({
      name: "ReadPermission",
      method: "GET",
      path: `${path}/:permission`,
      needs: { data: keyActions.managePermissions },
      handle: async (call) => {
        const place = await placeOf(call);
        return answer(call, place, await named(call, place, call.parameters.permission));
      },
    }),
    cosmosOperation({
      name: "ReplacePermission",
      method: "PUT",
      path: `${path}/:permission`,
      bodyLimit,
      needs: { data: keyActions.managePermissions },
      handle: async (call) => {
        const place = await placeOf(call);
        const existing = await named(call, place, call.parameters.permission);
        checkPreconditions(call.request, existing.etag);
        lifetimeOf(call.request.header("x-ms-documentdb-expiry-seconds"));
        const body = await objectBody(call);
        return answer(call, place, await putPermission(engine, call.target.account.uid, place, body, existing));
      },
    }),
    cosmosOperation({
      name: "DeletePermission",
      method: "DELETE",
      path: `${path}/:permission`,
      needs: { data: keyActions.managePermissions },
      handle: async (call) => {
        const place = await placeOf(call);
        await deletePermission(engine, call.target.account.uid, place, call.parameters.permission);
        return empty(204);
      },
    }),
  ];
};

export const userAndPermissionOperations = (engine: Engine, tokens: ResourceTokens): readonly CosmosOperation[] => [
  ...userOperations(engine),
  ...permissionOperations(engine, tokens),
];
