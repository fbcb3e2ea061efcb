/** `Microsoft.DocumentDB/databaseAccounts`. Source: management-sdks.md 5.8, az-cli.md 3.1 and 4.12. */
import { armFault } from "../../../arm/faults.ts";
import { isObject, type JsonObject, merge, objectOf, type ResourceRecord, textOf } from "../../../arm/record.ts";
import type { Change, Draft, ResourceType } from "../../../arm/resource-type.ts";
import { notBuilt } from "../../../kernel/fault.ts";
import type { Ids } from "../../../kernel/ids.ts";
import { json } from "../../../kernel/message.ts";
import {
  accountType,
  accountUid,
  backupOf,
  endpointOf,
  keyNames,
  type KeyName,
  locationsOf,
  regionLabel,
} from "../accounts.ts";
import { ipRulesOf, rangeOf } from "../firewall.ts";
import { apiVersions, type CosmosArm } from "./context.ts";

/** https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules */
const nameRule = {
  pattern: /^[a-z0-9](?:[a-z0-9-]{1,42})[a-z0-9]$/,
  text: "Use 3 to 44 lower-case letters, digits and hyphens; a hyphen can neither begin nor end the name.",
};

type Context = CosmosArm & { readonly dropData: (uid: string) => Promise<void> };

/** Words that region names are made of, longest first. */
const words =
  /^(north|south|east|west)?(central|east|west)?(us|europe|asia|india|australia|korea|japan|france|germany|uk|brazil|canada|norway|switzerland|uae|sweden|poland|italy|qatar|israel|mexico|spain|africa)?(north|south|east|west|central)?(\d)?$/;

/** `eastus` -> `East US`; a name with spaces stays as it is. */
export const displayName = (location: string): string => {
  if (/[ A-Z]/.test(location)) return location;
  const parts = words
    .exec(location)
    ?.slice(1)
    .filter((part) => part !== undefined && part !== "");
  if (parts === undefined) return location;
  return parts
    .map((part) => (/^(us|uk|uae)$/.test(part) ? part.toUpperCase() : part.charAt(0).toUpperCase() + part.slice(1)))
    .join(" ");
};

const newKey = (ids: Ids): string => ids.bytes(64).toString("base64");

export const accountTypes = (context: Context): readonly ResourceType[] => {
  const { arm, accounts, dropData } = context;
  const keysOf = ({ secrets = {} }: ResourceRecord): Record<string, unknown> => ({
    primaryMasterKey: secrets["primary"],
    secondaryMasterKey: secrets["secondary"],
    ...readonlyKeysOf({ secrets }),
  });
  return [
    {
      type: accountType,
      apiVersions,
      at: "group",
      tracked: true,
      identity: true,
      nameRule,
      globalName: {
        code: "DatabaseAccountNameAlreadyExists",
        message: (name) => `DatabaseAccount name '${name}' already exists.`,
      },
      codes: { created: 200, updated: 200, deleted: 202 },
      write: (change) => draft(change, arm.ids),
      written: (record) => Promise.resolve(accounts.changed(record.name)),
      deleting: async (record) => {
        accounts.changed(record.name);
        await dropData(accountUid(record));
      },
      deleted: async (record) => {
        accounts.changed(record.name);
        // What was written between the sweep above and the end of the account.
        await dropData(accountUid(record));
      },
      present: shown,
      actions: [
        { name: "listKeys", handle: (_call, record) => json(keysOf(record)) },
        { name: "readonlykeys", handle: (_call, record) => json(readonlyKeysOf(record)) },
        {
          name: "listConnectionStrings",
          handle: (_call, record) => json({ connectionStrings: connectionStringsOf(record) }),
        },
        {
          name: "regenerateKey",
          handle: async (call, record) => {
            const body = await call.body.json();
            const kind = isObject(body) ? textOf(body["keyKind"]) : "";
            const name = keyNames.find((each) => each.toLowerCase() === kind.toLowerCase());
            if (name === undefined)
              throw armFault("invalidContent", { why: `keyKind must be one of ${keyNames.join(", ")}.` });
            const key = newKey(arm.ids);
            await arm.resources.update(record.id, (kept) => ({ ...kept, secrets: { ...kept.secrets, [name]: key } }));
            accounts.changed(record.name);
            return { status: 200 };
          },
        },
      ],
    },
  ];
};

