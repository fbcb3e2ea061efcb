/** Databases, containers and their throughput as ARM shows them: the same that the data plane serves. */
import { accepted, acceptedWrite } from "../../../arm/accepted.ts";
import { armFault } from "../../../arm/faults.ts";
import { type JsonObject, objectOf, type ResourceRecord, textOf } from "../../../arm/record.ts";
import { nameOf, parentOf } from "../../../arm/resource-id.ts";
import type { ArmCall, ResourceType } from "../../../arm/resource-type.ts";
import { callerId } from "../../../arm/write.ts";
import { empty, json, type Reply } from "../../../kernel/message.ts";
import { accountType, accountUid, isServerless } from "../accounts.ts";
import {
  changeContainer,
  changeDatabase,
  createContainer,
  createDatabase,
  deleteContainer,
  deleteDatabase,
  listContainers,
  listDatabases,
  replaceContainer,
} from "../engine/catalog.ts";
import { findContainer, findDatabase } from "../engine/engine.ts";
import type { ContainerRecord, DatabaseRecord, JsonObject as Definition, Throughput } from "../engine/records.ts";
import { checkedThroughput, checkServerless, standardThroughput } from "../operations/resources.ts";
import { accountAt, apiVersions, asArm, type CosmosArm, notFound, propertiesOf } from "./context.ts";

const databaseType = `${accountType}/sqlDatabases`;
const containerType = `${databaseType}/containers`;

interface Found {
  readonly account: ResourceRecord;
  readonly uid: string;
  readonly database: DatabaseRecord;
  readonly container: ContainerRecord | undefined;
  /** Canonical id of what was found. */
  readonly id: string;
}

/** By place, not by word: databases and containers may be called `containers` or `sqlDatabases` themselves. */
const namesIn = (id: string): { readonly database: string; readonly container: string | undefined } => {
  const found = /\/databaseAccounts\/[^/]+\/sqlDatabases\/([^/]+)(?:\/containers\/([^/]+))?/i.exec(id);
  return { database: found?.[1] ?? "", container: found?.[2] };
};

/** The database or container that an id lies in. @throws 404 */
const find = async (context: CosmosArm, id: string, type: string): Promise<Found> => {
  const account = await accountAt(context, id, type);
  const uid = accountUid(account);
  const { database: databaseName, container: containerName } = namesIn(id);
  const database = await findDatabase(context.engine, uid, databaseName);
  if (database === undefined) throw notFound("database", databaseName);
  const base = `${account.id}/sqlDatabases/${database.id}`;
  if (containerName === undefined) return { account, uid, database, container: undefined, id: base };
  const container = await findContainer(context.engine, uid, database.id, containerName);
  if (container === undefined) throw notFound("container", containerName);
  return { account, uid, database, container, id: `${base}/containers/${container.id}` };
};

/** Throughput as `options` or a throughput resource asks for it. @throws 400 */
const throughputAsked = (options: JsonObject): Throughput | undefined => {
  const autoscale = objectOf(options["autoscaleSettings"])["maxThroughput"];
  if (autoscale !== undefined && autoscale !== null) return checkedThroughput({ autoscaleMaximum: Number(autoscale) });
  const manual = options["throughput"];
  return manual === undefined || manual === null ? undefined : checkedThroughput({ manual: Number(manual) });
};

const shownDatabase = (account: ResourceRecord, { id, rid, etag, ts }: DatabaseRecord): Record<string, unknown> => ({
  id: `${account.id}/sqlDatabases/${id}`,
  name: id,
  type: databaseType,
  properties: {
    resource: { id, _rid: rid, _self: `dbs/${rid}/`, _etag: etag, _colls: "colls/", _users: "users/", _ts: ts },
  },
});

const shownContainer = (account: ResourceRecord, record: ContainerRecord): Record<string, unknown> => ({
  id: `${account.id}/sqlDatabases/${record.database}/containers/${record.id}`,
  name: record.id,
  type: containerType,
  properties: { resource: { ...record.definition, _rid: record.rid, _etag: record.etag, _ts: record.ts } },
});

export const sqlTypes = (context: CosmosArm): readonly ResourceType[] => [
  databases(context),
  containers(context),
  throughput(context, databaseType),
  throughput(context, containerType),
];

const written = (context: CosmosArm, call: ArmCall, shown: Record<string, unknown>): Promise<Reply> =>
  acceptedWrite(context.arm, { resourceId: textOf(shown["id"]), startedBy: callerId(call), shown });

/** The name of the address stands when the body names none; another one is a mistake. @throws 400 */
const resourceAsked = (properties: JsonObject, name: string): JsonObject => {
  const resource = objectOf(properties["resource"]);
  const id = textOf(resource["id"]);
  if (id !== "" && id !== name)
    throw armFault("invalidContent", {
      why: `The id '${id.slice(0, 100)}' of the resource is not the name in the address.`,
    });
  const { createMode: _, restoreParameters: __, ...rest } = resource;
  return { ...rest, id: name };
};

