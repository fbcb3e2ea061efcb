import type { ArmContext } from "../../arm/context.ts";
import type { ArmTarget, ResourceType } from "../../arm/resource-type.ts";
import type { TokenVerifier } from "../../identity/verify.ts";
import type { AnyOperation } from "../../kernel/operation.ts";
import type { Dialect, Service } from "../../kernel/service.ts";
import type { Store } from "../../store/store.ts";
import { openAccounts } from "./accounts.ts";
import { accountTypes } from "./arm/database-accounts.ts";
import { providerOperations } from "./arm/provider-operations.ts";
import { roleTypes } from "./arm/sql-roles.ts";
import { sqlTypes } from "./arm/sql-resources.ts";
import { scriptTypes } from "./arm/sql-scripts.ts";
import { openRoles } from "./auth/roles.ts";
import { dropAccount, sweepDropped } from "./engine/catalog.ts";
import { openEngine } from "./engine/engine.ts";
import { openFrontReader } from "./engine/front-reader.ts";
import { storeSources } from "./engine/source.ts";
import { openUpkeep } from "./engine/upkeep.ts";
import { querySpec } from "./operations/query-list.ts";
import { openQueryEngine } from "./query-engine.ts";
import { openQueryThread } from "./query-thread.ts";
import { functionSources } from "./scripts/catalog.ts";
import { openScriptPool } from "./scripts/pool.ts";
import { openScripts } from "./scripts/scripts.ts";
import { cosmosService } from "./service.ts";
import type { CosmosTarget } from "./target.ts";
import { throttled } from "./throughput.ts";

/** Everything Cosmos DB puts into a tenant. */
export interface Cosmos {
  readonly service: Service<CosmosTarget>;
  readonly types: readonly ResourceType[];
  readonly armOperations: readonly AnyOperation<ArmTarget>[];
  /** Ends what goes on in the background. */
  close(): Promise<void>;
}

export const openCosmos = (options: {
  readonly store: Store;
  readonly arm: ArmContext;
  readonly verifier: TokenVerifier;
  readonly dialect: Dialect;
  /** Bound of the documents kept parsed in memory, in bytes of JSON; default 256 MB. */
  readonly cacheBytes?: number;
  /** True: provisioned throughput is enforced. */
  readonly enforceThroughput?: boolean;
  /** How long a stored procedure or trigger may take, in milliseconds; default 5000, as on Azure. */
  readonly scriptMilliseconds?: number;
  /** What went wrong in the background. */
  readonly onError: (error: unknown) => void;
}): Cosmos => {
  const { store, arm, verifier, dialect } = options;
  const { clock, ids, resources } = arm;
  const { cacheBytes = 256 * 1024 * 1024 } = options;
  const sources = storeSources(store);
  // Apart, because a script may ask for a query with functions: neither waits for a thread that the other holds.
  const threads = { scripts: openScriptPool(), functions: openScriptPool() };
  const queries = openQueryEngine({ clock, ids, scripts: threads.functions });
  const thread = openQueryThread({ sources, cacheBytes, now: () => clock.now() });
  const reader = openFrontReader(thread, { sources, ids, queries });
  const engine = openEngine({ store, clock, ids, reader });
  const roles = openRoles(store);
  const upkeep = openUpkeep(engine, options.onError);
  const seen = new Set<string>();
  const accounts = openAccounts(resources, ({ uid, backup }) => {
    if (backup === undefined) engine.backups.delete(uid);
    else engine.backups.set(uid, backup);
    if (seen.has(uid)) return;
    seen.add(uid);
    upkeep.add(uid);
    // What a crash left of deleted containers. When it fails, the next start tries again.
    sweepDropped(engine, uid).catch(() => undefined);
  });
  const scripts = openScripts({
    engine,
    pool: threads.scripts,
    milliseconds: options.scriptMilliseconds ?? 5000,
    prepare: async (place, asked) => {
      const spec = querySpec(asked);
      const functions = await functionSources(engine, place, queries.functionsOf(spec));
      return queries.prepare(spec, place.container.definition, functions);
    },
  });
  const context = { arm, engine, roles, accounts };
  return {
    service: cosmosService({
      engine,
      accounts,
      roles,
      queries,
      scripts,
      verifier,
      dialect,
      ...(options.enforceThroughput === true ? { throttle: throttled(clock) } : {}),
    }),
    types: [
      ...accountTypes({
        ...context,
        dropData: async (uid) => {
          await dropAccount(engine, uid);
          await roles.drop(uid);
        },
      }),
      ...sqlTypes(context),
      ...scriptTypes(context),
      ...roleTypes(context),
    ],
    armOperations: providerOperations(resources),
    close: async () => {
      await upkeep.close();
      await reader.close();
      await Promise.all(Object.values(threads).map((pool) => pool[Symbol.asyncDispose]()));
    },
  };
};
