/** Items within one transaction: what the data plane's writes, batches and bulk requests are made of. */
import type { Entry } from "../../../store/store.ts";
import { badRequest, cosmosFault } from "../faults.ts";
import { uniqueKeysOf } from "./definition.ts";
import { isExpired, type Scene } from "./engine.ts";
import { forgetExpiry, noteExpiry } from "./expiry.ts";
import { checkNesting } from "./nesting.ts";
import { itemKey, keyOfDocument, partitionPrefix, sameKey, stepsOf, valueAt } from "./partition-key.ts";
import type { KeyValues } from "./records.ts";
import { applyPatch, type Patch } from "./patch.ts";
import { itemSpec, type ItemRecord, type Json, type JsonObject, textOf, uniqueSpec } from "./records.ts";
import { itemRid } from "./rid.ts";
import { logVersion } from "./versions.ts";

/** https://learn.microsoft.com/azure/cosmos-db/concepts-limits */
export const itemLimit = 2 * 1024 * 1024;

export interface Conditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

export const unconditional: Conditions = { ifMatch: undefined, ifNoneMatch: undefined };

export interface Written {
  /** `sequence` is the LSN, once the transaction has committed. */
  readonly entry: Entry<ItemRecord>;
  readonly created: boolean;
  /** The document as JSON. */
  readonly text: string;
}

/** Tells whether a patch's condition holds for a document. */
export type Filter = (condition: string, document: JsonObject) => boolean;

const systemNames = ["_rid", "_self", "_etag", "_attachments", "_ts", "_lsn"];

/** What is the client's own in a document. Spread, because an own `__proto__` must stay one. */
const ownOf = (body: JsonObject): JsonObject => {
  const own: Record<string, Json> = { ...body };
  for (const name of systemNames) if (Object.hasOwn(own, name)) delete own[name];
  return own;
};

/** @throws 400 */
export const idOf = (body: JsonObject): string => {
  const id = body["id"];
  if (id === undefined || id === null) throw cosmosFault("missingProperty", { names: "id" });
  if (typeof id !== "string") throw badRequest("The input content is invalid: 'id' must be a string.");
  if (id === "" || Buffer.byteLength(id) > 1023 || id.includes("\\") || id.includes("\0") || !id.isWellFormed())
    throw badRequest(
      "The input name is invalid. Ensure to provide a unique non-empty string less than '1024' characters.",
    );
  return id;
};

const checkTtl = (body: JsonObject): void => {
  const { ttl } = body;
  if (ttl === undefined || ttl === null) return;
  if (typeof ttl !== "number" || !Number.isInteger(ttl) || ttl === 0 || ttl < -1 || ttl > 2_147_483_647)
    throw badRequest(
      `The input ttl '${JSON.stringify(ttl).slice(0, 50)}' is invalid. Ensure to provide a nonzero positive integer less than or equal to '2147483647' or -1.`,
    );
};

const bare = (etag: string): string => etag.trim().replace(/^W\//, "").replaceAll('"', "");

const matches = (header: string, etag: string): boolean =>
  header.split(",").some((each) => each.trim() === "*" || bare(each) === bare(etag));

export const etagOf = ({ doc }: ItemRecord): string => textOf(doc["_etag"]);

/** @throws 412 */
const checkMatch = ({ ifMatch }: Conditions, record: ItemRecord): void => {
  if (ifMatch !== undefined && !matches(ifMatch, etagOf(record))) throw cosmosFault("preconditionFailed");
};

/** @throws 304 with the etag */
export const checkNotModified = ({ ifNoneMatch }: Conditions, record: ItemRecord): void => {
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, etagOf(record)))
    throw cosmosFault("notModified", {}, { headers: { etag: etagOf(record) } });
};

const find = async (scene: Scene, key: string): Promise<Entry<ItemRecord> | undefined> => {
  const entry = await scene.tx.collection(itemSpec).get(scene.partition, key);
  return entry === undefined || isExpired(entry.value, scene.container, scene.now) ? undefined : entry;
};

