import type { Entry } from "../../../store/store.ts";
import { storageFault } from "../faults.ts";
import { containerOf, type ContainerPlace, type Engine } from "./engine.ts";
import {
  accountPartition,
  below,
  type BlobRecord,
  blobSpec,
  containerPartition,
  type ContainerRecord,
  containerSpec,
  snapshotSpec,
  stagingSpec,
} from "./records.ts";

export interface ListOptions {
  readonly prefix: string;
  readonly delimiter: string | undefined;
  /** Opaque; undefined: from the beginning. */
  readonly marker: string | undefined;
  readonly limit: number;
  readonly snapshots: boolean;
  readonly uncommitted: boolean;
}

export type ListItem =
  | { readonly kind: "blob"; readonly name: string; readonly snapshot?: string; readonly record: BlobRecord }
  | { readonly kind: "prefix"; readonly name: string };

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

/** Sorts after whatever begins with the same text, but for names that hold it themselves; those are skipped one by one. */
const last = "\u{10FFFF}";

interface Position {
  /** Strictly after this key. */
  readonly after: string | undefined;
  /** A prefix that was given out already. */
  readonly done: string | undefined;
}

const markerOf = (item: ListItem): string =>
  Buffer.from(`${item.kind === "prefix" ? "p" : "b"}${item.name}`).toString("base64url");

/** @throws Fault InvalidQueryParameterValue for what is no marker of ours */
const positionOf = (marker: string | undefined): Position => {
  if (marker === undefined || marker === "") return { after: undefined, done: undefined };
  const text = Buffer.from(marker, "base64url").toString("utf8");
  const name = text.slice(1);
  const sound = /^[\w-]+$/.test(marker) && !name.includes("\0") && name.isWellFormed() && name !== "";
  if (sound && text.startsWith("b")) return { after: name, done: undefined };
  if (sound && text.startsWith("p")) return { after: name + last, done: name };
  throw storageFault("invalidQuery", {}, { detail: { QueryParameterName: "marker", QueryParameterValue: marker } });
};

/**
 * One page of blobs in the byte order of their names; snapshots come before their blob, oldest first. With a delimiter,
 * names that share a beginning up to it become one prefix, and the walk jumps over what lies below it.
 */
export const listBlobs = async (
  engine: Engine,
  place: ContainerPlace,
  options: ListOptions,
): Promise<Page<ListItem>> => {
  const { uid } = await containerOf(engine, place);
  const own = containerPartition(place.account, uid);
  const source = options.uncommitted ? merged(engine, own) : committed(engine, own);
  const start = positionOf(options.marker);
  const { prefix, delimiter, limit } = options;
  const items: ListItem[] = [];
  let { after, done } = start;
  // One more than asked for tells whether there is a next page.
  let count = delimiter === undefined ? limit + 1 : 64;
  while (!hasMore(items, limit)) {
    const rows = await source({ prefix, after, limit: count });
    let jumped = false;
    for (const { key, value } of rows) {
      after = key;
      const group = delimiter === undefined ? undefined : groupOf(key, prefix, delimiter);
      if (group === undefined) {
        if (options.snapshots && (value.snapshots ?? 0) > 0) items.push(...(await snapshotsOf(engine, own, key)));
        items.push({ kind: "blob", name: key, record: value });
      } else {
        if (group === done) continue;
        items.push({ kind: "prefix", name: group });
        done = group;
        after = group + last;
        jumped = true;
        break;
      }
      if (hasMore(items, limit)) break;
    }
    if (rows.length < count && !jumped) break;
    // A run of prefixes reads one row each; a run of blobs reads ever larger pieces.
    count = jumped ? 2 : Math.min(count * 4, limit + 1);
  }
  return cut(items, limit);
};

/** Where a page ends: between blobs. The snapshots of a blob stay on its page, which may then be longer than asked for. */
const endOf = (items: readonly ListItem[], limit: number): number => {
  let end = Math.min(limit, items.length);
  while (end > 0 && isSnapshot(items[end - 1])) end--;
  return end === 0 ? items.findIndex((item) => !isSnapshot(item)) + 1 : end;
};

const hasMore = (items: readonly ListItem[], limit: number): boolean =>
  items.length > limit && endOf(items, limit) < items.length;

const cut = (items: readonly ListItem[], limit: number): Page<ListItem> => {
  if (!hasMore(items, limit)) return { items, next: undefined };
  const page = items.slice(0, endOf(items, limit));
  const lastItem = page.at(-1);
  return { items: page, next: lastItem === undefined ? undefined : markerOf(lastItem) };
};

const isSnapshot = (item: ListItem | undefined): boolean => item?.kind === "blob" && item.snapshot !== undefined;

const groupOf = (name: string, prefix: string, delimiter: string): string | undefined => {
  const at = name.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : name.slice(0, at + delimiter.length);
};

interface Span {
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
}

type Source = (span: Span) => Promise<readonly Pick<Entry<BlobRecord>, "key" | "value">[]>;

const rangeOf = ({ prefix, after, limit }: Span): { prefix: string; after?: string; limit: number } => ({
  prefix,
  limit,
  ...(after === undefined ? {} : { after }),
});

const committed = (engine: Engine, own: string): Source => {
  const blobs = engine.store.collection(blobSpec);
  return (span) => blobs.list(own, rangeOf(span));
};

/** Committed blobs and names that have only uncommitted blocks, in one order. */
const merged = (engine: Engine, own: string): Source => {
  const blobs = engine.store.collection(blobSpec);
  const staging = engine.store.collection(stagingSpec);
  return async (span) => {
    const found = new Map<string, BlobRecord>();
    for (const { key, value } of await staging.list(own, rangeOf(span)))
      found.set(key, {
        type: "BlockBlob",
        etag: "",
        created: value.created,
        modified: value.created,
        size: 0,
        headers: {},
        parts: [],
      });
    for (const { key, value } of await blobs.list(own, rangeOf(span))) found.set(key, value);
    return [...found]
      .map(([key, value]) => ({ key, value }))
      .toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
      .slice(0, span.limit);
  };
};

const snapshotsOf = async (engine: Engine, own: string, blob: string): Promise<ListItem[]> => {
  const prefix = below(blob, "");
  const rows = await engine.store.collection(snapshotSpec).list(own, { prefix, limit: 100_000 });
  return rows.map(({ key, value }) => ({
    kind: "blob",
    name: blob,
    snapshot: key.slice(prefix.length),
    record: value,
  }));
};

export interface ContainerItem {
  readonly name: string;
  readonly record: ContainerRecord;
}

export const listContainers = async (
  engine: Engine,
  account: string,
  options: { readonly prefix: string; readonly marker: string | undefined; readonly limit: number },
): Promise<Page<ContainerItem>> => {
  const { after } = positionOf(options.marker);
  const rows = await engine.store
    .collection(containerSpec)
    .list(accountPartition(account), rangeOf({ prefix: options.prefix, after, limit: options.limit + 1 }));
  const items = rows.slice(0, options.limit).map(({ key, value }) => ({ name: key, record: value }));
  const end = items.at(-1);
  return {
    items,
    next:
      rows.length > items.length && end !== undefined ? Buffer.from(`b${end.name}`).toString("base64url") : undefined,
  };
};
