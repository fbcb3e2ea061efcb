import { empty, json, type Reply } from "../../../kernel/message.ts";
import type { Entry } from "../../../store/store.ts";
import { dataActions } from "../actions.ts";
import { readCharge, writeCharge } from "../engine/charges.ts";
import { inContainer, type Engine, liveItem } from "../engine/engine.ts";
import {
  checkNotModified,
  type Conditions,
  createItem,
  deleteItem,
  etagOf,
  itemLimit,
  patchItem,
  replaceItem,
  upsertItem,
  type Written,
} from "../engine/items.ts";
import { fullKey, itemKey } from "../engine/partition-key.ts";
import { readPatch } from "../engine/patch.ts";
import type { QueryEngine } from "../engine/query-port.ts";
import type { ItemRecord, JsonObject, KeyValues } from "../engine/records.ts";
import { cosmosFault, unsupported } from "../faults.ts";
import type { Scripts, TriggeredWrite, Triggers } from "../scripts/scripts.ts";
import { type CosmosCall, cosmosOperation, type CosmosOperation, flag, type Located } from "../target.ts";
import { charge, contentHeaders, jsonBody, located, objectBody, wantsMinimal } from "./answers.ts";

/** A little more than an item, so that one byte too many is told as such. */
const bodyLimit = itemLimit + 64 * 1024;

const keyOf = (call: CosmosCall, { container }: Located): KeyValues =>
  fullKey(call.request.header("x-ms-documentdb-partitionkey"), container.partitionKey);

const conditionsOf = ({ request }: CosmosCall): Conditions => ({
  ifMatch: request.header("if-match") || undefined,
  ifNoneMatch: request.header("if-none-match") || undefined,
});

const namesIn = (header: string | undefined): string[] =>
  (header ?? "").split(",").flatMap((name) => name.trim() || []);

const triggersOf = ({ request }: CosmosCall): Triggers => ({
  pre: namesIn(request.header("x-ms-documentdb-pre-trigger-include")),
  post: namesIn(request.header("x-ms-documentdb-post-trigger-include")),
});

const hasNone = ({ pre, post }: Triggers): boolean => pre.length === 0 && post.length === 0;

const headersOf = (
  engine: Engine,
  place: Located,
  { sequence, value }: Entry<ItemRecord>,
  units: number,
): Record<string, string> => {
  const headers = contentHeaders(engine, place, sequence);
  Object.assign(headers, charge(units));
  headers["etag"] = etagOf(value);
  return headers;
};

/** The text goes out as it is: a document is not turned into JSON twice. */
const textReply = (text: string, status: number, headers: Readonly<Record<string, string>>): Reply => ({
  status,
  headers,
  body: { text, type: "application/json" },
});

/** @param shown stands in the place of the item when a trigger has put it there */
const written = (
  engine: Engine,
  call: CosmosCall,
  place: Located,
  { entry, text, created }: Written,
  shown?: unknown,
): Reply => {
  const headers = headersOf(engine, place, entry, writeCharge(entry.value, place.container));
  const status = created ? 201 : 200;
  if (wantsMinimal(call)) return empty(status, headers);
  return shown === undefined ? textReply(text, status, headers) : json(shown, status, headers);
};

/** Texts of documents that the store holds parsed, which are those that are read often: each is frozen and comes again. */
const texts = new WeakMap<JsonObject, string>();
const largestKept = 4096;

const textOfItem = ({ doc, size }: ItemRecord): string => {
  const known = texts.get(doc);
  if (known !== undefined) return known;
  const text = JSON.stringify(doc);
  if (size <= largestKept && Object.isFrozen(doc)) texts.set(doc, text);
  return text;
};

const isUpsert = (call: CosmosCall): boolean => flag(call.request, "x-ms-documentdb-is-upsert");

/** A write, with the triggers that its request names. */
const changing =
  (engine: Engine, scripts: Scripts) =>
  async <R extends { readonly entry: Entry<ItemRecord> }>(
    call: CosmosCall,
    { work, ...write }: Omit<TriggeredWrite<R>, "triggers">,
  ): Promise<{ readonly result: R; readonly response?: unknown }> => {
    const triggers = triggersOf(call);
    if (!hasNone(triggers)) return scripts.triggered({ ...write, work, triggers });
    return { result: await inContainer(engine, write.place, (scene) => work(scene, write.body)) };
  };