/** What stands where an item is to be written. One that has expired makes room, as the sweep would have had it. */
const findOrClear = async (scene: Scene, key: string): Promise<Entry<ItemRecord> | undefined> => {
  const entry = await scene.tx.collection(itemSpec).get(scene.partition, key);
  if (entry === undefined || !isExpired(entry.value, scene.container, scene.now)) return entry;
  await removeItem(scene, entry, true);
  return undefined;
};

/** The key of an item that is written. @throws 400/1001 when the document's partition key is another than the header's */
const checkedKey = (scene: Scene, key: KeyValues, body: JsonObject): string => {
  const { partitionKey } = scene.container;
  if (!sameKey(keyOfDocument(body, partitionKey), key))
    throw cosmosFault("wrongPartitionKey", {}, { detail: { subStatus: 1001 } });
  checkTtl(body);
  checkNesting(body);
  return itemKey(key, idOf(body), partitionKey);
};

const put = async (
  scene: Scene,
  key: string,
  values: KeyValues,
  body: JsonObject,
  before: Entry<ItemRecord> | undefined,
): Promise<Written> => {
  const { container, engine } = scene;
  const earlier = before?.value.doc;
  const order = before?.value.order ?? engine.nextOrder();
  const rid = earlier === undefined ? itemRid(container.rid, order) : textOf(earlier["_rid"]);
  const doc: JsonObject = {
    ...ownOf(body),
    _rid: rid,
    _self: earlier === undefined ? selfOf(container.rid, rid) : textOf(earlier["_self"]),
    _etag: `"${engine.ids.guid()}"`,
    _attachments: "attachments/",
    _ts: scene.now,
  };
  const text = JSON.stringify(doc);
  const size = Buffer.byteLength(text);
  if (size > itemLimit) throw cosmosFault("tooLarge");
  if (uniqueKeysOf(container.definition).length > 0) await holdUniqueKeys(scene, key, values, doc, earlier);
  const operation = before === undefined ? "create" : "replace";
  const version = await logVersion(scene, key, { operation, doc, before: before?.value });
  const record: ItemRecord = version === undefined ? { doc, order, size } : { doc, order, size, version };
  await noteExpiry(scene, key, record);
  const entry = await scene.tx.collection(itemSpec).put(scene.partition, key, record);
  return { entry, created: before === undefined, text };
};

const selfOf = (container: string, rid: string): string =>
  `dbs/${databaseOf(container)}/colls/${container}/docs/${rid}/`;

const databaseOf = (containerRid: string): string =>
  Buffer.from(containerRid.replaceAll("-", "/"), "base64").subarray(0, 4).toString("base64").replaceAll("/", "-");

const uniqueNames = (scene: Scene, values: KeyValues, doc: JsonObject): string[] => {
  const prefix = partitionPrefix(values, scene.container.partitionKey);
  return uniqueKeysOf(scene.container.definition).map((paths, index) => {
    const found = paths.map((path) => {
      const value = valueAt(doc, stepsOf(path));
      return value === undefined ? {} : value;
    });
    return `${prefix}${index}|${JSON.stringify(found)}`;
  });
};

/** Unique within a logical partition; a missing value counts as a value (docs: unique keys). @throws 409 */
const holdUniqueKeys = async (
  scene: Scene,
  key: string,
  values: KeyValues,
  doc: JsonObject,
  before: JsonObject | undefined,
): Promise<void> => {
  const wanted = uniqueNames(scene, values, doc);
  const had = before === undefined ? [] : uniqueNames(scene, values, before);
  const rows = scene.tx.collection(uniqueSpec);
  for (const name of wanted.filter((each) => !had.includes(each))) {
    const holder = (await rows.get(scene.partition, name))?.value.item;
    if (holder !== undefined && holder !== key && (await holds(scene, holder, name, values)))
      throw cosmosFault("uniqueKey");
    await rows.put(scene.partition, name, { item: key });
  }
  for (const name of had.filter((each) => !wanted.includes(each))) await rows.delete(scene.partition, name);
};

