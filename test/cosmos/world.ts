/** A tenant with a Cosmos DB account, an app with an identity of its own, and `@azure/cosmos` in a process of its own. */
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";
import { type CosmosProcess, startCosmosProcess } from "./sdk-process.ts";

export const reader = "00000000-0000-0000-0000-000000000001";
export const contributor = "00000000-0000-0000-0000-000000000002";

export interface World extends AsyncDisposable {
  readonly tenant: TestTenant;
  readonly sdk: CosmosProcess;
  readonly env: Readonly<Record<string, string>>;
  readonly endpoint: string;
  readonly accountId: string;
  readonly principalId: string;
  readonly keys: Readonly<Record<"primaryMasterKey" | "primaryReadonlyMasterKey" | "secondaryMasterKey", string>>;
  /** PUT below the account, as the developer. @returns the body */
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
  put(path: string, properties: unknown): Promise<any>;
  /** Gives the app a native role; the scope is below the account. @returns undoes it */
  assign(role: string, scope?: string): Promise<() => Promise<void>>;
}

const version = "api-version=2024-11-15";
let guids = 0;
export const guid = (): string => `00000000-0000-4000-8000-${String(++guids).padStart(12, "0")}`;

export const startWorld = async (
  options: {
    readonly state?: string;
    readonly account?: string;
    readonly locations?: readonly string[];
    readonly enforceThroughput?: boolean;
    /** Of the account, beside its locations. */
    readonly properties?: object;
  } = {},
): Promise<World> => {
  const { account = "acme", locations = ["eastus"], enforceThroughput = false } = options;
  const tenant = await startTenant({
    enforceThroughput,
    ...(options.state === undefined ? {} : { state: options.state }),
  });
  const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/rg`;
  const accountId = `${group}/providers/Microsoft.DocumentDB/databaseAccounts/${account}`;
  const identity = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/cosmos-app`;
  const must = async (method: "PUT" | "POST" | "DELETE", path: string, body?: unknown) => {
    const answer = await tenant.arm(method, `${path}?${version}`, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await must("PUT", group, { location: "eastus" });
  await must("PUT", accountId, {
    location: "eastus",
    kind: "GlobalDocumentDB",
    properties: {
      databaseAccountOfferType: "Standard",
      locations: locations.map((locationName, failoverPriority) => ({ locationName, failoverPriority })),
      ...options.properties,
    },
  });
  const { principalId } = (await must("PUT", identity, { location: "eastus" })).properties;
  const env = await tenant.environment({ as: "cosmos-app", command: "node" });
  const sdk = startCosmosProcess(env);
  const put: World["put"] = (path, properties) => must("PUT", `${accountId}${path}`, { properties });
  return {
    tenant,
    sdk,
    env,
    endpoint: `https://${account}.documents.azure.com:443/`,
    accountId,
    principalId,
    keys: await must("POST", `${accountId}/listKeys`),
    put,
    assign: async (role, scope = "") => {
      const path = `/sqlRoleAssignments/${guid()}`;
      await put(path, {
        roleDefinitionId: `${accountId}/sqlRoleDefinitions/${role}`,
        principalId,
        scope: `${accountId}${scope}`,
      });
      return () => must("DELETE", `${accountId}${path}`);
    },
    [Symbol.asyncDispose]: async () => {
      await sdk[Symbol.asyncDispose]();
      await tenant.close();
    },
  };
};