export const documentOperations = (
  engine: Engine,
  queries: QueryEngine,
  scripts: Scripts,
): readonly CosmosOperation[] => documents(engine, queries, changing(engine, scripts));

const documents = (
  engine: Engine,
  queries: QueryEngine,
  change: ReturnType<typeof changing>,
): readonly CosmosOperation[] => [
  cosmosOperation({
    name: "CreateDocument",
    method: "POST",
    path: "/dbs/:db/colls/:coll/docs",
    bodyLimit,
    needs: {
      depends: (call) => ({ data: isUpsert(call) ? dataActions.upsertItem : dataActions.createItem }),
      says: { data: dataActions.createItem },
    },
    handle: async (call) => {
      const place = located(call);
      const body = await objectBody(call);
      const key = keyOf(call, place);
      const upserts = isUpsert(call);
      const { result, response } = await change(call, {
        place,
        values: key,
        operation: upserts ? "Upsert" : "Create",
        body,
        work: (scene, document) =>
          upserts ? upsertItem(scene, key, document, conditionsOf(call)) : createItem(scene, key, document),
      });
      return written(engine, call, place, result, response);
    },
  }),
  cosmosOperation({
    name: "ReadDocument",
    method: "GET",
    path: "/dbs/:db/colls/:coll/docs/:id",
    needs: { data: dataActions.readItem },
    handle: async (call) => {
      const place = located(call);
      const key = itemKey(keyOf(call, place), call.parameters.id, place.container.partitionKey);
      const entry = isText(key) ? await liveItem(engine, place, key) : undefined;
      if (entry === undefined) throw cosmosFault("notFound");
      checkNotModified(conditionsOf(call), entry.value);
      return textReply(textOfItem(entry.value), 200, headersOf(engine, place, entry, readCharge(entry.value.size)));
    },
  }),
  cosmosOperation({
    name: "ReplaceDocument",
    method: "PUT",
    path: "/dbs/:db/colls/:coll/docs/:id",
    bodyLimit,
    needs: { data: dataActions.replaceItem },
    handle: async (call) => {
      const place = located(call);
      const body = await objectBody(call);
      const key = keyOf(call, place);
      const { result, response } = await change(call, {
        place,
        values: key,
        operation: "Replace",
        id: call.parameters.id,
        body,
        work: (scene, document) => replaceItem(scene, key, call.parameters.id, document, conditionsOf(call)),
      });
      return written(engine, call, place, result, response);
    },
  }),
  cosmosOperation({
    name: "PatchDocument",
    method: "PATCH",
    path: "/dbs/:db/colls/:coll/docs/:id",
    bodyLimit,
    needs: { data: dataActions.replaceItem },
    handle: async (call) => {
      const place = located(call);
      if (!hasNone(triggersOf(call))) throw unsupported("A trigger of a patch");
      const patch = readPatch(await jsonBody(call));
      const target = { values: keyOf(call, place), id: call.parameters.id, patch, conditions: conditionsOf(call) };
      const done = await inContainer(engine, place, (scene) =>
        patchItem(scene, target, (condition, document) => queries.holds(condition, document)),
      );
      return written(engine, call, place, done);
    },
  }),
  cosmosOperation({
    name: "DeleteDocument",
    method: "DELETE",
    path: "/dbs/:db/colls/:coll/docs/:id",
    needs: { data: dataActions.deleteItem },
    handle: async (call) => {
      const place = located(call);
      const key = keyOf(call, place);
      const { id } = call.parameters;
      const { result } = await change(call, {
        place,
        values: key,
        operation: "Delete",
        id,
        body: {},
        work: async (scene) => ({ entry: await deleteItem(scene, key, id, conditionsOf(call)) }),
      });
      return empty(204, {
        ...contentHeaders(engine, place, 0),
        ...charge(writeCharge(result.entry.value, place.container)),
      });
    },
  }),
];

/** What no key of the store can hold is nowhere. */
const isText = (text: string): boolean => !text.includes("\0") && text.isWellFormed();
