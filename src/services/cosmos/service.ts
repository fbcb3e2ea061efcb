import { type Eventually, onceKnown } from "../../kernel/eventually.ts";
import type { TokenVerifier } from "../../identity/verify.ts";
import { Fault } from "../../kernel/fault.ts";
import type { Request } from "../../kernel/message.ts";
import type { Match } from "../../kernel/operation.ts";
import type { Dialect, Service } from "../../kernel/service.ts";
import { type Account, type Accounts, hostSuffix } from "./accounts.ts";
import { cosmosAuthenticator } from "./auth/authenticate.ts";
import { cosmosDeciders, refusal } from "./auth/deciders.ts";
import { openResourceTokens } from "./auth/resource-tokens.ts";
import type { Roles } from "./auth/roles.ts";
import { type Engine, findContainer, findDatabase } from "./engine/engine.ts";
import type { QueryEngine } from "./engine/query-port.ts";
import { cosmosFault, unsupported } from "./faults.ts";
import { cosmosMatcher, segmentsOf } from "./match.ts";
import { accountOperations } from "./operations/account.ts";
import { batchOperations } from "./operations/batches.ts";
import { changeFeedOperations } from "./operations/change-feed.ts";
import { conflictOperations } from "./operations/conflicts.ts";
import { consistent } from "./operations/consistency.ts";
import { containerOperations } from "./operations/containers.ts";
import { databaseOperations } from "./operations/databases.ts";
import { documentOperations } from "./operations/documents.ts";
import { directed } from "./operations/indexing-directive.ts";
import { offerOperations } from "./operations/offers.ts";
import { queryOperations } from "./operations/queries.ts";
import { scriptOperations } from "./operations/scripts.ts";
import type { Scripts } from "./scripts/scripts.ts";
import { userAndPermissionOperations } from "./operations/users.ts";
import { type CosmosOperation, type CosmosTarget, scopeOf } from "./target.ts";

export interface CosmosServiceDependencies {
  readonly engine: Engine;
  readonly accounts: Accounts;
  readonly roles: Roles;
  readonly queries: QueryEngine;
  readonly scripts: Scripts;
  readonly verifier: TokenVerifier;
  /** Cosmos DB's dialect, of `wire/`. */
  readonly dialect: Dialect;
  /** Makes operations keep to the provisioned throughput. */
  readonly throttle?: (operation: CosmosOperation) => CosmosOperation;
}

/** The data plane of Cosmos DB for NoSQL: `{account}.documents.azure.com`, and `{account}-{region}`. */
export const cosmosService = (deps: CosmosServiceDependencies): Service<CosmosTarget> => {
  const { engine, accounts, queries, scripts } = deps;
  const tokens = openResourceTokens(engine);
  const operations = [
    ...accountOperations,
    ...databaseOperations(engine),
    ...containerOperations(engine),
    ...documentOperations(engine, queries, scripts),
    ...queryOperations(engine, queries),
    ...changeFeedOperations(engine),
    ...batchOperations(engine, queries),
    ...offerOperations(engine),
    ...scriptOperations(engine, scripts),
    ...conflictOperations,
    ...userAndPermissionOperations(engine, tokens),
  ]
    .map(consistent(engine))
    .map(directed)
    .map(deps.throttle ?? ((operation) => operation));
  return {
    name: "cosmos",
    title: "Cosmos DB for NoSQL",
    hosts: [
      { suffix: hostSuffix, exists: (label) => onceKnown(accounts.ofLabel(label), (account) => account !== undefined) },
    ],
    dialect: deps.dialect,
    operations,
    match: cosmosMatcher(operations),
    resolve: (request, match) => resolve(request, match, deps),
    scope: (call) => scopeOf(call.target),
    authenticators: [cosmosAuthenticator(deps.verifier, tokens)],
    deciders: cosmosDeciders(deps.roles),
    refuse: refusal,
    unmatched,
  };
};

/** What is missing is not told here: without rights it is a 403, never a 404 (cosmos.md 14). */
const resolve = (
  request: Request,
  match: Match<CosmosTarget>,
  { accounts, engine }: CosmosServiceDependencies,
): Eventually<CosmosTarget> =>
  onceKnown(accounts.ofLabel(request.host.slice(0, -hostSuffix.length)), (account) => {
    checkAccount(account, request);
    const databaseName = match.parameters["db"];
    const containerName = match.parameters["coll"];
    const found = databaseName === undefined ? undefined : findDatabase(engine, account.uid, databaseName);
    return onceKnown(found, (database) => {
      if (database === undefined || containerName === undefined)
        return { account, databaseName, containerName, database, container: undefined };
      return onceKnown(findContainer(engine, account.uid, database.id, containerName), (container) => ({
        account,
        databaseName,
        containerName,
        database,
        container,
      }));
    });
  });

/** @throws 403 for a host without an account, and for an address that its firewall does not let in */
function checkAccount(account: Account | undefined, request: Request): asserts account is Account {
  if (account === undefined)
    throw new Fault({
      status: 403,
      code: "Forbidden",
      message: "Database Account does not exist.",
      detail: { subStatus: 1008 },
    });
  if (!account.admits(request.remoteAddress))
    throw cosmosFault(
      "blockedByFirewall",
      { address: request.remoteAddress.replace(/^::ffff:/i, "") },
      {
        hint: `The firewall of ${account.name} does not let ${request.remoteAddress} in: see publicNetworkAccess, ipRules and isVirtualNetworkFilterEnabled (az cosmosdb update -n ${account.name} --ip-range-filter ...).`,
      },
    );
}

const notThere: ReadonlyMap<string, string> = new Map([
  ["addresses", "Direct mode (use gateway mode)"],
  ["clientencryptionkeys", "Client encryption keys"],
  ["attachments", "Attachments"],
  ["media", "Attachments"],
]);

const unmatched = (request: Request): Fault => {
  const segments = segmentsOf(request.rawPath).map((segment) => segment.toLowerCase());
  const named = segments.findLast((segment, index) => index % 2 === 0 && notThere.has(segment));
  if (named !== undefined) return unsupported(notThere.get(named) ?? named);
  return cosmosFault("methodNotAllowed");
};
