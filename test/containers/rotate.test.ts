import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { rotateIdentity } from "../../src/control/identity.ts";
import { needs } from "../support/skip.ts";
import { startTestTenant, type TestTenant } from "../support/tenant.ts";
import { startEngine, type TestEngine } from "./engine.ts";

needs(
  "podman",
  "runc",
  "busybox",
)("lanyard identity rotate, for a container app", () => {
  const opened = new AsyncDisposableStack();
  let engine: TestEngine;
  let test: TestTenant;
  let app: string;

  const running = () =>
    vi.waitFor(
      async () => {
        const { properties } = (await test.arm("GET", app)).body;
        expect(properties.runningStatus).toBe("Running");
      },
      { timeout: 30_000, interval: 100 },
    );
  const headerInside = (): string => {
    const variables = engine.podman("inspect", "--latest", "--format", "{{range .Config.Env}}{{println .}}{{end}}");
    return /^IDENTITY_HEADER=(\w+)$/m.exec(variables)?.[1] ?? "";
  };

  beforeAll(async () => {
    engine = opened.use(await startEngine());
    test = opened.use(await startTestTenant({ containerEngine: engine.socket }));
    const group = `/subscriptions/${test.tenant.info.subscriptionId}/resourceGroups/rotate`;
    const environmentId = `${group}/providers/Microsoft.App/managedEnvironments/env`;
    app = `${group}/providers/Microsoft.App/containerApps/turning`;
    await test.arm("PUT", group, { location: "eastus" });
    await test.arm("PUT", environmentId, { location: "eastus", properties: {} });
    const containers = [{ name: "main", image: engine.image, command: ["/bin/sleep", "1000"] }];
    await test.arm("PUT", app, { location: "eastus", properties: { environmentId, template: { containers } } });
    await running();
  });
  afterAll(() => opened.disposeAsync());

  it("starts the containers again with the new secret, and the old one is worthless", async () => {
    const before = headerInside();
    expect(test.tenant.secrets.resourceOf(before)).toBe(app);
    expect(await rotateIdentity(test.tenant, "turning")).toEqual({ app: "turning", restarted: true });
    await running();
    const after = headerInside();
    expect(test.tenant.secrets.resourceOf(before)).toBeUndefined();
    expect(test.tenant.secrets.resourceOf(after)).toBe(app);
    expect(test.errors).toEqual([]);
  });
});