const readonlyKeysOf = ({ secrets = {} }: Pick<ResourceRecord, "secrets">): Record<string, unknown> => ({
  primaryReadonlyMasterKey: secrets["primaryReadonly"],
  secondaryReadonlyMasterKey: secrets["secondaryReadonly"],
});

const titles: Readonly<Record<KeyName, readonly [string, string]>> = {
  primary: ["Primary SQL Connection String", "Primary"],
  secondary: ["Secondary SQL Connection String", "Secondary"],
  primaryReadonly: ["Primary Read-Only SQL Connection String", "PrimaryReadonly"],
  secondaryReadonly: ["Secondary Read-Only SQL Connection String", "SecondaryReadonly"],
};

const connectionStringsOf = ({ name, secrets = {} }: ResourceRecord): unknown[] =>
  keyNames.map((each) => {
    const [description, keyKind] = titles[each];
    const connectionString = `AccountEndpoint=${endpointOf(name)};AccountKey=${textOf(secrets[each])};`;
    return { connectionString, description, keyKind, type: "Sql" };
  });

const draft = (change: Change, ids: Ids): Draft => {
  const { body, existing } = change;
  const asked = objectOf(body["properties"]);
  const kind = textOf(body["kind"]) || (existing?.kind ?? "GlobalDocumentDB");
  if (kind !== "GlobalDocumentDB") throw notBuilt(`A Cosmos DB account of kind '${kind.slice(0, 50)}'`, 400);
  for (const capability of Array.isArray(asked["capabilities"]) ? asked["capabilities"] : []) {
    const name = textOf(objectOf(capability)["name"]);
    if (/^Enable(?:Cassandra|Table|Gremlin|Mongo)/.test(name)) throw notBuilt(`The capability ${name}`, 400);
  }
  checkAccess(asked);
  const base = existing?.properties ?? defaults(change);
  checkBackup(base, asked, existing !== undefined);
  const locations = locationsAsked(asked["locations"]);
  const secrets = existing?.secrets ?? {
    uid: ids.guid(),
    ...Object.fromEntries(keyNames.map((name) => [name, newKey(ids)])),
  };
  const { locations: _, ...rest } = asked;
  const properties = merge(base, locations === undefined ? rest : { ...rest, locations });
  return { kind, secrets, properties: { ...properties, backupPolicy: ownMode(objectOf(properties["backupPolicy"])) } };
};

/**
 * Continuous backup cannot be left again, and all versions and deletes need it; they are switched on for an account that
 * exists (learn.microsoft.com/azure/cosmos-db/change-feed-modes). @throws 400
 */
const checkBackup = (before: JsonObject, asked: JsonObject, exists: boolean): void => {
  const policy = asked["backupPolicy"] ?? before["backupPolicy"];
  const continuous = backupOf({ backupPolicy: policy }) !== undefined;
  if (backupOf(before) !== undefined && !continuous)
    throw armFault("invalidContent", { why: "Continuous backup mode cannot be changed back to periodic." });
  if (asked["enableAllVersionsAndDeletesChangeFeed"] === true && !(exists && continuous))
    throw armFault("invalidContent", {
      why: "enableAllVersionsAndDeletesChangeFeed can be set on an existing account with continuous backup.",
    });
};

/** A policy shows the settings of its own mode. */
const ownMode = (policy: JsonObject): JsonObject => {
  const { periodicModeProperties, continuousModeProperties, ...rest } = policy;
  if (backupOf({ backupPolicy: policy }) === undefined) return { ...rest, periodicModeProperties };
  return { ...rest, continuousModeProperties: continuousModeProperties ?? { tier: "Continuous30Days" } };
};

