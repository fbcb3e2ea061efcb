/** What the engine keeps, and where: databases, containers and roles in the account's partition, items in the container's. */
import type { CollectionSpec } from "../../../store/store.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A text, or "" for anything else. */
export const textOf = (value: Json | undefined): string => (typeof value === "string" ? value : "");

/** Provisioned throughput in RU/s: fixed, or the most that autoscale may reach. */
export type Throughput = { readonly manual: number } | { readonly autoscaleMaximum: number };

export interface DatabaseRecord {
  readonly id: string;
  /** 4 bytes, base64. */
  readonly rid: string;
  readonly etag: string;
  /** Seconds since the epoch, tenant clock. */
  readonly ts: number;
  readonly throughput?: Throughput;
}

/** Values of a partition key, one per level; undefined where a document has none. Shorter than the definition: a prefix. */
export type KeyValues = readonly (string | number | boolean | null | undefined)[];

export interface PartitionKeyDefinition {
  readonly paths: readonly string[];
  readonly kind: "Hash" | "MultiHash";
  readonly version: 1 | 2;
}

export interface ContainerRecord {
  readonly id: string;
  readonly database: string;
  /** 8 bytes, base64; a container that is made again has another one. */
  readonly rid: string;
  readonly etag: string;
  readonly ts: number;
  readonly partitionKey: PartitionKeyDefinition;
  /** The whole definition as clients see it, without system properties. */
  readonly definition: JsonObject;
  readonly throughput?: Throughput;
}

export interface ItemRecord {
  /** With its system properties. */
  readonly doc: JsonObject;
  /** Order of creation within the container. */
  readonly order: number;
  /** UTF-8 bytes of the JSON. */
  readonly size: number;
  /** Where the container keeps all versions: the key of this one. */
  readonly version?: string;
}

/** A version of an item, in containers that keep them: see versions.ts. */
export interface VersionRecord {
  readonly operation: "create" | "replace" | "delete";
  /** The item's key in the store. */
  readonly item: string;
  /** Seconds, tenant clock. */
  readonly at: number;
  /** The item as it was written; of a deleted one what tells which it was. */
  readonly shown: JsonObject;
  /** Its time had run out. */
  readonly expired?: true;
  /** Key of the item's version before this one. */
  readonly previous?: string;
}

/** Who holds a unique key: the item's key. */
export interface UniqueRecord {
  readonly item: string;
}

export const databaseSpec: CollectionSpec<DatabaseRecord> = {
  name: "cosmosDatabases",
  indexes: { rid: (value) => value.rid },
};
export const containerSpec: CollectionSpec<ContainerRecord> = {
  name: "cosmosContainers",
  indexes: { rid: (value) => value.rid },
};
export const itemSpec: CollectionSpec<ItemRecord> = { name: "cosmosItems" };
export const versionSpec: CollectionSpec<VersionRecord> = { name: "cosmosVersions" };
export const uniqueSpec: CollectionSpec<UniqueRecord> = { name: "cosmosUniqueKeys" };

export const accountPartition = (account: string): string => `cosmos/${account}`;
export const containerPartition = (account: string, { rid }: Pick<ContainerRecord, "rid">): string =>
  `cosmos/${account}/${rid}`;
/** Names hold no slash. */
export const containerKey = (database: string, container: string): string => `${database}/${container}`;
