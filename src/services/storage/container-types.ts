/** `blobServices` and `blobServices/containers` as ARM shows them: the same containers that the data plane serves. */
import { armFault } from "../../arm/faults.ts";
import { isObject, type JsonObject, objectOf, type ResourceRecord } from "../../arm/record.ts";
import { parentOf } from "../../arm/resource-id.ts";
import type { Resources } from "../../arm/resources.ts";
import type { ArmCall, ResourceType } from "../../arm/resource-type.ts";
import { Fault, notBuilt } from "../../kernel/fault.ts";
import { empty, json } from "../../kernel/message.ts";
import type { Store } from "../../store/store.ts";
import { accountUid } from "./accounts.ts";
import { changeContainer, createContainer, deleteContainer } from "./engine/containers.ts";
import { containerKey, type Engine } from "./engine/engine.ts";
import { leaseState } from "./engine/leases.ts";
import { listContainers } from "./engine/listing.ts";
import type { ContainerRecord, Metadata, PublicAccess } from "./engine/records.ts";
import { checkNames } from "./names.ts";
import { changeServiceProperties, type CorsRule, readServiceProperties } from "./service-properties.ts";
import { checkedRules } from "./service-properties-xml.ts";

interface Dependencies {
  readonly resources: Resources;
  readonly engine: Engine;
  readonly store: Store;
}

const apiVersions = ["2025-01-01", "2024-01-01", "2023-05-01", "2022-09-01", "2021-09-01", "2019-06-01"];
const containerType = "Microsoft.Storage/storageAccounts/blobServices/containers";
const serviceType = "Microsoft.Storage/storageAccounts/blobServices";

const accountAt = async ({ resources }: Dependencies, id: string): Promise<ResourceRecord> => {
  const at = id.toLowerCase().indexOf("/blobservices");
  const accountId = at < 0 ? id : id.slice(0, at);
  const found = await resources.get(accountId);
  if (found === undefined) throw armFault("parentNotFound", { verb: "access", type: serviceType, parent: accountId });
  return found;
};

const requireDefault = (name: string): void => {
  if (name.toLowerCase() !== "default")
    throw armFault("invalidName", { name, rule: "The only blob service of an account is named default." });
};

export const blobServiceType = (deps: Dependencies): ResourceType => ({
  type: serviceType,
  apiVersions,
  at: "group",
  tracked: false,
  source: {
    get: async (_call, id, name) => {
      requireDefault(name);
      return json(await serviceOf(deps, await accountAt(deps, id)));
    },
    list: async (_call, id) => json({ value: [await serviceOf(deps, await accountAt(deps, id))] }),
    put: async (call, id, name) => {
      requireDefault(name);
      const account = await accountAt(deps, id);
      const body = await call.body.json();
      await changeServiceProperties(deps.store, accountUid(account), changeOf(objectOf(objectOf(body)["properties"])));
      return json(await serviceOf(deps, account));
    },
  },
});

const changeOf = (asked: JsonObject): { cors?: readonly CorsRule[]; defaultServiceVersion?: string } => {
  const enabled = (name: string): boolean => objectOf(asked[name])["enabled"] === true;
  for (const name of ["deleteRetentionPolicy", "containerDeleteRetentionPolicy", "changeFeed", "restorePolicy"])
    if (enabled(name)) throw notBuilt(`${name} of a blob service`, 400);
  if (asked["isVersioningEnabled"] === true) throw notBuilt("Versioning of a blob service", 400);
  const cors = objectOf(asked["cors"])["corsRules"];
  const version = asked["defaultServiceVersion"];
  return {
    ...(Array.isArray(cors) ? { cors: checkedRules(cors.map(ruleOf)) } : {}),
    ...(typeof version === "string" ? { defaultServiceVersion: version } : {}),
  };
};

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];

const ruleOf = (value: unknown): CorsRule => {
  const rule = objectOf(value);
  return {
    origins: texts(rule["allowedOrigins"]),
    methods: texts(rule["allowedMethods"]),
    allowedHeaders: texts(rule["allowedHeaders"]),
    exposedHeaders: texts(rule["exposedHeaders"]),
    maxAge: Number(rule["maxAgeInSeconds"] ?? 0),
  };
};

const serviceOf = async ({ store }: Dependencies, account: ResourceRecord): Promise<Record<string, unknown>> => {
  const { cors = [], defaultServiceVersion } = await readServiceProperties(store, accountUid(account));
  return {
    id: `${account.id}/blobServices/default`,
    name: "default",
    type: serviceType,
    sku: account.sku,
    properties: {
      cors: {
        corsRules: cors.map((rule) => ({
          allowedOrigins: rule.origins,
          allowedMethods: rule.methods,
          allowedHeaders: rule.allowedHeaders,
          exposedHeaders: rule.exposedHeaders,
          maxAgeInSeconds: rule.maxAge,
        })),
      },
      ...(defaultServiceVersion === undefined ? {} : { defaultServiceVersion }),
      deleteRetentionPolicy: { enabled: false },
      containerDeleteRetentionPolicy: { enabled: false },
    },
  };
};

