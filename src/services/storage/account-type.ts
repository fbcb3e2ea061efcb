import { armFault } from "../../arm/faults.ts";
import { isObject, type JsonObject, merge, objectOf, type ResourceRecord } from "../../arm/record.ts";
import type { Resources } from "../../arm/resources.ts";
import type { ArmCall, ArmTarget, Change, Draft, ResourceType } from "../../arm/resource-type.ts";
import type { Clock } from "../../kernel/clock.ts";
import { Fault, notBuilt } from "../../kernel/fault.ts";
import type { Ids } from "../../kernel/ids.ts";
import { json, type Reply } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { type Accounts, accountType, accountUid } from "./accounts.ts";

/** https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules */
const nameRule = {
  pattern: /^[a-z0-9]{3,24}$/,
  text: "Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only.",
};

interface Dependencies {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly resources: Resources;
  readonly accounts: Accounts;
  /** Deletes all data of an account. */
  readonly dropData: (uid: string) => Promise<void>;
}

/** `Microsoft.Storage/storageAccounts`. Source: management-sdks.md 4, 5.3; az-cli.md 3.1, 4.8. */
export const storageAccountType = (deps: Dependencies): ResourceType => ({
  type: accountType,
  apiVersions: ["2025-01-01", "2024-01-01", "2023-05-01", "2023-01-01", "2022-09-01", "2021-09-01", "2019-06-01"],
  at: "group",
  tracked: true,
  identity: true,
  nameRule,
  globalName: {
    code: "StorageAccountAlreadyTaken",
    message: (name) => `The storage account named ${name} is already taken.`,
  },
  codes: { created: 200, updated: 200, deleted: 200 },
  write: (change) => draft(change, deps),
  written: async (record) => deps.accounts.changed(record.name),
  deleting: async (record) => {
    deps.accounts.changed(record.name);
    await deps.dropData(accountUid(record));
  },
  deleted: async (record) => {
    deps.accounts.changed(record.name);
    // What was written between the sweep above and the end of the account.
    await deps.dropData(accountUid(record));
  },
  actions: [
    { name: "listKeys", handle: (_call, record) => json({ keys: keysOf(record) }) },
    { name: "regenerateKey", handle: (call, record) => regenerateKey(call, record, deps) },
    { name: "revokeUserDelegationKeys", handle: (_call, record) => revokeDelegation(record, deps) },
  ],
});

const newKey = (ids: Ids): string => ids.bytes(64).toString("base64");

const kinds = ["StorageV2", "Storage", "BlobStorage", "BlockBlobStorage", "FileStorage"];

const draft = (change: Change, { clock, ids }: Dependencies): Draft => {
  const { body, existing } = change;
  const asked = objectOf(body["properties"]);
  if (asked["isHnsEnabled"] === true && existing?.properties["isHnsEnabled"] !== true)
    throw notBuilt("A storage account with a hierarchical namespace", 400);
  const sku = skuOf(change);
  const kind = typeof body["kind"] === "string" ? body["kind"] : (existing?.kind ?? "StorageV2");
  if (!kinds.includes(kind)) throw armFault("invalidContent", { why: `The account kind '${kind}' is not known.` });
  const now = new Date(clock.now()).toISOString();
  const secrets = existing?.secrets ?? {
    uid: ids.guid(),
    key1: newKey(ids),
    key2: newKey(ids),
    delegation: newKey(ids),
  };
  return {
    kind,
    sku,
    secrets,
    properties: merge(existing?.properties ?? defaults(change, now), asked),
  };
};

const skuOf = ({ body, existing, verb }: Change): JsonObject => {
  const asked = body["sku"];
  if (asked === undefined && (verb === "PATCH" || existing !== undefined)) return existing?.sku ?? {};
  const name = isObject(asked) ? asked["name"] : undefined;
  if (typeof name !== "string" || !/^(Standard|Premium)(V2)?_(LRS|ZRS|GRS|RAGRS|GZRS|RAGZRS)$/i.test(name))
    throw new Fault({
      status: 400,
      code: "InvalidRequestPropertyValue",
      message: `The value '${typeof name === "string" ? name : ""}' is not allowed for property sku.name.`,
    });
  return { name, tier: /^premium/i.test(name) ? "Premium" : "Standard" };
};

