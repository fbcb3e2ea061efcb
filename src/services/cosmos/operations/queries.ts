import { json, type Reply } from "../../../kernel/message.ts";
import { dataActions } from "../actions.ts";
import type { Engine } from "../engine/engine.ts";
import { pageSizeOf } from "../engine/feed.ts";
import type { FunctionSource, QueryEngine, QuerySpec } from "../engine/query-port.ts";
import type { PageAnswer } from "../engine/reader-port.ts";
import { functionSources } from "../scripts/catalog.ts";
import { type CosmosCall, cosmosOperation, type CosmosOperation, flag, type Located } from "../target.ts";
import { charge, contentHeaders, extentOf, located } from "./answers.ts";
import { allIndexed, checkServable, mayBeUnservable } from "./gateway-limits.ts";
import { indexMetrics, wantsIndexMetrics } from "./index-metrics.ts";
import { readQuery } from "./query-list.ts";

/**
 * https://learn.microsoft.com/azure/cosmos-db/request-units: grows with documents loaded and with what is returned. What an
 * index leaves out is not loaded; a filter without one loads everything.
 */
const queryCharge = ({ scanned, scannedBytes, size }: PageAnswer): number =>
  2.3 + scanned * 0.04 + scannedBytes / 65_536 + size / 16_384;

export const queryOperations = (engine: Engine, queries: QueryEngine): readonly CosmosOperation[] => {
  const answer = async (
    call: CosmosCall,
    place: Located,
    spec: QuerySpec | undefined,
    functions: readonly FunctionSource[],
  ): Promise<Reply> => {
    const { request } = call;
    const { account, container } = place;
    const started = performance.now();
    const page = await engine.reader.page({
      account,
      container,
      extent: extentOf(call, container.partitionKey),
      spec,
      functions,
      token: request.header("x-ms-continuation"),
      limit: pageSizeOf(request.header("x-ms-max-item-count")),
      now: engine.clock.now(),
      withIndexes: wantsIndexMetrics(request),
    });
    return {
      status: 200,
      headers: {
        "x-ms-item-count": String(page.count),
        ...contentHeaders(engine, place, page.lsn),
        ...charge(queryCharge(page)),
        ...(page.token === undefined ? {} : { "x-ms-continuation": page.token }),
        ...(flag(request, "x-ms-documentdb-populatequerymetrics")
          ? { "x-ms-documentdb-query-metrics": metrics(page, performance.now() - started) }
          : {}),
        ...(page.indexes === undefined ? {} : indexMetrics(request, page.indexes)),
      },
      body: { bytes: page.body, type: "application/json" },
    };
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
        const functions = await functionSources(engine, place, await engine.reader.functionsOf(spec));
        const { container } = place;
        const extent = extentOf(call, container.partitionKey);
        // With a key there is nothing to say, and the query need not be read for it.
        if (extent.key === undefined && mayBeUnservable(call.request)) {
          const query = queries.prepare(spec, allIndexed(container.definition), functions);
          checkServable(call.request, extent, query, container.partitionKey);
        }
        return answer(call, place, spec, functions);
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
        await engine.reader.functionsOf(spec);
        const plan = await engine.reader.plan(spec, place.container.definition);
        return json(plan, 200, contentHeaders(engine, place, 0));
      },
    }),
    cosmosOperation({
      name: "ListDocuments",
      method: "GET",
      path: "/dbs/:db/colls/:coll/docs",
      needs: { data: dataActions.readChangeFeed },
      handle: (call) => answer(call, located(call), undefined, []),
    }),
  ];
};

/** `k=v` pairs; clients throw on a `;` at the end (cosmos.md 4). */
const metrics = ({ count, size, scanned, scannedBytes }: PageAnswer, milliseconds: number): string =>
  Object.entries({
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
    outputDocumentCount: count,
    outputDocumentSize: size,
    writeOutputTimeInMs: "0.00",
    indexUtilizationRatio: scanned === 0 ? "0.00" : Math.min(1, count / scanned).toFixed(2),
  })
    .map(([name, value]) => `${name}=${value}`)
    .join(";");