export const blobContainerType = (deps: Dependencies): ResourceType => {
  const { engine } = deps;
  const find = async (id: string, name: string): Promise<{ account: ResourceRecord; record: ContainerRecord }> => {
    const account = await accountAt(deps, id);
    const record = await engine.containers.get(containerKey({ account: accountUid(account), container: name }));
    if (record === undefined) throw containerMissing();
    return { account, record };
  };
  return {
    type: containerType,
    apiVersions,
    at: "group",
    tracked: false,
    source: {
      get: async (call, id, name) => {
        const { account, record } = await find(id, name);
        return json(shown(account, name, record, call));
      },
      list: async (call, id) => {
        requireDefault(id.slice(id.lastIndexOf("/") + 1));
        const account = await accountAt(deps, id);
        const page = await listContainers(engine, accountUid(account), {
          prefix: "",
          marker: undefined,
          limit: 100_000,
        });
        return json({ value: page.items.map(({ name, record }) => shown(account, name, record, call)) });
      },
      put: async (call, id, name) => {
        requireDefault(parentOf(id).slice(parentOf(id).lastIndexOf("/") + 1));
        const account = await accountAt(deps, id);
        checkNames(name, undefined);
        const asked = await askedOf(call, account);
        const place = { account: accountUid(account), container: name };
        if ((await engine.containers.get(containerKey(place))) !== undefined)
          return json(shown(account, name, await change(engine, place, asked), call));
        return json(shown(account, name, await createContainer(engine, place, asked), call), 201);
      },
      patch: async (call, id, name) => {
        const { account } = await find(id, name);
        const place = { account: accountUid(account), container: name };
        return json(shown(account, name, await change(engine, place, await askedOf(call, account)), call));
      },
      delete: async (_call, id, name) => {
        const account = await accountAt(deps, id);
        const place = { account: accountUid(account), container: name };
        if ((await engine.containers.get(containerKey(place))) === undefined) return empty(204);
        await deleteContainer(engine, place, { conditions: undefined, leaseId: undefined });
        return empty(200);
      },
    },
  };
};

const containerMissing = (): Fault =>
  new Fault({ status: 404, code: "ContainerNotFound", message: "The specified container does not exist." });

interface Asked {
  readonly access: PublicAccess | undefined;
  readonly metadata: Metadata | undefined;
  readonly namesAccess: boolean;
}

/** Names and values that can go out as headers. */
const metadataFrom = (given: JsonObject): Metadata => {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!/^[A-Za-z_]\w*$/.test(name) || typeof value !== "string" || !/^[\x20-\x7E]*$/.test(value))
      throw armFault("invalidContent", { why: `The metadata '${name.slice(0, 100)}' is not valid.` });
    metadata[name] = value;
  }
  return metadata;
};

/** ARM spells access levels with capitals: `None`, `Blob`, `Container` (management-sdks.md 5.3). */
const askedOf = async (call: ArmCall, account: ResourceRecord): Promise<Asked> => {
  const body = (await call.body.json()) ?? {};
  if (!isObject(body)) throw armFault("invalidContent", { why: "The request body must be a JSON object." });
  const properties = objectOf(body["properties"]);
  const level = properties["publicAccess"];
  const text = typeof level === "string" ? level.toLowerCase() : "none";
  if (text !== "none" && text !== "blob" && text !== "container")
    throw armFault("invalidContent", { why: `The public access level '${text.slice(0, 50)}' is not known.` });
  if (text !== "none" && account.properties["allowBlobPublicAccess"] !== true)
    throw new Fault({
      status: 409,
      code: "PublicAccessNotPermitted",
      message: "Public access is not permitted on this storage account.",
    });
  const metadata = properties["metadata"];
  return {
    access: text === "none" ? undefined : text,
    namesAccess: level !== undefined,
    metadata: isObject(metadata) ? metadataFrom(metadata) : undefined,
  };
};

const change = (
  engine: Engine,
  place: { account: string; container: string },
  asked: Asked,
): Promise<ContainerRecord> =>
  changeContainer(engine, place, ({ access, ...kept }) => {
    const next = asked.namesAccess ? asked.access : access;
    return {
      ...kept,
      ...(next === undefined ? {} : { access: next }),
      ...(asked.metadata === undefined ? {} : { metadata: asked.metadata }),
      etag: engine.nextEtag(),
      modified: engine.clock.now(),
    };
  });

const levels: Readonly<Record<string, string>> = { blob: "Blob", container: "Container" };

const shown = (
  account: ResourceRecord,
  name: string,
  record: ContainerRecord,
  call: ArmCall,
): Record<string, unknown> => {
  const state = leaseState(record.lease, call.clock.now());
  return {
    id: `${account.id}/blobServices/default/containers/${name}`,
    name,
    type: containerType,
    etag: `"${record.etag}"`,
    properties: {
      publicAccess: levels[record.access ?? ""] ?? "None",
      leaseStatus: state === "leased" || state === "breaking" ? "Locked" : "Unlocked",
      leaseState: `${state.charAt(0).toUpperCase()}${state.slice(1)}`,
      lastModifiedTime: new Date(record.modified).toISOString(),
      hasImmutabilityPolicy: false,
      hasLegalHold: false,
      ...(record.metadata === undefined ? {} : { metadata: record.metadata }),
      defaultEncryptionScope: "$account-encryption-key",
      denyEncryptionScopeOverride: false,
      deleted: false,
      remainingRetentionDays: 0,
    },
  };
};
