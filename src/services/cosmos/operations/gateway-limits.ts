import { policyPath } from "../query/composite.ts";
import type { Request } from "../../../kernel/message.ts";
import type { PreparedQuery } from "../engine/query-port.ts";
import type { Extent } from "../engine/feed.ts";
import { isObject } from "../engine/definition.ts";
import type { JsonObject, PartitionKeyDefinition } from "../engine/records.ts";
import { cosmosFault } from "../faults.ts";
import { flag } from "../target.ts";

const rangeHeader = "x-ms-documentdb-partitionkeyrangeid";

/** The filter names one value of every path of the key. */
const namesOneKey = ({ narrowing }: PreparedQuery, { paths }: PartitionKeyDefinition): boolean =>
  paths.every((path) =>
    narrowing.ranges.some(
      (range) => policyPath(range.path) === path && range.kind === "equality" && range.intervals.length === 1,
    ),
  );

const acrossPartitions = (request: Pick<Request, "header">): boolean =>
  flag(request, "x-ms-documentdb-query-enablecrosspartition");

/** Go alone sends this one. */
const isGo = (request: Pick<Request, "header">): boolean => flag(request, "x-ms-documentdb-query");

/** Whether `checkServable` has anything to say. */
export const mayBeUnservable = (request: Pick<Request, "header">): boolean =>
  isGo(request) || !acrossPartitions(request);

/** A definition with everything indexed: what a filter says of the key counts, wherever the index is. */
export const allIndexed = (definition: JsonObject): JsonObject => {
  const policy = definition["indexingPolicy"];
  const indexingPolicy = { ...(isObject(policy) ? policy : {}), indexingMode: "consistent", excludedPaths: [] };
  return { ...definition, indexingPolicy: { ...indexingPolicy, includedPaths: [{ path: "/*" }] } };
};

/**
 * What Azure's gateway leaves to clients, when a query is for more than one partition key. It is refused unless the client
 * wants it so (JavaScript, Go, Java and Python's asynchronous client always do, Python's synchronous one when it is told).
 * Then it is answered when pages need not be merged: no ORDER BY, TOP, OFFSET, DISTINCT, GROUP BY or aggregate. SDKs merge
 * them on their own, which here they need not; the one for Go does not, so its app would fail on Azure.
 * https://learn.microsoft.com/rest/api/cosmos-db/querying-cosmosdb-resources-using-the-rest-api and
 * https://github.com/Azure/azure-sdk-for-go/issues/23128
 * @param query prepared with `allIndexed`
 * @throws Fault 400, 400/1004
 */
export const checkServable = (
  request: Pick<Request, "header">,
  { key, range }: Extent,
  query: PreparedQuery,
  partitionKey: PartitionKeyDefinition,
): void => {
  const limited = key !== undefined || range !== undefined || request.header(rangeHeader) !== undefined;
  if (limited || query.constant || query.narrowing.never || namesOneKey(query, partitionKey)) return;
  if (!acrossPartitions(request)) throw cosmosFault("crossPartitionDisabled");
  if (isGo(request) && !query.streaming) throw cosmosFault("notServable", {}, { detail: { subStatus: 1004 } });
};
