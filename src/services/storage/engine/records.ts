import type { CollectionSpec } from "../../../store/store.ts";

/**
 * What the blob engine keeps. Containers stand in their account's partition; what lies in a container stands in a
 * partition named after the container's own id, so that one that is deleted and made again begins empty.
 */
export interface LeaseRecord {
  readonly id: string;
  /** Seconds, or -1 for ever. */
  readonly duration: number;
  /** Tenant time in ms when a fixed lease ends. */
  readonly until?: number;
  /** Tenant time in ms when a broken lease has run out. */
  readonly brokenAt?: number;
}

export interface StoredPolicy {
  readonly id: string;
  readonly start?: string;
  readonly expiry?: string;
  readonly permission?: string;
}

export type Metadata = Readonly<Record<string, string>>;
export type Tags = Readonly<Record<string, string>>;
export type PublicAccess = "blob" | "container";

export interface ContainerRecord {
  readonly uid: string;
  readonly etag: string;
  readonly modified: number;
  readonly metadata?: Metadata;
  readonly access?: PublicAccess;
  readonly policies?: readonly StoredPolicy[];
  readonly lease?: LeaseRecord;
}

export interface ContentHeaders {
  readonly type?: string;
  readonly encoding?: string;
  readonly language?: string;
  readonly disposition?: string;
  readonly cacheControl?: string;
}

/** One stretch of content. `id`: the block that it was committed as. */
export interface ContentPart {
  readonly ref: string;
  readonly size: number;
  readonly id?: string;
}

export interface CopyRecord {
  readonly id: string;
  readonly source: string;
  readonly completed: number;
}

export type BlobType = "BlockBlob" | "AppendBlob";
export type AccessTier = "Hot" | "Cool" | "Cold" | "Archive";

export interface BlobRecord {
  readonly type: BlobType;
  readonly etag: string;
  /** Tenant times in ms. */
  readonly created: number;
  readonly modified: number;
  readonly size: number;
  /** Base64. */
  readonly md5?: string;
  readonly headers: ContentHeaders;
  readonly parts: readonly ContentPart[];
  readonly metadata?: Metadata;
  readonly tags?: Tags;
  /** Absent: inferred from the account. */
  readonly tier?: AccessTier;
  readonly tierChanged?: number;
  readonly lease?: LeaseRecord;
  readonly copy?: CopyRecord;
  /** How many snapshots it has. */
  readonly snapshots?: number;
  readonly sealed?: boolean;
}

export interface BlockRecord {
  /** As the client spells it, base64. */
  readonly id: string;
  readonly ref: string;
  readonly size: number;
}

/** That a name has uncommitted blocks, and how long their ids are. */
export interface StagingRecord {
  readonly idLength: number;
  readonly created: number;
}

/** How often a content is named beyond the first time (copies, snapshots). */
export interface SharesRecord {
  readonly extra: number;
}

/** A container whose content is still to be released. */
export interface GarbageRecord {
  readonly uid: string;
}

export const containerSpec: CollectionSpec<ContainerRecord> = { name: "blob-containers" };
export const blobSpec: CollectionSpec<BlobRecord> = {
  name: "blobs",
  indexes: { tag: (value) => Object.entries(value.tags ?? {}).map(([key, tag]) => `${key}=${tag}`) },
};
export const snapshotSpec: CollectionSpec<BlobRecord> = { name: "blob-snapshots" };
export const blockSpec: CollectionSpec<BlockRecord> = { name: "blob-blocks" };
export const stagingSpec: CollectionSpec<StagingRecord> = { name: "blob-staging" };
export const sharesSpec: CollectionSpec<SharesRecord> = { name: "blob-shares" };
export const garbageSpec: CollectionSpec<GarbageRecord> = { name: "blob-garbage" };

/** Containers, shares and garbage of an account. */
export const accountPartition = (account: string): string => `storage/${account}`;
export const containerPartition = (account: string, uid: string): string => `storage/${account}/${uid}`;

/** Key of what belongs to a blob; a name cannot break out of it. */
export const below = (blob: string, rest: string): string => `${encodeURIComponent(blob)}/${rest}`;
