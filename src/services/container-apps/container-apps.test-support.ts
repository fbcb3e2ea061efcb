/** A tenant with one environment, for the tests of this folder. No containers run. */
import { startTestTenant, type Answer, type TestTenant } from "../../../test/support/tenant.ts";

export interface World extends AsyncDisposable {
  readonly test: TestTenant;
  readonly group: string;
  readonly environment: string;
  /** Id of the apps' collection. */
  readonly apps: string;
  /** An app's body; `properties` go into its properties, `extra` beside them. */
  body(properties?: object, extra?: object): object;
  put(name: string, json: object, token?: string): Promise<Answer>;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
  get(name: string): Promise<any>;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
  revisions(name: string): Promise<any>;
}

export const container = (extra: object = {}): object => ({
  name: "main",
  image: "registry.example/app:1",
  resources: { cpu: 0.25, memory: "0.5Gi" },
  ...extra,
});

export const openWorld = async (): Promise<World> => {
  const test = await startTestTenant({ containerEngine: "off" });
  const group = `/subscriptions/${test.tenant.info.subscriptionId}/resourceGroups/apps`;
  const apps = `${group}/providers/Microsoft.App/containerApps`;
  await test.arm("PUT", group, { location: "eastus" });
  const made = await test.arm("PUT", `${group}/providers/Microsoft.App/managedEnvironments/env`, {
    location: "East US",
    properties: {
      appLogsConfiguration: {
        destination: "log-analytics",
        logAnalyticsConfiguration: { customerId: "c", sharedKey: "log-key" },
      },
    },
  });
  const environment = String(made.body.id);
  return {
    test,
    group,
    apps,
    environment,
    body: (properties = {}, extra = {}) => ({
      location: "eastus",
      properties: { environmentId: environment, template: { containers: [container()] }, ...properties },
      ...extra,
    }),
    put: (name, json, token) => test.arm("PUT", `${apps}/${name}`, json, token),
    get: async (name) => (await test.arm("GET", `${apps}/${name}`)).body,
    revisions: async (name) => (await test.arm("GET", `${apps}/${name}/revisions`)).body.value,
    [Symbol.asyncDispose]: () => test[Symbol.asyncDispose](),
  };
};
