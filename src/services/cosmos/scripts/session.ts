/** What a script may do with its logical partition: the server-side API's operations, over an overlay of the store. */
import { readCharge, writeCharge } from "../engine/charges.ts";
import { fingerprint, readToken, writeToken } from "../engine/continuation.ts";
import { isObject } from "../engine/definition.ts";
import { isExpired, nowSeconds, type Place, type Scene, type Engine } from "../engine/engine.ts";
import { pageSizeOf, rowsOf } from "../engine/feed.ts";
import { createItem, deleteItem, etagOf, readItem, replaceItem, upsertItem } from "../engine/items.ts";
import type { Pages } from "../engine/pages.ts";
import { epkOfKey, partitionPrefix } from "../engine/partition-key.ts";
import { everything } from "../engine/everything.ts";
import type { PreparedQuery } from "../engine/query-port.ts";
import {
  containerPartition,
  itemSpec,
  type ItemRecord,
  type Json,
  type JsonObject,
  type KeyValues,
  textOf,
} from "../engine/records.ts";
import { compareRows, type Row } from "../engine/rows.ts";
import { badRequest, cosmosFault } from "../faults.ts";
import { openOverlay, type Overlay, Stale } from "./overlay.ts";

export interface Session {
  /** For what is not asked by the script but done around it, in the same transaction. */
  readonly scene: Scene;
  /** An operation of a script. @returns JSON text for the prelude; errors of the operation are in it */
  perform(operation: string, payload: string): Promise<string>;
  /** Within a transaction of the store. @throws Stale @returns to be called when the transaction has committed */
  commit(scene: Scene): Promise<() => void>;
  /** Request units of what was done so far. */
  readonly units: () => number;
  /** Of what was written, once it is committed; 0 when nothing was. */
  readonly lsn: () => number;
}

export interface SessionOptions {
  readonly engine: Engine;
  readonly place: Place;
  readonly values: KeyValues;
  readonly pages: Pages;
  /** @throws Fault */
  readonly prepare: (spec: JsonObject) => Promise<PreparedQuery>;
}

const conditions = (etag: Json | undefined) => ({ ifMatch: textOf(etag) || undefined, ifNoneMatch: undefined });

/** What scripts see of a document: they might write down anything else in its place. */
const objectOf = (value: Json | undefined): JsonObject => {
  if (!isObject(value))
    throw badRequest("The document body must be an object or a string representing a JSON-serialized object.");
  return value;
};

