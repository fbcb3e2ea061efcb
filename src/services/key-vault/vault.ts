import { type Json, type JsonObject, isObject, objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import type { ObjectKind } from "./actions.ts";

export const vaultType = "Microsoft.KeyVault/vaults";

/** One entry of `properties.accessPolicies`; permissions in lower case. */
export interface AccessPolicy {
  readonly objectId: string;
  readonly applicationId: string | undefined;
  readonly permissions: Readonly<Record<ObjectKind, readonly string[]>>;
}

/** What the data plane knows of a vault. */
export interface Vault {
  readonly name: string;
  /** Canonical resource id. */
  readonly id: string;
  readonly location: string;
  /** Opaque id of its objects: a vault that is purged and made again is empty. */
  readonly uid: string;
  /** Azure RBAC decides; otherwise access policies do, never both (access.md 0.12). */
  readonly rbac: boolean;
  readonly policies: readonly AccessPolicy[];
  readonly retentionDays: number;
  readonly purgeProtection: boolean;
  /** The sku that has HSM-backed kinds of keys. */
  readonly premium: boolean;
  readonly publicAccess: boolean;
  readonly firewall: { readonly deny: boolean; readonly ipRules: readonly string[] };
}

export const vaultOf = (record: ResourceRecord): Vault => {
  const { properties } = record;
  const acls = objectOf(properties["networkAcls"]);
  return {
    name: record.name,
    id: record.id,
    location: record.location ?? "",
    uid: textOf(record.secrets?.["uid"]),
    rbac: properties["enableRbacAuthorization"] === true,
    policies: listOf(properties["accessPolicies"]).map(policyOf),
    retentionDays: retentionOf(properties),
    purgeProtection: properties["enablePurgeProtection"] === true,
    premium: textOf(objectOf(properties["sku"])["name"]).toLowerCase() === "premium",
    publicAccess: textOf(properties["publicNetworkAccess"]).toLowerCase() !== "disabled",
    firewall: {
      deny: textOf(acls["defaultAction"]).toLowerCase() === "deny",
      ipRules: listOf(acls["ipRules"]).map((rule) => textOf(objectOf(rule)["value"])),
    },
  };
};

export const retentionOf = (properties: JsonObject): number => Number(properties["softDeleteRetentionInDays"] ?? 90);

export const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);

const words = (value: unknown): readonly string[] => listOf(value).map((each) => textOf(each).toLowerCase());

const policyOf = (value: Json): AccessPolicy => {
  const policy = objectOf(value);
  const granted = objectOf(policy["permissions"]);
  const application = textOf(policy["applicationId"]).toLowerCase();
  return {
    objectId: textOf(policy["objectId"]).toLowerCase(),
    applicationId: application === "" ? undefined : application,
    permissions: {
      secrets: words(granted["secrets"]),
      keys: words(granted["keys"]),
      certificates: words(granted["certificates"]),
    },
  };
};

export const isPolicy = (value: unknown): value is JsonObject => isObject(value);
