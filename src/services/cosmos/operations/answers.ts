/** Headers and bodies that every answer of the data plane is made of (cosmos.md 4, 6). */
import { Fault } from "../../../kernel/fault.ts";
import type { Reply } from "../../../kernel/message.ts";
import { badRequest, cosmosFault } from "../faults.ts";
import { isObject } from "../engine/definition.ts";
import { type Engine, lsnOf } from "../engine/engine.ts";
import type { Extent } from "../engine/feed.ts";
import { parseKey } from "../engine/partition-key.ts";
import type { ContainerRecord, DatabaseRecord, JsonObject, PartitionKeyDefinition } from "../engine/records.ts";
import type { CosmosCall, Located } from "../target.ts";

/** @throws 404/1003 for a missing database */
export const databaseOf = ({ target }: CosmosCall): DatabaseRecord => {
  if (target.database === undefined) throw cosmosFault("ownerNotFound", {}, { detail: { subStatus: 1003 } });
  return target.database;
};

/** The container of a call. @throws 404; 400/1024 when the client means an earlier one of the name */
export const located = (call: CosmosCall): Located => {
  const database = databaseOf(call);
  const { account, container } = call.target;
  if (container === undefined) throw cosmosFault("notFound");
  const intended = call.request.header("x-ms-cosmos-intended-collection-rid");
  if (intended !== undefined && intended !== "" && intended !== container.rid)
    throw cosmosFault("staleContainer", {}, { detail: { subStatus: 1024 } });
  return { account: account.uid, database, container };
};

/** The body of a write. @throws 400 */
export const objectBody = async (call: CosmosCall): Promise<JsonObject> => {
  const body = await jsonBody(call);
  if (!isObject(body)) throw badRequest("The request payload is invalid. Ensure to provide a valid request payload.");
  return body;
};

const bodies = new WeakMap<CosmosCall, Promise<unknown>>();

/** Rights may depend on the body, which can be read only once. */
export const jsonBody = (call: CosmosCall): Promise<unknown> => {
  const read = bodies.get(call) ?? call.body.json();
  bodies.set(call, read);
  return read;
};

export const extentOf = (call: CosmosCall, definition: PartitionKeyDefinition): Extent => {
  const { request } = call;
  const key = request.header("x-ms-documentdb-partitionkey");
  const range = request.header("x-ms-documentdb-partitionkeyrangeid");
  if (range !== undefined && !/^(?:[^,]*,)?0$/.test(range))
    throw new Fault({
      status: 410,
      code: "Gone",
      message: "The requested partition key range is gone.",
      detail: { subStatus: 1002 },
    });
  // Some name no key type (Python 4.9), and write digits as they please.
  const [start, end] = ["x-ms-start-epk", "x-ms-end-epk"].map((name) => request.header(name)?.toUpperCase());
  const byEpk = request.header("x-ms-read-key-type")?.toLowerCase() === "effectivepartitionkeyrange";
  return {
    key: key === undefined || key === "" ? undefined : parseKey(key, definition),
    range: byEpk || start !== undefined || end !== undefined ? { start: start ?? "", end: end ?? "FF" } : undefined,
  };
};

/** Rounds as the service shows charges. */
export const charge = (units: number): Record<"x-ms-request-charge", string> => ({
  "x-ms-request-charge": String(Math.round(units * 100) / 100),
});

const contentPaths = new WeakMap<ContainerRecord, string>();

/** What answers about a container's content carry; `lsn` is that of the write or of what was read. */
export const contentHeaders = (
  engine: Engine,
  { database, container }: Located,
  lsn: number,
): Record<string, string> => {
  const told = String(lsnOf(engine, container, lsn));
  let path = contentPaths.get(container);
  if (path === undefined) {
    path = encodeURI(`dbs/${database.id}/colls/${container.id}`);
    contentPaths.set(container, path);
  }
  return {
    "x-ms-session-token": `0:-1#${told}`,
    lsn: told,
    "x-ms-cosmos-llsn": told,
    "x-ms-global-committed-lsn": told,
    "x-ms-alt-content-path": path,
    "x-ms-content-path": container.rid,
    "x-ms-documentdb-partitionkeyrangeid": "0",
    "x-ms-resource-quota": "documentSize=10240;documentsSize=10485760;documentsCount=-1;collectionSize=10485760;",
  };
};

/** A page of a feed: `{_rid, <kind>: [...], _count}`. */
export const feed = (
  rid: string,
  kind: string,
  items: readonly unknown[],
  headers: Readonly<Record<string, string>> = {},
): Reply => ({
  status: 200,
  headers: { "x-ms-item-count": String(items.length), ...headers },
  body: { json: { _rid: rid, [kind]: items, _count: items.length } },
});

export const wantsMinimal = (call: CosmosCall): boolean =>
  call.request.header("prefer")?.toLowerCase().includes("return=minimal") === true;

export const shownDatabase = ({ id, rid, etag, ts }: DatabaseRecord): JsonObject => ({
  id,
  _rid: rid,
  _self: `dbs/${rid}/`,
  _etag: etag,
  _colls: "colls/",
  _users: "users/",
  _ts: ts,
});

export const shownContainer = (database: Pick<DatabaseRecord, "rid">, record: ContainerRecord): JsonObject => ({
  ...record.definition,
  _rid: record.rid,
  _ts: record.ts,
  _self: `dbs/${database.rid}/colls/${record.rid}/`,
  _etag: record.etag,
  _docs: "docs/",
  _sprocs: "sprocs/",
  _triggers: "triggers/",
  _udfs: "udfs/",
  _conflicts: "conflicts/",
});
