import { empty, json } from "../../../kernel/message.ts";
import { type Account, endpointOf } from "../accounts.ts";
import { dataActions } from "../actions.ts";
import { cosmosOperation, type CosmosOperation } from "../target.ts";

/** .NET parses it on Windows (cosmos.md 5). */
const queryEngineConfiguration = JSON.stringify({
  maxSqlQueryInputLength: 262144,
  maxJoinsPerSqlQuery: 10,
  maxLogicalAndPerSqlQuery: 500,
  maxLogicalOrPerSqlQuery: 500,
  maxUdfRefPerSqlQuery: 10,
  maxInExpressionItemsCount: 16000,
  queryMaxInMemorySortDocumentCount: 500,
  maxQueryRequestTimeoutFraction: 0.9,
  sqlAllowNonFiniteNumbers: false,
  sqlAllowAggregateFunctions: true,
  sqlAllowSubQuery: true,
  sqlAllowScalarSubQuery: true,
  allowNewKeywords: true,
  sqlAllowLike: true,
  sqlAllowGroupByClause: true,
  maxSpatialQueryCells: 12,
  spatialMaxGeometryPointCount: 256,
  sqlDisableOptimizationFlags: 0,
  sqlDisableQueryILOptimization: false,
  enableSpatialIndexing: true,
});

/** Where clients go on from here; one region is addressed by the account's own name (cosmos.md 5). */
const locations = ({ name, locations: all }: Account): { name: string; databaseAccountEndpoint: string }[] =>
  all.map((location) => ({
    name: location,
    databaseAccountEndpoint: all.length === 1 ? endpointOf(name) : endpointOf(name, location),
  }));

const policy = { minReplicaSetSize: 1, maxReplicasetSize: 4 };

export const accountDocument = (account: Account): Record<string, unknown> => {
  const readable = locations(account);
  return {
    _self: "",
    id: account.name,
    _rid: `${account.name}.documents.azure.com`,
    media: "//media/",
    addresses: "//addresses/",
    _dbs: "//dbs/",
    writableLocations: account.multipleWrites ? readable : readable.slice(0, 1),
    readableLocations: readable,
    enableMultipleWriteLocations: account.multipleWrites,
    continuousBackupEnabled: account.backup !== undefined,
    enableNRegionSynchronousCommit: false,
    enablePerPartitionFailoverBehavior: false,
    userReplicationPolicy: { asyncReplication: false, ...policy },
    userConsistencyPolicy: { defaultConsistencyLevel: account.consistency },
    systemReplicationPolicy: policy,
    readPolicy: { primaryReadCoefficient: 1, secondaryReadCoefficient: 1 },
    queryEngineConfiguration,
  };
};

export const accountOperations: readonly CosmosOperation[] = [
  cosmosOperation({
    name: "ReadAccount",
    method: ["GET", "HEAD"],
    path: "/",
    needs: { data: dataActions.readMetadata },
    handle: ({ target, request }) => (request.method === "HEAD" ? empty(200) : json(accountDocument(target.account))),
  }),
];