export const openSession = (options: SessionOptions): Session => {
  const { engine, place, values, pages, prepare } = options;
  const { account, container } = place;
  const overlay: Overlay = openOverlay(engine.store);
  const now = nowSeconds(engine);
  const partition = containerPartition(account, container);
  const source = engine.sources(partition);
  const scene: Scene = { engine, account, container, tx: overlay.tx, partition, now };
  let units = 0;
  /** The logical partition as it was when it was first looked through. */
  let stored: ReadonlyMap<string, Row> | undefined;
  /** The container's sequence before that. */
  let storedAt = -1;
  /** What was found there matters: nobody may have come or gone before the commit. */
  let searched = false;

  /** Ids by rid, of items that were seen. */
  const seen = new Map<string, string>();
  const see = (doc: JsonObject): void => void seen.set(textOf(doc["_rid"]), textOf(doc["id"]));
  let view: { readonly rows: readonly Row[]; readonly changes: number } | undefined;

  const storedRows = async (): Promise<ReadonlyMap<string, Row>> => {
    if (stored === undefined) {
      storedAt = await source.sequence();
      const { rows: found } = await rowsOf(engine, place, { key: values, range: undefined });
      stored = new Map(found.map((row) => [row.key, row]));
      for (const { doc } of found) see(doc);
    }
    return stored;
  };
  /** With the script's own writes. */
  const rows = async (): Promise<readonly Row[]> => {
    const base = await storedRows();
    const changes = overlay.changes();
    if (view?.changes !== changes) view = { rows: laidOver(base), changes };
    return view.rows;
  };
  const laidOver = (base: ReadonlyMap<string, Row>): readonly Row[] => {
    const found = new Map(base);
    for (const { spec, key, entry } of overlay.writes()) {
      if (spec.name !== itemSpec.name) continue;
      if (entry === undefined) found.delete(key);
      else found.set(key, { key, epk: epkOfKey(key), ...(entry.value as ItemRecord) });
    }
    return [...found.values()].filter((row) => !isExpired(row, container, now)).sort(compareRows);
  };
  const identified = (body: Json | undefined, newId: Json | undefined): JsonObject =>
    newId === true ? { ...objectOf(body), id: engine.ids.guid() } : objectOf(body);
  const idOf = async (link: Json | undefined): Promise<string> => {
    const { rid, name } = isObject(link) ? link : {};
    if (rid !== true) return decoded(textOf(name));
    const own = textOf(name);
    if (!seen.has(own)) await storedRows();
    const id = seen.get(own);
    if (id === undefined) throw cosmosFault("notFound");
    return id;
  };
  const written = (record: ItemRecord, statusCode: number) => {
    units += writeCharge(record, container);
    see(record.doc);
    return { resource: record.doc, options: { statusCode } };
  };

  const page = async (query: PreparedQuery, name: readonly unknown[], payload: JsonObject): Promise<string> => {
    searched = true;
    const purpose = fingerprint(
      account,
      container.rid,
      ["script", ...name],
      partitionPrefix(values, container.partitionKey),
    );
    const { continuation, pageSize } = payload;
    const mark = textOf(continuation) === "" ? undefined : readToken(purpose, textOf(continuation));
    const size =
      pageSize === -1
        ? Number.MAX_SAFE_INTEGER
        : pageSizeOf(pageSize === undefined ? undefined : JSON.stringify(pageSize));
    const found = await pages.read(purpose, query, await rows(), mark, size);
    units += readCharge(found.scannedBytes);
    const next = found.next === undefined ? {} : { continuation: writeToken(purpose, found.next) };
    return `{"resource":[${found.results.join(",")}],"options":${JSON.stringify(next)}}`;
  };

  const operations: Readonly<Record<string, (payload: JsonObject) => Promise<object | string>>> = {
    create: async ({ body, newId }) =>
      written((await createItem(scene, values, identified(body, newId))).entry.value, 201),
    upsert: async ({ body, newId, etag }) => {
      const { entry, created } = await upsertItem(scene, values, identified(body, newId), conditions(etag));
      return written(entry.value, created ? 201 : 200);
    },
    read: async ({ link, ifNoneMatch }) => {
      const { value } = await readItem(scene, values, await idOf(link));
      units += readCharge(value.size);
      const notModified = textOf(ifNoneMatch) !== "" && textOf(ifNoneMatch) === etagOf(value);
      return notModified
        ? { options: { statusCode: 304, notModified } }
        : { resource: value.doc, options: { statusCode: 200, notModified } };
    },
    replace: async ({ link, body, etag }) => {
      const id = await idOf(link);
      const { entry } = await replaceItem(scene, values, id, objectOf(body), conditions(etag));
      return written(entry.value, 200);
    },
    delete: async ({ link, etag }) => {
      units += writeCharge((await deleteItem(scene, values, await idOf(link), conditions(etag))).value, container);
      return { options: { statusCode: 204 } };
    },
    query: async (payload) => {
      const spec = objectOf(payload["spec"]);
      return page(await prepare(spec), [spec["query"], spec["parameters"]], payload);
    },
    feed: (payload) => page(everything, [], payload),
  };
  return {
    scene,
    units: () => units,
    lsn: () => Math.max(0, ...overlay.writes().map(({ entry }) => entry?.sequence ?? 0)),
    perform: async (operation, payload) => {
      const perform = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
      if (perform === undefined)
        throw new Error(`A script asked for the unknown operation '${operation.slice(0, 50)}'.`);
      const given: unknown = JSON.parse(payload);
      const answer = await perform(isObject(given) ? given : {});
      return typeof answer === "string" ? answer : JSON.stringify(answer);
    },
    commit: async (live) => {
      if (searched) {
        // From here on no write to the container goes unnoticed; before, they are found by looking again.
        await live.tx
          .collection(itemSpec)
          .list(partition, { prefix: partitionPrefix(values, container.partitionKey), limit: 1 });
        const before = await storedRows();
        if ((await source.sequence()) === storedAt) return overlay.commitTo(live.tx);
        const { rows: after } = await rowsOf(engine, place, { key: values, range: undefined });
        const same =
          after.length === before.size &&
          after.every((row) => etagOf(row) === textOf(before.get(row.key)?.doc["_etag"]));
        if (!same) throw new Stale();
      }
      return overlay.commitTo(live.tx);
    },
  };
};

/** Links are addresses, but scripts put ids into them as they are. */
const decoded = (name: string): string => {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
};
