import { type JsonObject, merge, objectOf, textOf } from "../../arm/record.ts";
import type { Change, Draft, ResourceType } from "../../arm/resource-type.ts";
import type { Ids } from "../../kernel/ids.ts";
import { queryValue } from "../../kernel/message.ts";
import { permissions } from "./actions.ts";
import { keyVaultArmFault } from "./faults.ts";
import type { Graveyard } from "./graveyard.ts";
import { isPolicy, listOf, vaultType } from "./vault.ts";
import type { Vaults } from "./vaults.ts";

export const apiVersions = ["2026-02-01", "2025-05-01", "2024-11-01", "2023-07-01", "2022-07-01", "2016-10-01"];

/** https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftkeyvault */
export const vaultNameRule = {
  pattern: /^(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]$/,
  text: "Vault name must be between 3-24 alphanumeric characters. The name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens.",
};

interface Dependencies {
  readonly ids: Ids;
  readonly tenantId: string;
  readonly graveyard: Graveyard;
  readonly vaults: Vaults;
}

/** `Microsoft.KeyVault/vaults`. Source: management-sdks.md 4, 5.7, 6; az-cli.md 3.1, 4.10. */
export const vaultResourceType = (deps: Dependencies): ResourceType => ({
  type: vaultType,
  apiVersions,
  at: "group",
  tracked: true,
  nameRule: vaultNameRule,
  globalName: {
    code: "VaultAlreadyExists",
    message: (name) =>
      `The vault name '${name}' is already in use. Vault names are globally unique so it is possible that the name is already taken. If you are sure that the vault name was not taken then it is possible that a vault with the same name was recently deleted but not purged after being placed in a recoverable state. If the vault is in a recoverable state then the vault will need to be purged before reusing the name. For more information on VaultAlreadyExists, soft delete and purging a vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740.`,
  },
  codes: { created: 200, updated: 200, deleted: 200 },
  write: (change) => draft(change, deps),
  written: async (record) => {
    deps.vaults.changed(record.name);
    await deps.graveyard.release(record.name);
  },
  deleting: (record) => deps.graveyard.bury(record),
  deleted: async (record) => deps.vaults.changed(record.name),
});

const draft = async (change: Change, { ids, tenantId, graveyard }: Dependencies): Promise<Draft> => {
  const { existing, name } = change;
  const asked = withoutEcho(objectOf(change.body["properties"]));
  const mode = textOf(asked["createMode"]).toLowerCase();
  const { createMode: _createMode, ...wanted } = asked;
  if (existing !== undefined) {
    await requireSwitch(change, wanted);
    return { properties: complete(existing.properties, wanted, name, tenantId), secrets: { ...existing.secrets } };
  }
  const buried = await graveyard.find(name);
  if (mode === "recover") {
    if (buried === undefined)
      throw keyVaultArmFault("deletedNotFound", { name, location: textOf(change.body["location"]) });
    if (buried.record.id.toLowerCase() !== change.id.toLowerCase())
      throw keyVaultArmFault("badRequest", { why: `The deleted vault is '${buried.record.id}'; recover it there.` });
    return { properties: buried.record.properties, secrets: { ...buried.record.secrets } };
  }
  if (buried !== undefined) throw keyVaultArmFault("softDeleted");
  if (wanted["tenantId"] === undefined) throw required("tenantId");
  if (wanted["sku"] === undefined) throw required("sku");
  return { properties: complete(defaults(change), wanted, name, tenantId), secrets: { uid: ids.guid() } };
};

const required = (name: string): Error =>
  keyVaultArmFault("badRequest", { why: `The parameter ${name} is required for a vault.` });

/** What GET shows and a client that reads, changes and writes sends back. */
const withoutEcho = ({
  vaultUri: _uri,
  provisioningState: _state,
  hsmPoolResourceId: _pool,
  privateEndpointConnections: _connections,
  ...rest
}: JsonObject): JsonObject => rest;

/** Access policies and RBAC swap only by somebody who may assign roles without restriction (access.md 3.1). */
const requireSwitch = async ({ call, existing, id }: Change, wanted: JsonObject): Promise<void> => {
  const asked = wanted["enableRbacAuthorization"];
  if (typeof asked !== "boolean" || asked === (existing?.properties["enableRbacAuthorization"] === true)) return;
  await call.require({ kind: "action", name: "Microsoft.Authorization/roleAssignments/write", scope: id });
};

/** From 2026-02-01 on a new vault that says nothing goes by Azure RBAC; before, by access policies. */
const defaults = ({ call }: Change): JsonObject => ({
  sku: { family: "A", name: "standard" },
  accessPolicies: [],
  enabledForDeployment: false,
  enabledForDiskEncryption: false,
  enabledForTemplateDeployment: false,
  enableSoftDelete: true,
  softDeleteRetentionInDays: 90,
  enableRbacAuthorization: (queryValue(call.request, "api-version") ?? "") >= "2026-02-01",
  publicNetworkAccess: "Enabled",
});

