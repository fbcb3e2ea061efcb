/** Apps that are deployed on App Service read a secret: Python's clients of today and of the original tutorial. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";
import { needs } from "../support/skip.ts";
import { type Wire, wireOf } from "../support/wire.ts";

const fixtures = join(import.meta.dirname, "fixtures", "key-vault");

needs("python")("Key Vault for Python on App Service", () => {
  let tenant: TestTenant;
  let wire: Wire;
  let token: string;
  let group: string;
  let vault: string;
  const version = "?api-version=2023-07-01";

  const arm = async (path: string, body: object): Promise<unknown> => {
    const answer = await tenant.arm("PUT", path, body);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body;
  };
  const visit = async (site: string, path = "/"): Promise<string> =>
    (await wire.send({ host: `${site}.azurewebsites.net`, path })).text;

  beforeAll(async () => {
    tenant = await startTenant({ containerEngine: "off" });
    const environment = await tenant.environment({ command: "node" });
    wire = wireOf(environment);
    const login = await wire.send({
      method: "POST",
      host: "login.microsoftonline.com",
      path: `/${tenant.tenantId}/oauth2/v2.0/token`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: environment["AZURE_CLIENT_ID"] ?? "",
        client_secret: environment["AZURE_CLIENT_SECRET"] ?? "",
        scope: "https://management.azure.com/.default",
      }).toString(),
    });
    token = (JSON.parse(login.text) as { access_token: string }).access_token;
    group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/python-sites`;
    vault = `${group}/providers/Microsoft.KeyVault/vaults/kv-sites`;
    await arm(group + version, { location: "eastus" });
    await arm(`${group}/providers/Microsoft.Web/serverfarms/plan${version}`, {
      location: "eastus",
      kind: "linux",
      properties: { reserved: true },
      sku: { name: "B1", tier: "Basic" },
    });
    const sku = { family: "A", name: "standard" };
    await arm(vault + version, { location: "eastus", properties: { tenantId: tenant.tenantId, sku } });
    await arm(`${vault}/secrets/secret${version}`, { properties: { value: "from a template" } });
  });
  afterAll(() => tenant.close());

  /** @returns the object id of the site's identity */
  const deploy = async (site: string, program: string): Promise<string> => {
    const made = await arm(`${group}/providers/Microsoft.Web/sites/${site}${version}`, {
      location: "eastus",
      kind: "app,linux",
      identity: { type: "SystemAssigned" },
      properties: {
        serverFarmId: `${group}/providers/Microsoft.Web/serverfarms/plan`,
        reserved: true,
        siteConfig: {
          linuxFxVersion: "PYTHON|3.11",
          appCommandLine: "python serve.py",
          appSettings: [
            { name: "SCM_DO_BUILD_DURING_DEPLOYMENT", value: "true" },
            { name: "KEY_VAULT_URI", value: "https://kv-sites.vault.azure.net/" },
          ],
        },
      },
    });
    const zip = zipSync({
      "main.py": readFileSync(join(fixtures, `${program}.py`)),
      "serve.py": readFileSync(join(fixtures, "serve.py")),
      "requirements.txt": readFileSync(join(fixtures, `${program}.txt`)),
    });
    const host = `${site}.scm.azurewebsites.net`;
    const headers = { "content-type": "application/zip" };
    const sent = { method: "POST", host, path: "/api/zipdeploy", headers, token, body: Buffer.from(zip) };
    const deployed = await wire.send(sent);
    expect(deployed.status, deployed.text).toBe(200);
    await expect.poll(() => visit(site, "/ping"), { timeout: 60_000 }).toBe("hello world");
    return (made as { identity: { principalId: string } }).identity.principalId;
  };
  const allow = (objectId: string, permissions: object) =>
    arm(`${vault}/accessPolicies/add${version}`, {
      properties: { accessPolicies: [{ tenantId: tenant.tenantId, objectId, permissions }] },
    });

  it("the tutorial's app is refused by name, and reads the secret once a policy grants it", async () => {
    const principalId = await deploy("kv-tutorial", "tutorial");
    const refused = await visit("kv-tutorial");
    expect(refused).toContain(`oid=${principalId};`);
    expect(refused).toContain("does not have secrets get permission on key vault 'kv-sites;location=eastus'");
    await allow(principalId, { secrets: ["get"] });
    expect(await visit("kv-tutorial")).toBe("My secret value is from a template\n");
  });

  it("an app of today is refused by name, and reads the secret once a policy grants it", async () => {
    const principalId = await deploy("kv-today", "today");
    const { refused } = JSON.parse(await visit("kv-today")) as { refused: readonly [number, string] };
    expect(refused[0]).toBe(403);
    expect(refused[1]).toContain(`oid=${principalId};`);
    await allow(principalId, { secrets: ["all"], keys: ["all"], certificates: ["all"] });
    expect(JSON.parse(await visit("kv-today"))).toMatchObject({ secret: "from a template", opened: "text" });
    expect(tenant.failures).toEqual([]);
  });
});
