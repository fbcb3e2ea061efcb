import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startTenant, type TestTenant } from "./start-tenant.ts";

let tenant: TestTenant;
let group: string;
let identity: string;
beforeAll(async () => {
  tenant = await startTenant();
  group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/suite`;
  identity = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/worker`;
  expect((await tenant.arm("PUT", `${group}?api-version=2021-04-01`, { location: "eastus" })).status).toBe(201);
  await tenant.arm("PUT", `${identity}?api-version=2023-01-31`, { location: "eastus" });
});
afterAll(() => tenant.close());

/** Reads the resource group with whatever credential the environment gives. */
const readGroup = (options?: { as: string }) => {
  const program = `
    import { ManagedIdentityCredential, EnvironmentCredential } from "@azure/identity";
    const credential = process.env.IDENTITY_ENDPOINT ? new ManagedIdentityCredential() : new EnvironmentCredential();
    const { token } = await credential.getToken("https://management.azure.com/.default");
    const answer = await fetch("https://management.azure.com${group}?api-version=2021-04-01", {
      headers: { authorization: "Bearer " + token },
    });
    console.log(answer.status);`;
  return tenant.run("node", ["--input-type=module", "-e", program], { ...options, cwd: import.meta.dirname });
};

describe("a tenant for a test suite", () => {
  it("runs programs as the developer", async () => {
    expect(await readGroup()).toEqual({ code: 0, stdout: "200\n", stderr: "" });
  });

  it("runs programs as an identity, with the rights that the suite assigns and takes away", async () => {
    tenant.decisions.length = 0;
    expect((await readGroup({ as: "worker" })).stdout).toBe("403\n");
    const refused = tenant.decisions.find((decision) => decision.status === 403);
    expect(refused?.checks[0]?.need).toMatchObject({
      name: "Microsoft.Resources/subscriptions/resourceGroups/read",
      scope: group,
    });
    const assignment = await tenant.assign({ role: "Reader", to: "worker", scope: group });
    expect((await readGroup({ as: identity })).stdout).toBe("200\n");
    await assignment.remove();
    expect((await readGroup({ as: "worker" })).stdout).toBe("403\n");
  });

  it("says why it cannot assign what does not exist", async () => {
    await expect(tenant.assign({ role: "King", to: "worker" })).rejects.toThrow('named "King"');
    await expect(tenant.assign({ role: "Reader", to: "worker", scope: `${group}-2` })).rejects.toThrow("404");
  });

  it("passes input, exit code and variables on, and ends a program that hangs", async () => {
    const echo = "process.stdin.pipe(process.stdout).on('unpipe', () => process.exit(Number(process.env.CODE)))";
    const finished = await tenant.run("node", ["-e", echo], { input: "hello", env: { CODE: "7" } });
    expect([finished.code, finished.stdout]).toEqual([7, "hello"]);
    await expect(tenant.run("sleep", ["60"], { timeout: 100 })).rejects.toThrow("did not end in 100 ms");
    await expect(tenant.run("no-such-program")).rejects.toThrow("could not be run");
  });

  it("has failed nowhere", () => expect(tenant.failures).toEqual([]));
});

it("keeps its state in a folder that a suite names", async () => {
  const state = await mkdtemp(join(tmpdir(), "lanyard-kept-"));
  const path = (id: string): string => `/subscriptions/${id}/resourceGroups/kept?api-version=2021-04-01`;
  try {
    {
      await using first = await startTenant({ state });
      await first.arm("PUT", path(first.subscriptionId), { location: "eastus" });
    }
    await using second = await startTenant({ state });
    expect((await second.arm("GET", path(second.subscriptionId))).status).toBe(200);
  } finally {
    await rm(state, { recursive: true });
  }
});

it("ends what still runs when it closes", async () => {
  const own = await startTenant();
  const folder = await mkdtemp(join(tmpdir(), "lanyard-program-"));
  try {
    const running = own.run("sh", ["-c", "touch begun; exec sleep 60"], { cwd: folder });
    const outcome = expect(running).rejects.toThrow("the tenant was closed");
    await vi.waitFor(() => access(join(folder, "begun")), { timeout: 10_000, interval: 20 });
    // This one is still being prepared when the tenant closes.
    const late = expect(own.run("sleep", ["60"])).rejects.toThrow("the tenant was closed");
    await own.close();
    await Promise.all([outcome, late]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
