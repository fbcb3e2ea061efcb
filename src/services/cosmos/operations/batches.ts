import { empty, json } from "../../../kernel/message.ts";
import { type DataAction, dataActions } from "../actions.ts";
import { type BatchReply, type OperationType, readBatch, runBatch, runBulk } from "../engine/batch.ts";
import { inContainer, type Engine } from "../engine/engine.ts";
import { batchesOf } from "../engine/feed.ts";
import { deleteItem, unconditional } from "../engine/items.ts";
import { fullKey } from "../engine/partition-key.ts";
import type { QueryEngine } from "../engine/query-port.ts";
import { textOf } from "../engine/records.ts";
import { cosmosOperation, type CosmosOperation, flag } from "../target.ts";
import { charge, contentHeaders, jsonBody, located, wantsMinimal } from "./answers.ts";

/** https://learn.microsoft.com/azure/cosmos-db/nosql/transactional-batch */
const bodyLimit = 2 * 1024 * 1024 + 256 * 1024;

const actions: Readonly<Record<OperationType, DataAction>> = {
  Create: dataActions.createItem,
  Upsert: dataActions.upsertItem,
  Read: dataActions.readItem,
  Replace: dataActions.replaceItem,
  Patch: dataActions.replaceItem,
  Delete: dataActions.deleteItem,
};

export const batchOperations = (engine: Engine, queries: QueryEngine): readonly CosmosOperation[] => [
  cosmosOperation({
    name: "ExecuteBatch",
    method: "POST",
    intent: "batch",
    path: "/dbs/:db/colls/:coll/docs",
    bodyLimit,
    needs: {
      // Every operation's own right, before anything is done.
      depends: async (call) => {
        // A batch of nothing would need no right; and nobody's body is read before they say who they are.
        if (call.caller.kind === "anonymous") return { data: dataActions.readMetadata };
        const needed = new Set(readBatch(await jsonBody(call)).map(({ type }) => actions[type]));
        return needed.size === 0 ? { data: dataActions.readMetadata } : { all: [...needed].map((data) => ({ data })) };
      },
      says: "the right of each operation in the batch",
    },
    handle: async (call) => {
      const place = located(call);
      const operations = readBatch(await jsonBody(call));
      const options = {
        filter: (condition: string, document: Parameters<QueryEngine["holds"]>[1]) =>
          queries.holds(condition, document),
        minimal: wantsMinimal(call),
      };
      const reply = flag(call.request, "x-ms-cosmos-batch-atomic")
        ? await runBatch(
            engine,
            place,
            fullKey(call.request.header("x-ms-documentdb-partitionkey"), place.container.partitionKey),
            operations,
            options,
          )
        : await runBulk(engine, place, operations, {
            ...options,
            continueOnError: flag(call.request, "x-ms-cosmos-batch-continue-on-error"),
          });
      return json(reply.results, reply.status, {
        ...contentHeaders(engine, place, reply.lsn),
        ...charge(total(reply)),
        "x-ms-item-count": String(reply.results.length),
      });
    },
  }),
  cosmosOperation({
    name: "DeleteByPartitionKey",
    method: "POST",
    path: "/dbs/:db/colls/:coll/operations/partitionkeydelete",
    needs: { data: dataActions.deleteItem },
    handle: async (call) => {
      const place = located(call);
      const key = fullKey(call.request.header("x-ms-documentdb-partitionkey"), place.container.partitionKey);
      for await (const rows of batchesOf(engine, place, { key, range: undefined }))
        for (const { doc } of rows)
          await inContainer(engine, place, (scene) => deleteItem(scene, key, textOf(doc["id"]), unconditional)).catch(
            gone,
          );
      return empty(200, contentHeaders(engine, place, 0));
    },
  }),
];

/** Somebody else deleted the item first. */
const gone = (error: unknown): void => {
  if ((error as { status?: unknown }).status !== 404) throw error;
};

const total = ({ results }: BatchReply): number => results.reduce((sum, { requestCharge }) => sum + requestCharge, 0);