const switches = ["disableLocalAuth", "disableKeyBasedMetadataWriteAccess", "isVirtualNetworkFilterEnabled"];
const networkAccess = ["enabled", "disabled", "securedbyperimeter"];

/** What closes the account must be understood: kept as anything else it would be shown as set, and close nothing. @throws 400 */
const checkAccess = (asked: JsonObject): void => {
  const refuse = (why: string): never => {
    throw armFault("invalidContent", { why });
  };
  for (const name of switches)
    if (typeof (asked[name] ?? false) !== "boolean") refuse(`${name} must be true or false.`);
  const access = asked["publicNetworkAccess"] ?? "Enabled";
  if (typeof access !== "string" || !networkAccess.includes(access.toLowerCase()))
    refuse("publicNetworkAccess must be Enabled, Disabled or SecuredByPerimeter.");
  if (!Array.isArray(asked["ipRules"] ?? [])) refuse("ipRules must be a list.");
  for (const rule of ipRulesOf(asked))
    if (rangeOf(rule) === undefined)
      refuse(`'${rule.slice(0, 50)}' in ipRules is neither an IPv4 address nor a range of them (203.0.113.0/24).`);
};

/** @throws 400 */
const locationsAsked = (value: unknown): JsonObject[] | undefined => {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const read = value.map((each: unknown, index) => {
    const one = objectOf(each);
    const name = textOf(one["locationName"]);
    if (name === "") throw armFault("invalidContent", { why: "Every location needs a locationName." });
    return {
      locationName: displayName(name),
      failoverPriority: typeof one["failoverPriority"] === "number" ? one["failoverPriority"] : index,
      isZoneRedundant: one["isZoneRedundant"] === true,
    };
  });
  return read.toSorted((a, b) => a.failoverPriority - b.failoverPriority);
};

const defaults = ({ body }: Change): JsonObject => ({
  databaseAccountOfferType: "Standard",
  locations: [
    {
      locationName: displayName(textOf(body["location"]).toLowerCase().replaceAll(" ", "")),
      failoverPriority: 0,
      isZoneRedundant: false,
    },
  ],
  consistencyPolicy: { defaultConsistencyLevel: "Session", maxIntervalInSeconds: 5, maxStalenessPrefix: 100 },
  enableAutomaticFailover: false,
  enableMultipleWriteLocations: false,
  enableFreeTier: false,
  enableAnalyticalStorage: false,
  isVirtualNetworkFilterEnabled: false,
  virtualNetworkRules: [],
  ipRules: [],
  disableKeyBasedMetadataWriteAccess: false,
  disableLocalAuth: false,
  publicNetworkAccess: "Enabled",
  minimalTlsVersion: "Tls12",
  networkAclBypass: "None",
  backupPolicy: {
    type: "Periodic",
    periodicModeProperties: {
      backupIntervalInMinutes: 240,
      backupRetentionIntervalInHours: 8,
      backupStorageRedundancy: "Geo",
    },
  },
  enableAllVersionsAndDeletesChangeFeed: false,
  networkAclBypassResourceIds: [],
  capabilities: [],
  cors: [],
  keysMetadata: {},
});

const shown = (record: ResourceRecord): JsonObject => {
  const { name, properties } = record;
  const names = locationsOf(record);
  const locations = names.map((locationName, failoverPriority) => ({
    id: `${name}-${regionLabel(locationName)}`,
    locationName,
    documentEndpoint: names.length === 1 ? endpointOf(name) : endpointOf(name, locationName),
    provisioningState: "Succeeded",
    failoverPriority,
    isZoneRedundant: false,
  }));
  const several = properties["enableMultipleWriteLocations"] === true;
  return {
    ...properties,
    documentEndpoint: endpointOf(name),
    EnabledApiTypes: "Sql",
    instanceId: accountUid(record),
    locations,
    readLocations: locations,
    writeLocations: several ? locations : locations.slice(0, 1),
    failoverPolicies: locations.map(({ id, locationName, failoverPriority }) => ({
      id,
      locationName,
      failoverPriority,
    })),
  };
};
