/** ARM with Microsoft.DBforPostgreSQL over a real engine; management tokens are object ids, database tokens are signed. */
import { join } from "node:path";
import { azureRbac } from "../../access/decider.ts";
import type { ArmContext } from "../../arm/context.ts";
import { longRunning } from "../../arm/long-running.ts";
import { openResources } from "../../arm/resources.ts";
import { armService } from "../../arm/service.ts";
import { openDirectory } from "../../identity/directory.ts";
import { openTenantInfo, type TenantInfo } from "../../identity/tenant.ts";
import { systemClock } from "../../kernel/clock.ts";
import { createKernel } from "../../kernel/dispatch.ts";
import { randomIds } from "../../kernel/ids.ts";
import { invocationRequest } from "../../kernel/invocation.ts";
import type { Method } from "../../kernel/message.ts";
import { anyService } from "../../kernel/service.ts";
import { openPostgres, type Postgres } from "../../postgres/postgres.ts";
import { createAuthority, verify, type Authority } from "../../postgres/tenant.test-support.ts";
import { openMemoryStore } from "../../store/memory.ts";
import type { Store } from "../../store/store.ts";
import { armDialect } from "../../wire/arm-dialect.ts";
import { requireUnlocked } from "../authorization/locks.ts";
import { seedOwners } from "../authorization/seed.ts";
import { extensionsBelow, openAccessState } from "../authorization/state.ts";
import { groupOperations } from "../resources/groups.ts";
import { postgresOperations } from "./provider-operations.ts";
import { postgresTypes } from "./service.ts";

export interface Answer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
  readonly body: any;
}

export interface TestArm {
  readonly info: TenantInfo;
  readonly engine: Postgres;
  readonly authority: Authority;
  readonly context: ArmContext;
  readonly errors: unknown[];
  /** Sends as the developer, who owns the subscription, or as another object id. */
  send(method: Method, path: string, json?: unknown, as?: string): Promise<Answer>;
}

export const startPostgresArm = async (folder: string, store: Store = openMemoryStore()): Promise<TestArm> => {
  const info = await openTenantInfo(store, randomIds);
  const directory = openDirectory(store);
  const state = await openAccessState(store);
  const errors: unknown[] = [];
  const authority = await createAuthority();
  const engine = await openPostgres({
    stateDirectory: join(folder, "state"),
    runtimeDirectory: join(folder, "run"),
    certificate: (host) => authority.certificate(host),
    verify,
    onDecision: () => {},
    directory: () => ({ tenantId: info.tenantId, principals: [] }),
    ports: [],
  });
  const context: ArmContext = {
    resources: openResources(store, info.subscriptionId),
    directory,
    tenant: info,
    clock: systemClock,
    ids: randomIds,
    longRunning: longRunning({
      store,
      clock: systemClock,
      ids: randomIds,
      subscriptionId: info.subscriptionId,
      onError: (error) => errors.push(error),
    }),
    extensionsBelow: (id) => Promise.resolve(extensionsBelow(state, id)),
    requireUnlocked: (call) => requireUnlocked(state, call),
  };
  await seedOwners(state, info, systemClock, store);
  const service = armService({
    types: postgresTypes({ arm: context, engine }),
    operations: [...groupOperations(context), ...postgresOperations(context.resources)],
    context,
    verifier: {
      verify: async (objectId) => ({
        ok: true,
        audience: "https://management.azure.com/",
        expiresAt: Number.POSITIVE_INFINITY,
        caller: {
          kind: "principal",
          objectId,
          tenantId: info.tenantId,
          type: "ServicePrincipal",
          appId: objectId,
          name: objectId,
          groups: await directory.groupsOf(objectId),
          claims: {},
        },
      }),
    },
    rbac: azureRbac(state.index, systemClock),
    dialect: armDialect,
  });
  const kernel = createKernel({
    services: [anyService(service)],
    clock: systemClock,
    ids: randomIds,
    decisions: { record: () => undefined },
    identityOf: () => Promise.resolve(undefined),
    onError: (error) => errors.push(error),
  });
  return {
    info,
    engine,
    authority,
    context,
    errors,
    send: async (method, path, json, as = info.developerServicePrincipalId) => {
      const reply = await kernel.handle(
        invocationRequest({
          method,
          host: "management.azure.com",
          path: path.includes("?") ? path : `${path}?api-version=2024-08-01`,
          ...(json === undefined ? {} : { json }),
          headers: { authorization: `Bearer ${as}` },
        }),
      );
      const { body } = reply;
      return {
        status: reply.status,
        body: body !== undefined && "json" in body ? JSON.parse(JSON.stringify(body.json)) : undefined,
      };
    },
  };
};
