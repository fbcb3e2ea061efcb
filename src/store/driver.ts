/**
 * What a database has to do for a store. Everything here is plain data and knows neither types nor transactions:
 * `collections.ts` and `transactions.ts` build the contract of `store.ts` on it, the same way for every database.
 */
import type { Span } from "./keys.ts";
import type { Bytes } from "./store.ts";

export interface Row {
  readonly key: string;
  readonly json: string;
  readonly etag: string;
  readonly sequence: number;
  /** Set on rows that the driver hands out again: what `json` means is kept here, frozen. */
  readonly kept?: { value?: unknown };
}

export interface ChangedRow {
  readonly key: string;
  readonly json: string | undefined;
  readonly sequence: number;
}

export type IndexEntry = readonly [index: string, value: string];

export interface Place {
  readonly collection: string;
  readonly partition: string;
  readonly key: string;
}

export interface Write extends Place {
  /** Undefined: delete. */
  readonly json: string | undefined;
  readonly etag: string;
  /** What the entry is found by from now on. */
  readonly entries: readonly IndexEntry[];
  /** Whether the collection declares indexes, so that earlier entries have to go. */
  readonly indexed: boolean;
}

/** Holds while the entry has this etag (undefined: does not exist). */
export interface EntryCheck extends Place {
  readonly etag: string | undefined;
}

/** Holds while nothing in the partition has changed. */
export interface PartitionCheck {
  readonly partition: string;
  readonly sequence: number;
}

/** All or nothing: when every check holds, every write, attachment and release happens. */
export interface Commit {
  readonly checks: readonly EntryCheck[];
  readonly partitionChecks: readonly PartitionCheck[];
  readonly writes: readonly Write[];
  /** References of uploads. */
  readonly attach: readonly string[];
  readonly release: readonly string[];
}

export type Outcome =
  /** One sequence per write; 0 where there was nothing to delete. */
  | { readonly kind: "done"; readonly sequences: readonly number[] }
  /** A check did not hold; `exists` tells of the entry it was about. */
  | { readonly kind: "stale"; readonly exists: boolean };

export type Later<T> = T | Promise<T>;

/** A row of any partition, as an index is built from it. */
export interface IndexedRow extends Place {
  readonly json: string;
}

export interface Driver {
  get(place: Place): Later<Row | undefined>;
  list(collection: string, partition: string, span: Span): Later<Row[]>;
  find(collection: string, partition: string, entry: IndexEntry, span: Span): Later<Row[]>;
  /** Sequence of the last write in the partition; 0 when there was none. */
  sequence(partition: string): Later<number>;
  changes(collection: string, partition: string, after: number, limit: number): Later<ChangedRow[]>;
  /**
   * Makes sure that a collection's entries are found by the indexes it declares now. Rows written before an index was
   * declared get their entries from `entriesOf`, once; `indexes` is remembered.
   */
  index(collection: string, indexes: string, entriesOf: (row: IndexedRow) => readonly IndexEntry[]): Later<void>;
  /** Resolves when the outcome is durable. */
  commit(commit: Commit): Promise<Outcome>;
  readonly bytes: Bytes;
  close(): Promise<void>;
}
