import type { Reply } from "../../../kernel/message.ts";
import { dataActions } from "../actions.ts";
import { type ChangePage, currentLsn, readChanges } from "../engine/change-feed.ts";
import type { Engine } from "../engine/engine.ts";
import { pageSizeOf } from "../engine/feed.ts";
import type { JsonObject } from "../engine/records.ts";
import { readVersions, retentionOf } from "../engine/versions.ts";
import { badRequest } from "../faults.ts";
import { type CosmosCall, cosmosOperation, type CosmosOperation, type Located } from "../target.ts";
import { charge, contentHeaders, extentOf, feed, located } from "./answers.ts";

export const changeFeedOperations = (engine: Engine): readonly CosmosOperation[] => [
  cosmosOperation({
    name: "ReadChangeFeed",
    method: "GET",
    intent: "changes",
    path: "/dbs/:db/colls/:coll/docs",
    needs: { data: dataActions.readChangeFeed },
    handle: (call) => changeFeed(engine, call),
  }),
];

const changeFeed = async (engine: Engine, call: CosmosCall): Promise<Reply> => {
  const { request } = call;
  const place = located(call);
  const mode = request.header("a-im")?.toLowerCase() ?? "";
  if (mode === "full-fidelity feed") return allVersions(engine, call, place);
  if (mode !== "incremental feed")
    throw badRequest(`The A-IM header names no change feed mode: '${mode.slice(0, 50)}'.`);
  const extent = extentOf(call, place.container.partitionKey);
  const limit = pageSizeOf(request.header("x-ms-max-item-count"));
  const since = Date.parse(request.header("if-modified-since") ?? "");
  const lsn = await startOf(engine, place, request.header("if-none-match"));
  const page = await readChanges(engine, place, {
    lsn,
    extent,
    limit,
    since: Number.isNaN(since) ? undefined : Math.floor(since / 1000),
  });
  const apart = request.header("x-ms-cosmos-changefeed-wire-format-version") === "2021-09-15";
  return answer(engine, place, apart ? { ...page, documents: page.documents.map(metadataApart) } : page);
};

/** As the change feed processor for Java wants the latest versions, too. */
const metadataApart = (document: JsonObject): JsonObject => ({
  current: document,
  metadata: { lsn: document["_lsn"] ?? 0, crts: document["_ts"] ?? 0 },
});

/** https://learn.microsoft.com/azure/cosmos-db/change-feed-modes; refusals in the service's words. */
const allVersions = async (engine: Engine, call: CosmosCall, place: Located): Promise<Reply> => {
  const { request } = call;
  if (retentionOf(engine, place.account, place.container) === undefined)
    throw badRequest("Change Feed 'All Versions and Deletes' mode must be enabled.");
  const header = request.header("if-none-match");
  if (textOf(header) === "") {
    const start = request.header("if-modified-since") === undefined ? "beginning" : "a point in time";
    throw badRequest(`Start from ${start} is not supported with 'All Versions and Deletes' mode.`);
  }
  const lsn = await startOf(engine, place, header);
  const limit = pageSizeOf(request.header("x-ms-max-item-count"));
  const extent = extentOf(call, place.container.partitionKey);
  return answer(engine, place, await readVersions(engine, place, { lsn, extent, limit }));
};

const answer = (engine: Engine, place: Located, page: ChangePage): Reply => {
  // Without a change the place is the client's own word, and nobody else is told of it.
  const told = page.documents.length === 0 ? 0 : page.lsn;
  const headers = { ...contentHeaders(engine, place, told), etag: `"${page.lsn}"` };
  // A 304 without the etag would leave clients without a place to go on from (cosmos.md 10).
  if (page.documents.length === 0) return { status: 304, headers };
  return feed(place.container.rid, "Documents", page.documents, {
    ...headers,
    ...charge(1 + page.documents.length / 10),
  });
};

const textOf = (header: string | undefined): string => header?.trim().replaceAll('"', "") ?? "";

const startOf = async (engine: Engine, place: Located, header: string | undefined): Promise<number> => {
  const text = textOf(header);
  if (text === "") return 0;
  if (text === "*") return currentLsn(engine, place);
  if (!/^\d{1,15}$/.test(text)) throw badRequest("The If-None-Match of a change feed request is not one of its etags.");
  return Number(text);
};