const databases = (context: CosmosArm): ResourceType => {
  const { engine } = context;
  return {
    type: databaseType,
    apiVersions,
    at: "group",
    tracked: false,
    source: {
      get: async (_call, id) => {
        const { account, database } = await find(context, id, databaseType);
        return json(shownDatabase(account, database));
      },
      list: async (_call, id) => {
        const account = await accountAt(context, id, databaseType);
        const all = await listDatabases(engine, accountUid(account));
        return json({ value: all.map((each) => shownDatabase(account, each)) });
      },
      put: async (call, id, name) => {
        const account = await accountAt(context, id, databaseType);
        const properties = await propertiesOf(call);
        resourceAsked(properties, name);
        const asked = await asArm(
          Promise.resolve().then(() =>
            checkServerless(isServerless(account.properties), throughputAsked(objectOf(properties["options"]))),
          ),
        );
        const existing = await findDatabase(engine, accountUid(account), name);
        const record =
          existing ??
          (await asArm(
            createDatabase(engine, accountUid(account), {
              id: name,
              ...(asked === undefined ? {} : { throughput: asked }),
            }),
          ));
        return written(context, call, shownDatabase(account, record));
      },
      delete: async (call, id, name) => {
        const account = await accountAt(context, id, databaseType);
        const found = await findDatabase(engine, accountUid(account), name);
        if (found === undefined) return empty(204);
        await deleteDatabase(engine, accountUid(account), found);
        return accepted(context.arm, { resourceId: id, startedBy: callerId(call) });
      },
    },
  };
};

const containers = (context: CosmosArm): ResourceType => {
  const { engine } = context;
  return {
    type: containerType,
    apiVersions,
    at: "group",
    tracked: false,
    source: {
      get: async (_call, id) => {
        const { account, container } = await find(context, id, containerType);
        if (container === undefined) throw notFound("container", nameOf(id));
        return json(shownContainer(account, container));
      },
      list: async (_call, id) => {
        const { account, uid, database } = await find(context, id, containerType);
        const all = await listContainers(engine, uid, database.id);
        return json({ value: all.map((each) => shownContainer(account, each)) });
      },
      put: async (call, id, name) => {
        const { account, uid, database } = await find(context, parentOf(id), containerType);
        const properties = await propertiesOf(call);
        const resource = resourceAsked(properties, name) as Definition;
        const existing = await findContainer(engine, uid, database.id, name);
        const record = await asArm(
          Promise.resolve().then(async () => {
            const serverless = isServerless(account.properties);
            const asked = checkServerless(serverless, throughputAsked(objectOf(properties["options"])));
            return existing === undefined
              ? createContainer(engine, uid, database, resource, asked ?? standardThroughput(serverless, database))
              : replaceContainer(engine, uid, existing, resource);
          }),
        );
        return written(context, call, shownContainer(account, record));
      },
      delete: async (call, id, name) => {
        const { uid, database } = await find(context, parentOf(id), containerType);
        const found = await findContainer(engine, uid, database.id, name);
        if (found === undefined) return empty(204);
        await deleteContainer(engine, uid, found);
        return accepted(context.arm, { resourceId: id, startedBy: callerId(call) });
      },
    },
  };
};

const shownThroughput = (owner: Found, ownerType: string, provisioned: Throughput): Record<string, unknown> => ({
  id: `${owner.id}/throughputSettings/default`,
  name: "default",
  type: `${ownerType}/throughputSettings`,
  properties: {
    resource:
      "manual" in provisioned
        ? { throughput: provisioned.manual, minimumThroughput: "400" }
        : {
            throughput: provisioned.autoscaleMaximum / 10,
            autoscaleSettings: { maxThroughput: provisioned.autoscaleMaximum },
            minimumThroughput: "1000",
          },
  },
});

const throughput = (context: CosmosArm, ownerType: string): ResourceType => {
  const { engine } = context;
  const read = async (id: string): Promise<{ owner: Found; provisioned: Throughput }> => {
    const owner = await find(context, parentOf(id), ownerType);
    const { throughput: provisioned } = owner.container ?? owner.database;
    if (provisioned === undefined) throw notFound("throughput setting of", nameOf(owner.id));
    return { owner, provisioned };
  };
  return {
    type: `${ownerType}/throughputSettings`,
    apiVersions,
    at: "group",
    tracked: false,
    source: {
      get: async (_call, id) => {
        const { owner, provisioned } = await read(id);
        return json(shownThroughput(owner, ownerType, provisioned));
      },
      put: async (call, id) => {
        const { owner } = await read(id);
        const asked = await asArm(
          propertiesOf(call).then((properties) => throughputAsked(objectOf(properties["resource"]))),
        );
        if (asked === undefined) throw armFault("invalidContent", { why: "properties.resource names no throughput." });
        const change = <R extends object>(record: R): R => ({ ...record, throughput: asked });
        if (owner.container === undefined) await changeDatabase(engine, owner.uid, owner.database, change);
        else await changeContainer(engine, owner.uid, owner.container, change);
        return written(context, call, shownThroughput(owner, ownerType, asked));
      },
    },
  };
};
