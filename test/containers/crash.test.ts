import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { locate, prepare, thisMachine } from "../../src/control/state-folder.ts";
import { startTenant } from "../../src/testing/start-tenant.ts";
import { needs } from "../support/skip.ts";
import { startTenantProcess } from "../support/tenant-process.ts";
import { startEngine, type TestEngine } from "./engine.ts";

/** A state in which an app stands; nothing has run it yet. */
const makeState = async (state: string, image: string): Promise<void> => {
  const machine = thisMachine();
  prepare(locate(machine, state), machine.uid);
  await using tenant = await startTenant({ state, containerEngine: "off" });
  const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/crash`;
  const environmentId = `${group}/providers/Microsoft.App/managedEnvironments/env`;
  const put = async (path: string, body: object) =>
    expect((await tenant.arm("PUT", `${path}?api-version=2024-03-01`, body)).status).toBeLessThan(300);
  await put(group, { location: "eastus" });
  await put(environmentId, { location: "eastus", properties: {} });
  await put(`${group}/providers/Microsoft.App/containerApps/lasting`, {
    location: "eastus",
    properties: {
      environmentId,
      template: { containers: [{ name: "main", image, command: ["/bin/sleep", "1000"] }] },
    },
  });
};

const runningIn = (engine: TestEngine): string[] =>
  engine
    .podman("ps", "--all", "--format", "{{.ID}}")
    .split("\n")
    .filter((id) => id !== "");

needs(
  "podman",
  "runc",
  "busybox",
)("a tenant that is killed", () => {
  it("leaves no container behind, and its successor runs its apps again", async () => {
    await using opened = new AsyncDisposableStack();
    const state = mkdtempSync(join(tmpdir(), "lanyard-state-"));
    opened.defer(() => rmSync(state, { recursive: true, force: true }));
    const engine = opened.use(await startEngine());
    await makeState(state, engine.image);
    const env = { ...process.env, DOCKER_HOST: `unix://${engine.socket}` };

    const first = await startTenantProcess({ state, env });
    await expect.poll(() => runningIn(engine).length, { timeout: 30_000 }).toBe(1);
    const [before] = runningIn(engine);
    await first.kill();
    await expect.poll(() => runningIn(engine), { timeout: 30_000 }).toEqual([]);

    const second = opened.use(await startTenantProcess({ state, env }));
    await expect.poll(() => runningIn(engine).length, { timeout: 30_000 }).toBe(1);
    expect(runningIn(engine)).not.toEqual([before]);
    await second.stop();
    expect(runningIn(engine)).toEqual([]);
  });
});
