import { policyPath } from "../query/composite.ts";
import type { Request } from "../../../kernel/message.ts";
import type { PreparedQuery } from "../engine/query-port.ts";
import type { Extent } from "../engine/feed.ts";
import type { PartitionKeyDefinition } from "../engine/records.ts";
import { cosmosFault } from "../faults.ts";
import { flag } from "../target.ts";

/** The filter names one value of every path of the key. */
const namesOneKey = ({ narrowing }: PreparedQuery, { paths }: PartitionKeyDefinition): boolean =>
  paths.every((path) =>
    narrowing.ranges.some(
      (range) => policyPath(range.path) === path && range.kind === "equality" && range.intervals.length === 1,
    ),
  );

/** Whether `checkServable` has anything to say. */
export const mayBeUnservable = (request: Pick<Request, "header">): boolean => flag(request, "x-ms-documentdb-query");

/**
 * Azure's gateway answers a query over several partitions only when pages need not be merged: no ORDER BY, TOP, OFFSET,
 * DISTINCT, GROUP BY or aggregate. SDKs merge them on their own, which here they need not; the one for Go does not, so its
 * app would fail on Azure. It alone sends `x-ms-documentdb-query`.
 * https://learn.microsoft.com/rest/api/cosmos-db/querying-cosmosdb-resources-using-the-rest-api and
 * https://github.com/Azure/azure-sdk-for-go/issues/23128
 * @throws Fault 400/1004
 */
export const checkServable = (
  request: Pick<Request, "header">,
  { key, range }: Extent,
  query: PreparedQuery,
  partitionKey: PartitionKeyDefinition,
): void => {
  if (!mayBeUnservable(request)) return;
  if (query.streaming || query.constant || key !== undefined || range !== undefined) return;
  if (!namesOneKey(query, partitionKey)) throw cosmosFault("notServable", {}, { detail: { subStatus: 1004 } });
};
