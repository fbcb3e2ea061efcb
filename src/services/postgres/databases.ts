import { accepted, acceptedWrite } from "../../arm/accepted.ts";
import { armFault } from "../../arm/faults.ts";
import { isObject, objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import { nameOf, parentOf } from "../../arm/resource-id.ts";
import type { ArmCall, ResourceType } from "../../arm/resource-type.ts";
import { callerId } from "../../arm/write.ts";
import { empty, json, type Reply } from "../../kernel/message.ts";
import type { Database } from "./engine.ts";
import { postgresFault } from "./faults.ts";
import { apiVersions, type PostgresContext, serverType } from "./flexible-servers.ts";

/** The server that a child's id (or a list's) belongs to, ready to be asked. @throws 404, 409 */
export const runningServer = async (
  { arm, engine }: PostgresContext,
  id: string,
  childType: string,
): Promise<ResourceRecord> => {
  const record = await arm.resources.get(id);
  if (record === undefined || record.type !== serverType || !engine.has(record.name))
    throw armFault("parentNotFound", { verb: "read", type: childType, parent: nameOf(id) });
  if (record.properties["state"] === "Stopped") throw postgresFault("serverStopped", { name: record.name });
  return record;
};

const type = `${serverType}/databases`;

const shown = (server: ResourceRecord, { name, charset, collation }: Database): Record<string, unknown> => ({
  id: `${server.id}/databases/${name}`,
  name,
  type,
  properties: { charset, collation },
});

/** https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules; PostgreSQL cuts at 63 bytes. */
const validName = /^[\p{L}\p{N}_][\p{L}\p{N}_$.-]{0,62}$/u;

const checkName = (name: string): void => {
  if (!validName.test(name) || /^(?:azure_maintenance|azure_sys|template[01])$/.test(name))
    throw armFault("invalidName", {
      name,
      rule: "Use 1 to 62 letters, digits, underscores, hyphens, periods and dollar signs; some names are reserved.",
    });
};

const isUtf8 = (charset: string): boolean => /^utf-?8$/i.test(charset);

/**
 * `.../databases`: read from the server itself, so that databases made by SQL show too. Charset and collation are the
 * server's: UTF8 and an en-US order.
 */
export const databases = (context: PostgresContext): ResourceType => {
  const { engine } = context;
  const find = async (
    id: string,
    name: string,
  ): Promise<{ server: ResourceRecord; database: Database | undefined }> => {
    const server = await runningServer(context, parentOf(id), type);
    const all = await engine.listDatabases(server.name);
    return { server, database: all.find((each) => each.name === name) };
  };
  const put = async (call: ArmCall, id: string, name: string): Promise<Reply> => {
    const body = (await call.body.json()) ?? {};
    if (!isObject(body)) throw armFault("invalidContent", { why: "The request body must be a JSON object." });
    checkName(name);
    const charset = textOf(objectOf(body["properties"])["charset"]);
    if (charset !== "" && !isUtf8(charset))
      throw postgresFault("invalidParameter", { name: "charset", why: "Databases of Lanyard are UTF8." });
    const { server, database } = await find(id, name);
    if (database === undefined) await engine.createDatabase(server.name, name);
    const made = database ?? (await find(id, name)).database;
    return acceptedWrite(context.arm, {
      resourceId: `${server.id}/databases/${name}`,
      startedBy: callerId(call),
      shown: shown(server, made ?? { name, charset: "UTF8", collation: "en_US.utf8" }),
    });
  };
  return {
    type,
    apiVersions,
    at: "group",
    tracked: false,
    source: {
      get: async (call, id, name) => {
        const { server, database } = await find(id, name);
        if (database === undefined) throw postgresFault("databaseNotFound", { name, server: server.name });
        return call.request.method === "HEAD" ? empty(204) : json(shown(server, database));
      },
      list: async (_call, parentId) => {
        const server = await runningServer(context, parentId, type);
        return json({ value: (await engine.listDatabases(server.name)).map((each) => shown(server, each)) });
      },
      put,
      delete: async (call, id, name) => {
        const server = await runningServer(context, parentOf(id), type);
        if (name === "postgres" || /^template[01]$/.test(name))
          throw postgresFault("invalidParameter", { name: "database", why: `Database '${name}' cannot be deleted.` });
        if (!(await engine.dropDatabase(server.name, name))) return empty(204);
        return accepted(context.arm, { resourceId: id, startedBy: callerId(call) });
      },
    },
  };
};
