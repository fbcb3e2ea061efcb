import { type Eventually, onceKnown } from "../../kernel/eventually.ts";
import { objectOf, type ResourceRecord, textOf } from "../../arm/record.ts";
import type { Resources } from "../../arm/resources.ts";
import type { Backup } from "./engine/engine.ts";
import { firewallOf } from "./firewall.ts";
import { type Recent, recent } from "../../arm/recent.ts";

export const accountType = "Microsoft.DocumentDB/databaseAccounts";
export const hostSuffix = ".documents.azure.com";

export const keyNames = ["primary", "secondary", "primaryReadonly", "secondaryReadonly"] as const;
export type KeyName = (typeof keyNames)[number];

/** What the data plane knows of a database account. */
export interface Account {
  readonly name: string;
  /** Canonical resource id. */
  readonly id: string;
  /** Opaque id of its data: an account that is deleted and made again is empty. */
  readonly uid: string;
  readonly keys: Readonly<Record<KeyName, Buffer>>;
  readonly localAuth: boolean;
  /** False: keys change no databases, containers, throughput or scripts. */
  readonly metadataByKey: boolean;
  /** Whether the account's firewall lets this client address in. */
  readonly admits: (address: string) => boolean;
  /** Display names, in order of failover: the first one is written to. */
  readonly locations: readonly string[];
  readonly consistency: string;
  readonly multipleWrites: boolean;
  /** Nothing is provisioned: what is used is paid for. */
  readonly serverless: boolean;
  /** Undefined: no continuous backup. */
  readonly backup: Backup | undefined;
}

export interface Accounts {
  named(name: string): Eventually<Account | undefined>;
  /** The account that a host label (`acme`, `acme-eastus`) belongs to. */
  ofLabel(label: string): Eventually<Account | undefined>;
  /** The resource was written or deleted: settings and keys take effect with the next request. */
  changed(name: string): void;
}

export const regionLabel = (location: string): string => location.toLowerCase().replaceAll(" ", "");

/** @param loaded told of each account before its data is asked for, and again after it was changed */
export const openAccounts = (resources: Pick<Resources, "named">, loaded: (account: Account) => void): Accounts => {
  const kept: Recent<Account> = recent(1000, async (name) => {
    const record = await resources.named(accountType, name);
    if (record === undefined) return undefined;
    const account = accountOf(record);
    loaded(account);
    return account;
  });
  const named = (name: string): Eventually<Account | undefined> => kept.get(name.toLowerCase());
  return {
    named,
    ofLabel: (label) =>
      onceKnown(named(label), (exact) => {
        const dash = label.lastIndexOf("-");
        if (exact !== undefined || dash < 0) return exact;
        return onceKnown(named(label.slice(0, dash)), (account) =>
          account?.locations.some((each) => regionLabel(each) === label.slice(dash + 1)) === true ? account : undefined,
        );
      }),
    changed: (name) => kept.forget(name.toLowerCase()),
  };
};

export const accountUid = (record: ResourceRecord): string => textOf(record.secrets?.["uid"]);

export const locationsOf = (record: Pick<ResourceRecord, "properties">): readonly string[] => {
  const locations = record.properties["locations"];
  return (Array.isArray(locations) ? locations : []).map((each) => textOf(objectOf(each)["locationName"]));
};

const accountOf = (record: ResourceRecord): Account => {
  const { properties, secrets = {} } = record;
  const key = (name: KeyName): Buffer => Buffer.from(textOf(secrets[name]), "base64");
  return {
    name: record.name,
    id: record.id,
    uid: accountUid(record),
    keys: {
      primary: key("primary"),
      secondary: key("secondary"),
      primaryReadonly: key("primaryReadonly"),
      secondaryReadonly: key("secondaryReadonly"),
    },
    localAuth: properties["disableLocalAuth"] !== true,
    metadataByKey: properties["disableKeyBasedMetadataWriteAccess"] !== true,
    admits: firewallOf(properties),
    locations: locationsOf(record),
    consistency: textOf(objectOf(properties["consistencyPolicy"])["defaultConsistencyLevel"]) || "Session",
    multipleWrites: properties["enableMultipleWriteLocations"] === true,
    serverless: isServerless(properties),
    backup: backupOf(properties),
  };
};

export const isServerless = (properties: ResourceRecord["properties"]): boolean => {
  const { capabilities } = properties;
  return (
    Array.isArray(capabilities) && capabilities.some((each) => textOf(objectOf(each)["name"]) === "EnableServerless")
  );
};

const days = 24 * 60 * 60;

/** https://learn.microsoft.com/azure/cosmos-db/continuous-backup-restore-introduction: 30 days unless the tier is that of 7. */
export const backupOf = (properties: ResourceRecord["properties"]): Backup | undefined => {
  const policy = objectOf(properties["backupPolicy"]);
  if (textOf(policy["type"]).toLowerCase() !== "continuous") return undefined;
  const tier = textOf(objectOf(policy["continuousModeProperties"])["tier"]).toLowerCase();
  return {
    retention: (tier === "continuous7days" ? 7 : 30) * days,
    versions: properties["enableAllVersionsAndDeletesChangeFeed"] === true,
  };
};

/** `https://acme.documents.azure.com:443/`; of a region when it is named. */
export const endpointOf = (name: string, location?: string): string =>
  `https://${name}${location === undefined ? "" : `-${regionLabel(location)}`}${hostSuffix}:443/`;