const defaults = ({ name, body }: Change, now: string): JsonObject => {
  const endpoint = (service: string): string => `https://${name}.${service}.core.windows.net/`;
  const asked = body["location"];
  const location = typeof asked === "string" ? asked.toLowerCase().replaceAll(" ", "") : "";
  return {
    provisioningState: "Succeeded",
    creationTime: now,
    keyCreationTime: { key1: now, key2: now },
    primaryLocation: location,
    statusOfPrimary: "available",
    primaryEndpoints: {
      blob: endpoint("blob"),
      queue: endpoint("queue"),
      table: endpoint("table"),
      file: endpoint("file"),
      dfs: endpoint("dfs"),
      web: `https://${name}.z13.web.core.windows.net/`,
    },
    accessTier: "Hot",
    supportsHttpsTrafficOnly: true,
    minimumTlsVersion: "TLS1_2",
    allowBlobPublicAccess: false,
    networkAcls: { bypass: "AzureServices", virtualNetworkRules: [], ipRules: [], defaultAction: "Allow" },
    encryption: {
      services: {
        blob: { enabled: true, keyType: "Account", lastEnabledTime: now },
        file: { enabled: true, keyType: "Account", lastEnabledTime: now },
      },
      keySource: "Microsoft.Storage",
    },
    privateEndpointConnections: [],
  };
};

const keysOf = (record: ResourceRecord): unknown[] =>
  ["key1", "key2"].map((keyName) => ({
    keyName,
    value: record.secrets?.[keyName],
    permissions: "FULL",
    creationTime: objectOf(record.properties["keyCreationTime"])[keyName],
  }));

const regenerateKey = async (call: ArmCall, record: ResourceRecord, deps: Dependencies): Promise<Reply> => {
  const body = await call.body.json();
  const keyName = isObject(body) ? body["keyName"] : undefined;
  if (keyName !== "key1" && keyName !== "key2")
    throw armFault("invalidContent", { why: "keyName must be key1 or key2." });
  const key = newKey(deps.ids);
  const now = new Date(deps.clock.now()).toISOString();
  const changed = await deps.resources.update(record.id, (kept) => ({
    ...kept,
    secrets: { ...kept.secrets, [keyName]: key },
    properties: merge(kept.properties, { keyCreationTime: { [keyName]: now } }),
  }));
  deps.accounts.changed(record.name);
  return json({ keys: keysOf(changed ?? record) });
};

const revokeDelegation = async (record: ResourceRecord, deps: Dependencies): Promise<Reply> => {
  const delegation = newKey(deps.ids);
  await deps.resources.update(record.id, (kept) => ({ ...kept, secrets: { ...kept.secrets, delegation } }));
  deps.accounts.changed(record.name);
  return { status: 200 };
};

const operation = operationsOf<
  ArmTarget,
  `${typeof accountType}/${string}` | "Microsoft.Storage/checknameavailability/read",
  never
>();

/** Operations of the provider that are no resource's. */
export const storageArmOperations = (resources: Resources): readonly AnyOperation<ArmTarget>[] => [
  operation({
    name: "StorageAccounts_CheckNameAvailability",
    method: "POST",
    path: "/subscriptions/:subscriptionid/providers/microsoft.storage/checknameavailability",
    bodyLimit: 64 * 1024,
    needs: {
      action: "Microsoft.Storage/checknameavailability/read",
      at: (call) => `/subscriptions/${call.parameters.subscriptionid}`,
    },
    handle: async (call) => {
      const body = await call.body.json();
      const name = isObject(body) && typeof body["name"] === "string" ? body["name"] : "";
      if (!nameRule.pattern.test(name))
        return json({
          nameAvailable: false,
          reason: "AccountNameInvalid",
          message: `${name} is not a valid storage account name. ${nameRule.text}`,
        });
      if ((await resources.named(accountType, name)) === undefined) return json({ nameAvailable: true });
      return json({
        nameAvailable: false,
        reason: "AlreadyExists",
        message: `The storage account named ${name} is already taken.`,
      });
    },
  }),
];
