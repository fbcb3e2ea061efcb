/** Key Vault by its clients for Python: today's, and the one of the original tutorial. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";
import { pythonEnvironment } from "../clients/toolchains.ts";
import { needs } from "../support/skip.ts";

const fixtures = join(import.meta.dirname, "fixtures", "key-vault");

const environment = (name: string): string => pythonEnvironment(join(fixtures, `${name}.txt`)).python;

needs("python")("Key Vault for Python", () => {
  let tenant: TestTenant;
  let vault: string;
  let principalId: string;
  const version = "?api-version=2023-07-01";
  const env = { KEY_VAULT_URI: "https://kv-python.vault.azure.net/" };

  const run = async (name: string): Promise<string> => {
    const { code, stdout, stderr } = await tenant.run(environment(name), [join(fixtures, `${name}.py`)], {
      as: "python-app",
      env,
    });
    expect(code, stderr).toBe(0);
    return stdout.trim();
  };
  const allow = (permissions: object) =>
    tenant.arm("PUT", `${vault}/accessPolicies/replace${version}`, {
      properties: { accessPolicies: [{ tenantId: tenant.tenantId, objectId: principalId, permissions }] },
    });

  beforeAll(async () => {
    tenant = await startTenant({ containerEngine: "off" });
    const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/python`;
    vault = `${group}/providers/Microsoft.KeyVault/vaults/kv-python`;
    await tenant.arm("PUT", group + version, { location: "eastus" });
    const properties = { tenantId: tenant.tenantId, sku: { family: "A", name: "standard" } };
    await tenant.arm("PUT", vault + version, { location: "eastus", properties });
    await tenant.arm("PUT", `${vault}/secrets/secret${version}`, { properties: { value: "from a template" } });
    await tenant.environment({ as: "python-app" });
    const site = `/subscriptions/${tenant.subscriptionId}/resourceGroups/lanyard/providers/Microsoft.Web/sites/python-app`;
    const { body } = await tenant.arm("GET", site + version);
    principalId = (body as { identity: { principalId: string } }).identity.principalId;
  });
  afterAll(() => tenant.close());

  it("is refused by name without an access policy, today as in the tutorial", async () => {
    expect(await run("tutorial")).toContain(`oid=${principalId};`);
    const { refused } = JSON.parse(await run("today")) as { refused: readonly [number, string] };
    expect(refused[0]).toBe(403);
    expect(refused[1]).toContain("does not have secrets get permission on key vault 'kv-python;location=eastus'");
  });

  it("reads the secret once a policy grants it", async () => {
    await allow({ secrets: ["get"] });
    expect(await run("tutorial")).toBe("My secret value is from a template");
  });

  it("does all that today's clients do with secrets, keys and certificates", async () => {
    await allow({ secrets: ["all"], keys: ["all"], certificates: ["all"] });
    expect(JSON.parse(await run("today"))).toEqual({
      secret: "from a template",
      listed: 31,
      deleted: ["n1"],
      oldest: "x",
      RS256: true,
      PS256: true,
      ES256: true,
      opened: "text",
      subject: "CN=DefaultPolicy",
    });
    expect(tenant.failures).toEqual([]);
  });
});