/** An expired item's keys are free. */
const holds = async (scene: Scene, holder: string, name: string, values: KeyValues): Promise<boolean> => {
  const entry = await find(scene, holder);
  return entry !== undefined && uniqueNames(scene, values, entry.value.doc).includes(name);
};

/** @throws 409, 400, 413 */
export const createItem = async (scene: Scene, values: KeyValues, body: JsonObject): Promise<Written> => {
  const key = checkedKey(scene, values, body);
  if ((await findOrClear(scene, key)) !== undefined) throw cosmosFault("exists");
  return put(scene, key, values, body, undefined);
};

/** @throws 412, 409 for a unique key, 400, 413 */
export const upsertItem = async (
  scene: Scene,
  values: KeyValues,
  body: JsonObject,
  conditions: Conditions,
): Promise<Written> => {
  const key = checkedKey(scene, values, body);
  const before = await findOrClear(scene, key);
  if (before !== undefined) {
    checkMatch(conditions, before.value);
    if (conditions.ifNoneMatch !== undefined && matches(conditions.ifNoneMatch, etagOf(before.value)))
      throw cosmosFault("preconditionFailed");
  }
  return put(scene, key, values, body, before);
};

/** @throws 404 */
export const readItem = async (scene: Scene, values: KeyValues, id: string): Promise<Entry<ItemRecord>> => {
  const found = await find(scene, itemKey(values, id, scene.container.partitionKey));
  if (found === undefined) throw cosmosFault("notFound");
  return found;
};

/** @throws 404, 412, 400, 413 */
export const replaceItem = async (
  scene: Scene,
  values: KeyValues,
  id: string,
  body: JsonObject,
  conditions: Conditions,
): Promise<Written> => {
  const before = await readItem(scene, values, id);
  checkMatch(conditions, before.value);
  const key = checkedKey(scene, values, body);
  if (key !== before.key) throw badRequest("Replacing the id of an item is not supported.");
  return put(scene, key, values, body, before);
};

/** @throws 404, 412, 400, 413 */
export const patchItem = async (
  scene: Scene,
  target: { readonly values: KeyValues; readonly id: string; readonly patch: Patch; readonly conditions: Conditions },
  filter: Filter,
): Promise<Written> => {
  const { values, id, patch, conditions } = target;
  const before = await readItem(scene, values, id);
  checkMatch(conditions, before.value);
  if (patch.condition !== undefined && !filter(patch.condition, before.value.doc))
    throw cosmosFault("preconditionFailed");
  const frozen = ["/id", ...scene.container.partitionKey.paths, ...systemNames.map((name) => `/${name}`)];
  const body = applyPatch(before.value.doc, patch, frozen);
  return put(scene, checkedKey(scene, values, body), values, body, before);
};

/** @throws 404, 412 */
export const deleteItem = async (
  scene: Scene,
  values: KeyValues,
  id: string,
  conditions: Conditions,
): Promise<Entry<ItemRecord>> => {
  const before = await readItem(scene, values, id);
  checkMatch(conditions, before.value);
  await removeItem(scene, before);
  return before;
};

/** An item's row goes, with all that hangs on it. @param expired its time had run out */
export const removeItem = async (
  scene: Scene,
  { key, value }: Pick<Entry<ItemRecord>, "key" | "value">,
  expired = false,
): Promise<void> => {
  const { tx, partition, container } = scene;
  const rows = tx.collection(uniqueSpec);
  // What an expired item held may be somebody else's by now.
  for (const name of uniqueNames(scene, keyOfDocument(value.doc, container.partitionKey), value.doc))
    if ((await rows.get(partition, name))?.value.item === key) await rows.delete(partition, name);
  await tx.collection(itemSpec).delete(partition, key);
  await forgetExpiry(scene, key);
  await logVersion(scene, key, { operation: "delete", doc: value.doc, before: value, expired });
};