const flags = [
  "enabledForDeployment",
  "enabledForDiskEncryption",
  "enabledForTemplateDeployment",
  "enableRbacAuthorization",
  "enableSoftDelete",
  "enablePurgeProtection",
];

const bad = (why: string): Error => keyVaultArmFault("badRequest", { why });

const complete = (before: JsonObject, wanted: JsonObject, name: string, tenantId: string): JsonObject => {
  const said = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== null));
  for (const flag of flags)
    if (said[flag] !== undefined && typeof said[flag] !== "boolean") throw bad(`${flag} must be true or false.`);
  if (said["enableSoftDelete"] === false)
    throw bad(
      "The property \"enableSoftDelete\" cannot be set to false. Enabling the 'soft delete' functionality is an irreversible action.",
    );
  if (said["enablePurgeProtection"] === false && before["enablePurgeProtection"] === true)
    throw bad(
      'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.',
    );
  const sku = { ...objectOf(before["sku"]), ...objectOf(said["sku"]) };
  if (!/^(standard|premium)$/i.test(textOf(sku["name"]))) throw bad("The sku name must be 'standard' or 'premium'.");
  const tenant = textOf(said["tenantId"] ?? before["tenantId"]);
  if (tenant.toLowerCase() !== tenantId.toLowerCase())
    throw bad(`The tenant ID '${tenant.slice(0, 60)}' is not the tenant of the subscription, '${tenantId}'.`);
  checkRetention(before, said);
  const access = textOf(said["publicNetworkAccess"] ?? before["publicNetworkAccess"]);
  if (!/^(enabled|disabled)$/i.test(access)) throw bad("publicNetworkAccess must be 'Enabled' or 'Disabled'.");
  const { enablePurgeProtection, ...merged } = merge(before, said);
  return {
    ...merged,
    sku: { ...sku, family: "A" },
    tenantId,
    accessPolicies: readPolicies(said["accessPolicies"] ?? before["accessPolicies"]),
    ...(said["networkAcls"] === undefined ? {} : { networkAcls: readAcls(objectOf(said["networkAcls"])) }),
    ...(enablePurgeProtection === true ? { enablePurgeProtection } : {}),
    vaultUri: `https://${name.toLowerCase()}.vault.azure.net/`,
    provisioningState: "Succeeded",
  };
};

const checkRetention = (before: JsonObject, { softDeleteRetentionInDays: days }: JsonObject): void => {
  if (days === undefined) return;
  if (typeof days !== "number" || !Number.isInteger(days) || days < 7 || days > 90)
    throw bad("softDeleteRetentionInDays must be a number from 7 to 90.");
  if (before["vaultUri"] !== undefined && days !== before["softDeleteRetentionInDays"])
    throw bad('The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.');
};

const readAcls = (asked: JsonObject): JsonObject => {
  const action = textOf(asked["defaultAction"] ?? "Allow");
  if (!/^(allow|deny)$/i.test(action)) throw bad("networkAcls.defaultAction must be 'Allow' or 'Deny'.");
  return {
    bypass: "AzureServices",
    ipRules: [],
    virtualNetworkRules: [],
    ...asked,
    defaultAction: /^deny$/i.test(action) ? "Deny" : "Allow",
  };
};

/** Policies as they are kept; each permission must be one of its kind. @throws Fault 400 */
export const readPolicies = (value: unknown): readonly JsonObject[] =>
  listOf(value).map((policy) => {
    if (!isPolicy(policy)) throw bad("An access policy must be an object.");
    const objectId = textOf(policy["objectId"]);
    if (!/^[0-9a-f-]{36}$/i.test(objectId)) throw bad("An access policy needs the objectId of a principal, a GUID.");
    const granted = objectOf(policy["permissions"]);
    const kept: Record<string, JsonObject[string]> = {};
    for (const [kind, known] of Object.entries(permissions)) {
      if (granted[kind] === undefined || granted[kind] === null) continue;
      const words = listOf(granted[kind]).map((word) => textOf(word));
      const unknown = words.find((word) => !known.includes(word.toLowerCase()));
      if (unknown !== undefined) throw bad(`'${unknown.slice(0, 40)}' is not a permission of ${kind}.`);
      kept[kind] = words;
    }
    const application = textOf(policy["applicationId"]);
    return {
      tenantId: textOf(policy["tenantId"]),
      objectId,
      ...(application === "" ? {} : { applicationId: application }),
      permissions: kept,
    };
  });
