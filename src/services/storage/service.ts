import { onceKnown } from "../../kernel/eventually.ts";
import type { Directory } from "../../identity/directory.ts";
import type { TokenVerifier } from "../../identity/verify.ts";
import { type Fault, notBuilt } from "../../kernel/fault.ts";
import { queryValue, type Request } from "../../kernel/message.ts";
import type { Match } from "../../kernel/operation.ts";
import type { Decider, Dialect, Service } from "../../kernel/service.ts";
import type { Store } from "../../store/store.ts";
import type { Accounts } from "./accounts.ts";
import { blobAuthenticator } from "./auth/authenticate.ts";
import { blobDeciders } from "./auth/deciders.ts";
import { corsHeaders } from "./cors.ts";
import { containerKey, type Engine } from "./engine/engine.ts";
import { storageFault } from "./faults.ts";
import { blobMatcher } from "./match.ts";
import { checkNames } from "./names.ts";
import { accountOperations, preflightOperations } from "./operations/account.ts";
import { blobReadOperations } from "./operations/blob-reads.ts";
import { blobWriteOperations } from "./operations/blob-writes.ts";
import { batchOperations } from "./operations/batch.ts";
import { blockOperations } from "./operations/blocks.ts";
import { containerOperations } from "./operations/containers.ts";
import { copyOperations } from "./operations/copies.ts";
import { findByTagsOperations } from "./operations/find-by-tags.ts";
import { leaseOperations } from "./operations/leases.ts";
import { listBlobsOperation } from "./operations/list-blobs.ts";
import { refusal } from "./refusal.ts";
import { readServiceProperties } from "./service-properties.ts";
import { type BlobOperation, type BlobTarget, isRead, scopeOf, versionOf } from "./target.ts";

export interface StorageServiceDependencies {
  readonly store: Store;
  readonly engine: Engine;
  readonly accounts: Accounts;
  readonly verifier: TokenVerifier;
  readonly directory: Directory;
  readonly rbac: Decider<BlobTarget>;
  readonly tenantId: string;
  /** Storage's dialect, of `wire/`. */
  readonly dialect: Dialect;
}

const suffix = ".blob.core.windows.net";

/** The blob data plane: `{account}.blob.core.windows.net`, `{account}-secondary` for reads. */
export const storageService = (deps: StorageServiceDependencies): Service<BlobTarget> => {
  const { store, engine, accounts, tenantId, dialect } = deps;
  const operations: readonly BlobOperation[] = [
    ...accountOperations(engine, store, tenantId),
    ...preflightOperations,
    ...containerOperations(engine),
    listBlobsOperation(engine),
    ...blobReadOperations(engine),
    ...blobWriteOperations(engine),
    ...blockOperations(engine),
    ...leaseOperations(engine),
    ...copyOperations(engine, accounts),
    ...findByTagsOperations(engine),
    ...batchOperations,
  ];
  const containerOf = (target: BlobTarget) =>
    target.container === undefined
      ? undefined
      : engine.containers.get(containerKey({ account: target.account.uid, container: target.container }));
  return {
    name: "blob",
    title: "Blob Storage",
    hosts: [
      { suffix, exists: (label) => onceKnown(accounts.named(accountName(label)), (account) => account !== undefined) },
    ],
    dialect: {
      ...dialect,
      headers: (exchange) => {
        const headers = dialect.headers(exchange);
        const rules = (exchange.target as BlobTarget | undefined)?.cors ?? [];
        return rules.length === 0 ? headers : { ...headers, ...corsHeaders(rules, exchange.request) };
      },
    },
    operations,
    match: blobMatcher(operations),
    resolve: (request, match) => resolve(request, match, deps),
    scope: (call) => scopeOf(call.target),
    authenticators: [
      blobAuthenticator({
        verifier: deps.verifier,
        tenantId,
        policiesOf: async (target) => (await containerOf(target))?.policies ?? [],
      }),
    ],
    deciders: blobDeciders({
      rbac: deps.rbac,
      directory: deps.directory,
      accessOf: async (target) => (await containerOf(target))?.access,
    }),
    refuse: (call, need, verdict) => refusal(call, need, verdict, tenantId),
    unmatched,
  };
};

const accountName = (label: string): string => label.replace(/-secondary$/, "");

const resolve = async (
  request: Request,
  match: Match<BlobTarget>,
  { accounts, store }: StorageServiceDependencies,
): Promise<BlobTarget> => {
  const label = request.host.slice(0, -suffix.length);
  const account = await accounts.named(accountName(label));
  if (account === undefined) throw storageFault("resourceNotFound");
  const version = versionOf(request);
  if (version !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(version))
    throw storageFault(
      "invalidHeader",
      {},
      { detail: { HeaderName: "x-ms-version", HeaderValue: version.slice(0, 50) } },
    );
  if (account.httpsOnly && !request.secure) throw storageFault("requiresHttps");
  if (!account.admits(request.remoteAddress))
    throw storageFault(
      "authorizationFailure",
      {},
      {
        hint: `The firewall of ${account.name} does not let ${request.remoteAddress} in: see publicNetworkAccess and networkAcls (az storage account network-rule add).`,
      },
    );
  const secondary = label !== account.name;
  if (secondary && !isRead(request.method)) throw storageFault("readOnlySecondary");
  const operation = match.operation as BlobOperation;
  const container = match.parameters["container"] || undefined;
  const blob = match.parameters["blob"] || undefined;
  if (container !== undefined) checkNames(container, blob);
  return {
    account,
    operation,
    secondary,
    version,
    container,
    blob,
    snapshot: request.rawQuery === "" ? undefined : queryValue(request, "snapshot"),
    cors: request.header("origin") === undefined ? [] : ((await readServiceProperties(store, account.uid)).cors ?? []),
    createOnly: false,
  };
};

/** Operations that Azure has and Lanyard has not are named; whatever else is wrong is a 400 or 405. */
const notThere: Readonly<Record<string, string>> = {
  undelete: "Undelete",
  page: "Put Page",
  pagelist: "Get Page Ranges",
  query: "Query Blob Contents",
  expiry: "Set Blob Expiry",
  immutabilitypolicies: "Immutability policies",
  legalhold: "Legal holds",
  incrementalcopy: "Incremental Copy Blob",
  stats: "Get Blob Service Stats",
  rename: "Rename Container",
};

const unmatched = (request: Request): Fault => {
  const comp = queryValue(request, "comp")?.toLowerCase();
  const known = comp === undefined ? undefined : notThere[comp];
  if (known !== undefined) return notBuilt(known);
  if (comp !== undefined || queryValue(request, "restype") !== undefined)
    return storageFault(
      "invalidQuery",
      {},
      {
        detail: {
          QueryParameterName: comp === undefined ? "restype" : "comp",
          QueryParameterValue: (comp ?? "").slice(0, 50),
        },
      },
    );
  return request.rawPath === "/" ? storageFault("invalidQuery") : storageFault("unsupportedVerb");
};
