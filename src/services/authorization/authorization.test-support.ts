/** ARM with Microsoft.Authorization on a store in memory; tokens are object ids. */
import { azureRbac } from "../../access/decider.ts";
import { builtInRole } from "../../access/built-in-roles/all.ts";
import type { ArmContext } from "../../arm/context.ts";
import { longRunning } from "../../arm/long-running.ts";
import { openResources } from "../../arm/resources.ts";
import { armService } from "../../arm/service.ts";
import { openDirectory } from "../../identity/directory.ts";
import { openTenantInfo, type TenantInfo } from "../../identity/tenant.ts";
import type { TokenVerifier } from "../../identity/verify.ts";
import { systemClock } from "../../kernel/clock.ts";
import { createKernel } from "../../kernel/dispatch.ts";
import { randomIds } from "../../kernel/ids.ts";
import { invocationRequest } from "../../kernel/invocation.ts";
import type { Method } from "../../kernel/message.ts";
import { anyService } from "../../kernel/service.ts";
import { openMemoryStore } from "../../store/memory.ts";
import type { Store } from "../../store/store.ts";
import { armDialect } from "../../wire/arm-dialect.ts";
import { userAssignedIdentities } from "../managed-identity/user-assigned.ts";
import { groupOperations } from "../resources/groups.ts";
import { requireUnlocked } from "./locks.ts";
import { seedOwners } from "./seed.ts";
import { authorizationTypes } from "./service.ts";
import { type AccessState, extensionsBelow, openAccessState } from "./state.ts";

export interface Answer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
  readonly body: any;
  readonly hint: string;
}

export interface TestAuthorization {
  readonly info: TenantInfo;
  readonly state: AccessState;
  readonly store: Store;
  readonly context: ArmContext;
  /** `/subscriptions/{id}` */
  readonly subscription: string;
  /** A service principal known to the directory; its object id. */
  principal(name: string): Promise<string>;
  /** Sends as an object id (default: the developer; null: no token). */
  send(method: Method, path: string, json?: unknown, as?: string | null): Promise<Answer>;
  assign(role: string, principalId: string, scope: string, extra?: object, as?: string): Promise<Answer>;
}

export const startAuthorization = async (store: Store = openMemoryStore()): Promise<TestAuthorization> => {
  const info = await openTenantInfo(store, randomIds);
  const directory = openDirectory(store);
  const state = await openAccessState(store);
  const errors: unknown[] = [];
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
    requireUnlocked: (call) => {
      requireUnlocked(state, call);
    },
  };
  await seedOwners(state, info, systemClock, store);
  await directory.put({
    kind: "ServicePrincipal",
    objectId: info.developerServicePrincipalId,
    appId: info.developerAppId,
    displayName: "developer",
    servicePrincipalType: "Application",
  });
  const verifier: TokenVerifier = {
    verify: async (objectId, audiences) => ({
      ok: true,
      audience: audiences("https://management.azure.com/") ? "https://management.azure.com/" : "",
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
  };
  const kernel = createKernel({
    services: [
      anyService(
        armService({
          types: [userAssignedIdentities({ tenant: info, ids: randomIds }), ...authorizationTypes(state, context)],
          operations: groupOperations(context),
          context,
          verifier,
          rbac: azureRbac(state.index, systemClock),
          dialect: armDialect,
        }),
      ),
    ],
    clock: systemClock,
    ids: randomIds,
    decisions: { record: () => undefined },
    identityOf: () => Promise.resolve(undefined),
    onError: (error) => {
      throw error;
    },
  });
  const send: TestAuthorization["send"] = async (method, path, json, as = info.developerServicePrincipalId) => {
    const query = path.includes("?") ? "&" : "?";
    const reply = await kernel.handle(
      invocationRequest({
        method,
        host: "management.azure.com",
        path: `${path}${query}api-version=2022-04-01`,
        ...(json === undefined ? {} : { json }),
        headers: as === null ? {} : { authorization: `Bearer ${as}` },
      }),
    );
    const { body } = reply;
    const hint = reply.headers?.["x-lanyard-hint"];
    return {
      status: reply.status,
      body: body !== undefined && "json" in body ? JSON.parse(JSON.stringify(body.json)) : undefined,
      hint: typeof hint === "string" ? hint : "",
    };
  };
  return {
    info,
    state,
    store,
    context,
    subscription: `/subscriptions/${info.subscriptionId}`,
    principal: async (displayName) => {
      const objectId = randomIds.guid();
      await directory.put({
        kind: "ServicePrincipal",
        objectId,
        appId: randomIds.guid(),
        displayName,
        servicePrincipalType: "Application",
      });
      return objectId;
    },
    send,
    assign: (role, principalId, scope, extra = {}, as = info.developerServicePrincipalId) =>
      send(
        "PUT",
        `${scope}/providers/Microsoft.Authorization/roleAssignments/${randomIds.guid()}`,
        { properties: { roleDefinitionId: builtInRole(role).name, principalId, ...extra } },
        as,
      ),
  };
};
