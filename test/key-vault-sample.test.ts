/** samples/key-vault-secret as an app of the tenant: refused by name, granted one secret, and never leaking it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTenant, type TestTenant } from "../src/testing/start-tenant.ts";
import { root } from "./support/source.ts";

let tenant: TestTenant;
let app: ChildProcess;
let address: string;
let vault: string;
const value = "shown-to-the-app-only";

// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
const arm = async (method: "GET" | "PUT" | "PATCH", path: string, json?: object): Promise<any> => {
  const answer = await tenant.arm(method, `${path}?api-version=2023-07-01`, json);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
};

beforeAll(async () => {
  tenant = await startTenant({ containerEngine: "off" });
  const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/sample`;
  vault = `${group}/providers/Microsoft.KeyVault/vaults/kv-sample`;
  await arm("PUT", group, { location: "eastus" });
  const sku = { family: "A", name: "standard" };
  await arm("PUT", vault, { location: "eastus", properties: { tenantId: tenant.tenantId, sku } });
  await arm("PUT", `${vault}/secrets/secret`, { properties: { value } });
  app = spawn(process.execPath, [join(root, "samples", "key-vault-secret", "src", "server.ts")], {
    env: {
      ...(await tenant.environment({ as: "key-vault-app", command: "node" })),
      PORT: "0",
      KEY_VAULT_URI: "https://kv-sample.vault.azure.net/",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (app.stdout === null) throw new Error("no output");
  for await (const line of createInterface(app.stdout)) {
    const { event, port } = JSON.parse(line) as { event: string; port: number };
    if (event !== "listening") continue;
    address = `http://127.0.0.1:${port}`;
    break;
  }
});
afterAll(async () => {
  app.kill("SIGKILL");
  if (app.exitCode === null && app.signalCode === null) await once(app, "exit");
  await tenant.close();
});

const visit = async (path: string): Promise<[number, string]> => {
  const answer = await fetch(`${address}${path}`);
  return [answer.status, await answer.text()];
};
const identity = async (): Promise<string> =>
  (
    await arm(
      "GET",
      `/subscriptions/${tenant.subscriptionId}/resourceGroups/lanyard/providers/Microsoft.Web/sites/key-vault-app`,
    )
  ).identity.principalId as string;

it("answers /ping without Key Vault", async () => {
  expect(await visit("/ping")).toEqual([200, "Hello world\n"]);
});

it("shows the refusal that names the caller, and the secret once an access policy grants it", async () => {
  const principalId = await identity();
  const [status, text] = await visit("/");
  expect(status).toBe(502);
  expect(text).toContain(`oid=${principalId};`);
  expect(text).toContain("does not have secrets get permission on key vault 'kv-sample;location=eastus'");
  await arm("PUT", `${vault}/accessPolicies/add`, {
    properties: {
      accessPolicies: [{ tenantId: tenant.tenantId, objectId: principalId, permissions: { secrets: ["get"] } }],
    },
  });
  expect(await visit("/")).toEqual([200, `My secret value is ${value}\n`]);
});

it("loses it with the permission model, and has it again by a role on the one secret", async () => {
  await arm("PATCH", vault, { properties: { enableRbacAuthorization: true } });
  const [status, text] = await visit("/");
  expect(status).toBe(502);
  expect(text).toContain("Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'");
  await tenant.assign({ role: "Key Vault Secrets User", to: "key-vault-app", scope: `${vault}/secrets/secret` });
  expect(await visit("/")).toEqual([200, `My secret value is ${value}\n`]);
});

it("leaves no secret in decisions or failures", () => {
  expect(JSON.stringify(tenant.decisions)).not.toContain(value);
  expect(tenant.failures).toEqual([]);
});
