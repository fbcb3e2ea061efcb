import { type Eventually } from "../../kernel/eventually.ts";
import type { ResourceRecord } from "../../arm/record.ts";
import type { Resources } from "../../arm/resources.ts";
import { recent } from "../../arm/recent.ts";
import { firewallOf } from "./firewall.ts";
import type { Account } from "./target.ts";

export const accountType = "Microsoft.Storage/storageAccounts";

/** Storage accounts as the data plane sees them, by name; in memory until their resource changes. */
export interface Accounts {
  named(name: string): Eventually<Account | undefined>;
  /** The resource was written or deleted: settings and keys take effect with the next request. */
  changed(name: string): void;
}

/** @param opened told of each account when its data is first asked for */
export const openAccounts = (resources: Pick<Resources, "named">, opened: (account: Account) => void): Accounts => {
  const seen = new Set<string>();
  const kept = recent(1000, async (name) => {
    const record = await resources.named(accountType, name);
    if (record === undefined) return undefined;
    const account = accountOf(record);
    if (!seen.has(account.uid)) opened(account);
    seen.add(account.uid);
    return account;
  });
  return { named: (name) => kept.get(name.toLowerCase()), changed: (name) => kept.forget(name.toLowerCase()) };
};

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const bytes = (value: unknown): Buffer => Buffer.from(text(value), "base64");

export const accountOf = (record: ResourceRecord): Account => {
  const { properties, secrets = {} } = record;
  return {
    name: record.name,
    id: record.id,
    uid: accountUid(record),
    key1: bytes(secrets["key1"]),
    key2: bytes(secrets["key2"]),
    delegationSecret: bytes(secrets["delegation"]),
    publicAccess: properties["allowBlobPublicAccess"] === true,
    // Absent means allowed (storage.md 4.6).
    sharedKey: properties["allowSharedKeyAccess"] !== false,
    httpsOnly: properties["supportsHttpsTrafficOnly"] !== false,
    admits: firewallOf(properties),
    sku: text(record.sku?.["name"]),
    kind: record.kind ?? "StorageV2",
    hierarchical: properties["isHnsEnabled"] === true,
  };
};

/** Opaque id of an account's data. */
export const accountUid = (record: ResourceRecord): string => text(record.secrets?.["uid"]);
