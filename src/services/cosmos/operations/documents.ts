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
} from "../engine/items.ts";
import { fullKey, itemKey } from "../engine/partition-key.ts";
import type { KeyValues } from "../engine/records.ts";
import { readPatch } from "../engine/patch.ts";
import type { QueryEngine } from "../engine/query-port.ts";
import type { ItemRecord } from "../engine/records.ts";
import { cosmosFault, unsupported } from "../faults.ts";
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

/** Triggers are not built: a write that asks for one must not pass as if it had run. */
const refuseTriggers = ({ request }: CosmosCall): void => {
  for (const name of ["x-ms-documentdb-pre-trigger-include", "x-ms-documentdb-post-trigger-include"])
    if ((request.header(name) ?? "") !== "") throw unsupported("A trigger");
};

const written = (engine: Engine, call: CosmosCall, place: Located, entry: Entry<ItemRecord>, status: number): Reply => {
  const headers = {
    ...contentHeaders(engine, place, entry.sequence),
    ...charge(writeCharge(entry.value, place.container)),
    etag: etagOf(entry.value),
  };
  return wantsMinimal(call) ? empty(status, headers) : json(entry.value.doc, status, headers);
};

const isUpsert = (call: CosmosCall): boolean => flag(call.request, "x-ms-documentdb-is-upsert");

export const documentOperations = (engine: Engine, queries: QueryEngine): readonly CosmosOperation[] => [
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
      refuseTriggers(call);
      const { entry, created } = await inContainer(engine, place, (scene) =>
        isUpsert(call) ? upsertItem(scene, key, body, conditionsOf(call)) : createItem(scene, key, body),
      );
      return written(engine, call, place, entry, created ? 201 : 200);
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
      return json(entry.value.doc, 200, {
        ...contentHeaders(engine, place, entry.sequence),
        ...charge(readCharge(entry.value.size)),
        etag: etagOf(entry.value),
      });
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
      refuseTriggers(call);
      const { entry } = await inContainer(engine, place, (scene) =>
        replaceItem(scene, key, call.parameters.id, body, conditionsOf(call)),
      );
      return written(engine, call, place, entry, 200);
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
      const patch = readPatch(await jsonBody(call));
      const target = { values: keyOf(call, place), id: call.parameters.id, patch, conditions: conditionsOf(call) };
      const { entry } = await inContainer(engine, place, (scene) =>
        patchItem(scene, target, (condition, document) => queries.holds(condition, document)),
      );
      return written(engine, call, place, entry, 200);
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
      refuseTriggers(call);
      const { value } = await inContainer(engine, place, (scene) =>
        deleteItem(scene, key, call.parameters.id, conditionsOf(call)),
      );
      return empty(204, {
        ...contentHeaders(engine, place, 0),
        ...charge(writeCharge(value, place.container)),
      });
    },
  }),
];

/** What no key of the store can hold is nowhere. */
const isText = (text: string): boolean => !text.includes("\0") && text.isWellFormed();
