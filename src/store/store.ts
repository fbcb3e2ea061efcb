/**
 * The state of a tenant: typed collections of JSON values, transactions over declared partitions, and byte
 * streams. Three drivers (memory, SQLite, PostgreSQL) pass one contract suite.
 *
 * Rules: keys are compared by UTF-8 byte order; a transaction's function may run several times; **a promise
 * that resolved means the write is on disk** (memory excepted); nothing here knows Azure.
 */
import type { Readable } from "node:stream";

export interface Entry<T> {
  readonly key: string;
  readonly value: T;
  /** Opaque, changes with every write of the entry. */
  readonly etag: string;
  /**
   * Position of the entry's last write in its partition's change order; grows only. What `put` returns inside a
   * transaction has 0 until the transaction has committed, and the true one from then on.
   */
  readonly sequence: number;
}

/** What a collection holds. Declared once, beside the code that owns it. */
export interface CollectionSpec<T> {
  readonly name: string;
  /** Index name -> the values an entry is found by (undefined or empty: not in the index). */
  readonly indexes?: Readonly<Record<string, (value: T, key: string) => string | readonly string[] | undefined>>;
  /** Top-level members of the value that are sealed (AES-256-GCM) at rest. */
  readonly sealed?: readonly (keyof T & string)[];
}

/** `ifMatch`: the entry exists with this etag. `ifNoneMatch: "*"`: it does not exist. */
export type Condition = { readonly ifMatch: string } | { readonly ifNoneMatch: "*" };

export interface Range {
  /** Only keys (or index values) beginning with this. */
  readonly prefix?: string;
  /** Only keys (with `find`: entries) strictly after this key, in byte order. */
  readonly after?: string;
  /** At most this many; default 1000. */
  readonly limit?: number;
}

export interface Collection<T> {
  get(partition: string, key: string): Promise<Entry<T> | undefined>;
  /** Entries in key order. */
  list(partition: string, range?: Range): Promise<Entry<T>[]>;
  /** Entries whose index holds exactly `value`, in key order. */
  find(partition: string, index: string, value: string, range?: Omit<Range, "prefix">): Promise<Entry<T>[]>;
  /** @throws ConditionFailed */
  put(partition: string, key: string, value: T, condition?: Condition): Promise<Entry<T>>;
  /** False when there was nothing to delete. @throws ConditionFailed */
  delete(partition: string, key: string, condition?: Condition): Promise<boolean>;
}

export interface Scope {
  collection<T>(spec: CollectionSpec<T>): Collection<T>;
}

export interface Change<T> {
  readonly sequence: number;
  readonly key: string;
  /** Undefined: the entry was deleted. */
  readonly value: T | undefined;
}

/** A finished upload that no row names yet. Durable once `Store.transact` that attaches it has resolved. */
export interface Upload {
  readonly ref: string;
  readonly size: number;
  /** MD5 of the bytes, 16 bytes. */
  readonly md5: Buffer;
}

/** A byte range [start, end) of a stored content; by default all of it. */
export interface Part {
  readonly ref: string;
  readonly start?: number;
  readonly end?: number;
}

/** Byte streams, apart from collections. Small contents live in the database, large ones in files. */
export interface Bytes {
  /**
   * Takes a stream in. Stops with `TooLarge` beyond `limit` bytes, the rest of a `Readable` left unread (it is not
   * destroyed, so that a refusal can still be sent); a stream that fails leaves nothing behind.
   * Bytes that are all there already are taken as they are; nobody may change them afterwards.
   * The bytes of a file are synced before this resolves; small contents become durable with `attach`.
   */
  receive(source: AsyncIterable<Uint8Array> | Uint8Array, options?: { readonly limit?: number }): Promise<Upload>;
  /** Byte range [start, end) of a stored content. */
  read(ref: string, start?: number, end?: number): Readable;
  /**
   * Several contents, or byte ranges [start, end) of them, as one stream (a blob of many blocks). From this call until
   * the stream has closed none of them vanishes, whatever is released meanwhile. Consume or destroy the stream.
   */
  join(parts: readonly Part[]): Readable;
  /** All of a small content at once (undefined when the ref is not stored inline). */
  inline(ref: string): Promise<Buffer | undefined>;
  /** Forgets an upload that was never attached. */
  discard(ref: string): Promise<void>;
}

export interface Transaction extends Scope {
  /** Makes an upload durable together with this transaction's rows. */
  attach(upload: Upload): void;
  /** Releases a content after this transaction has committed and its last reader has closed. */
  release(ref: string): void;
}

/** A row as it is stored. */
export interface StoredText {
  readonly key: string;
  /** The value's JSON. Undefined, in changes: the entry was deleted. */
  readonly json: string | undefined;
  readonly sequence: number;
}

/** What of a collection matters to those who do not read its values. */
export type PlainSpec = Pick<CollectionSpec<never>, "name" | "sealed">;

/**
 * Rows without what they mean, for those who hand them to another thread, which reads them there. Not for collections with
 * sealed members.
 */
export interface Texts {
  /** Entries in key order, all of one moment. */
  list(spec: PlainSpec, partition: string, range?: Range): Promise<StoredText[]>;
  /** As `Store.changes`, all of one moment. */
  changes(spec: PlainSpec, partition: string, after: number, limit?: number): Promise<StoredText[]>;
  /** Sequence of the last write in the partition, of whatever collection; 0 when there was none. */
  sequence(partition: string): Promise<number>;
}

export interface Store extends Scope {
  /**
   * Runs `work` over the named partitions, all or nothing. `work` may run again after a conflict, so it must have no
   * effects beyond the transaction. Reading or writing a partition that was not named throws.
   */
  transact<R>(partitions: readonly string[], work: (tx: Transaction) => Promise<R>): Promise<R>;
  /** Changes of a partition after a sequence, oldest first; only the last change of a key is kept. */
  changes<T>(spec: CollectionSpec<T>, partition: string, after: number, limit?: number): Promise<Change<T>[]>;
  readonly texts: Texts;
  readonly bytes: Bytes;
  close(): Promise<void>;
}

/** A compare-and-set found something else than the caller expected. */
export class ConditionFailed extends Error {
  readonly exists: boolean;
  constructor(exists: boolean) {
    super(exists ? "The entry exists with another etag." : "The entry does not exist.");
    this.name = "ConditionFailed";
    this.exists = exists;
  }
}

/** A transaction lost to other writers as often as the store allows. Safe to try again. */
export class Contended extends Error {
  constructor(partitions: readonly string[], attempts: number) {
    super(
      `A transaction over ${JSON.stringify(partitions)} was given up after ${attempts} runs, because other writers ` +
        "changed what it had read each time. Try again, or read less in it.",
    );
    this.name = "Contended";
  }
}

/** The state on disk cannot be used: damaged, written by a newer version, open elsewhere, or the disk is full. */
export class StateUnusable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StateUnusable";
  }
}

/** A stream went beyond its limit. */
export class TooLarge extends Error {
  readonly limit: number;
  constructor(limit: number) {
    super(`The content is larger than ${limit} bytes.`);
    this.name = "TooLarge";
    this.limit = limit;
  }
}
