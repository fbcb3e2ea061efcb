import { json, type Reply } from "../../../kernel/message.ts";
import { dataActions } from "../actions.ts";
import { fingerprint, readToken, writeToken } from "../engine/continuation.ts";
import type { Engine } from "../engine/engine.ts";
import { everything } from "../engine/everything.ts";
import { type Extent, pageSizeOf, rowsOf } from "../engine/feed.ts";
import { openPages, type Page } from "../engine/pages.ts";
import type { PreparedQuery, QueryEngine } from "../engine/query-port.ts";
import { functionSources } from "../scripts/catalog.ts";
import { type CosmosCall, cosmosOperation, type CosmosOperation, flag, type Located } from "../target.ts";
import { charge, contentHeaders, extentOf, located } from "./answers.ts";
import { passThroughPlan } from "../query/query.ts";
import { checkServable } from "./gateway-limits.ts";
import { indexMetrics } from "./index-metrics.ts";
import { readQuery } from "./query-list.ts";

/** The texts go out as they are: documents are not turned into JSON twice. */
const pageReply = (rid: string, page: Page, headers: Readonly<Record<string, string>>): Reply => ({
  status: 200,
  headers: { "x-ms-item-count": String(page.results.length), ...headers },
  body: {
    type: "application/json",
    text: `{"_rid":${JSON.stringify(rid)},"Documents":[${page.results.join(",")}],"_count":${page.results.length}}`,
  },
});

/**
 * https://learn.microsoft.com/azure/cosmos-db/request-units: grows with documents loaded and with what is returned. What an
 * index leaves out is not loaded; a filter without one loads everything.
 */
const queryCharge = ({ scanned, scannedBytes, results }: Page): number =>
  2.3 + scanned * 0.04 + scannedBytes / 65_536 + results.reduce((sum, text) => sum + text.length, 0) / 16_384;

export const queryOperations = (engine: Engine, queries: QueryEngine): readonly CosmosOperation[] => {
  const pages = openPages(engine.ids);
  const answer = async (
    call: CosmosCall,
    place: Located,
    query: PreparedQuery,
    name: readonly unknown[],
  ): Promise<Reply> => {
    const { request } = call;
    const extent = extentOf(call, place.container.partitionKey);
    checkServable(request, extent, query, place.container.partitionKey);
    const purpose = fingerprint(place.account, place.container.rid, name, extentName(extent));
    const token = request.header("x-ms-continuation");
    const mark = token === undefined || token === "" ? undefined : readToken(purpose, token);
    const limit = pageSizeOf(request.header("x-ms-max-item-count"));
    const { rows, lsn } = await rowsOf(engine, place, extent, query.narrowing);
    const started = performance.now();
    const page = await pages.read(purpose, query, rows, mark, limit);
    return pageReply(place.container.rid, page, {
      ...contentHeaders(engine, place, lsn),
      ...charge(queryCharge(page)),
      ...(page.next === undefined ? {} : { "x-ms-continuation": writeToken(purpose, page.next) }),
      ...(flag(request, "x-ms-documentdb-populatequerymetrics")
        ? { "x-ms-documentdb-query-metrics": metrics(page, performance.now() - started) }
        : {}),
      ...indexMetrics(request, () => query.indexes()),
    });
  };
  return [
    cosmosOperation({
      name: "QueryDocuments",
      method: "POST",
      intent: "query",
      path: "/dbs/:db/colls/:coll/docs",
      bodyLimit: 4 * 1024 * 1024,
      needs: { data: dataActions.executeQuery },
      handle: async (call) => {
        const place = located(call);
        const spec = await readQuery(call);
        const functions = await functionSources(engine, place, queries.functionsOf(spec));
        const query = queries.prepare(spec, place.container.definition, functions);
        return answer(call, place, query, [spec.text, spec.parameters, functions]);
      },
    }),
    cosmosOperation({
      name: "GetQueryPlan",
      method: "POST",
      intent: "plan",
      path: "/dbs/:db/colls/:coll/docs",
      bodyLimit: 4 * 1024 * 1024,
      needs: { data: dataActions.readMetadata },
      handle: async (call) => {
        const place = located(call);
        const spec = await readQuery(call);
        queries.functionsOf(spec);
        queries.prepare(spec, place.container.definition);
        return json(passThroughPlan, 200, contentHeaders(engine, place, 0));
      },
    }),
    cosmosOperation({
      name: "ListDocuments",
      method: "GET",
      path: "/dbs/:db/colls/:coll/docs",
      needs: { data: dataActions.readChangeFeed },
      handle: (call) => answer(call, located(call), everything, []),
    }),
  ];
};

const extentName = ({ key, range }: Extent): unknown => [
  key?.map((value) => (value === undefined ? {} : value)),
  range,
];

/** `k=v` pairs; clients throw on a `;` at the end (cosmos.md 4). */
const metrics = ({ results, scanned, scannedBytes }: Page, milliseconds: number): string => {
  const size = results.reduce((sum, text) => sum + text.length, 0);
  return Object.entries({
    totalExecutionTimeInMs: milliseconds.toFixed(2),
    queryCompileTimeInMs: "0.00",
    queryLogicalPlanBuildTimeInMs: "0.00",
    queryPhysicalPlanBuildTimeInMs: "0.00",
    queryOptimizationTimeInMs: "0.00",
    VMExecutionTimeInMs: milliseconds.toFixed(2),
    indexLookupTimeInMs: "0.00",
    documentLoadTimeInMs: "0.00",
    systemFunctionExecuteTimeInMs: "0.00",
    userFunctionExecuteTimeInMs: "0.00",
    retrievedDocumentCount: scanned,
    retrievedDocumentSize: scannedBytes,
    outputDocumentCount: results.length,
    outputDocumentSize: size,
    writeOutputTimeInMs: "0.00",
    indexUtilizationRatio: scanned === 0 ? "0.00" : Math.min(1, results.length / scanned).toFixed(2),
  })
    .map(([name, value]) => `${name}=${value}`)
    .join(";");
};
