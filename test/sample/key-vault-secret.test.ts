/** samples/key-vault-secret, deployed on App Service by its own script: reads its secret while its role stands. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";
import { root } from "../support/source.ts";
import { type Wire, wireOf } from "../support/wire.ts";

let tenant: TestTenant;
let wire: Wire;
const value = "shown-to-the-app-only";
const host = "secret-app.azurewebsites.net";
const api = "?api-version=2022-04-01";

beforeAll(async () => {
  tenant = await startTenant({ containerEngine: "off" });
  wire = wireOf(await tenant.environment({ command: "node" }));
});
afterAll(() => tenant.close());

const visit = async (): Promise<[number, string]> => {
  const { status, text } = await wire.send({ host, path: "/" });
  return [status, text];
};

it("is deployed, and shows the secret", async () => {
  const script = join(root, "samples", "key-vault-secret", "deploy", "deploy.ts");
  const { code, stdout, stderr } = await tenant.run(process.execPath, [script, "--vault", "kv-deployed"], {
    env: { APP_SERVICE_NAME: "secret-app", SECRET_VALUE: value },
    timeout: 240_000,
  });
  expect(code, stdout + stderr).toBe(0);
  expect(stdout).toContain(`The app is at https://${host}/`);
  expect(await visit()).toEqual([200, `My secret value is ${value}\n`]);
});

it("is refused by name without its role, and reads the secret again once it is back", async () => {
  const scope = `/subscriptions/${tenant.subscriptionId}/resourceGroups/key-vault-secret/providers/Microsoft.KeyVault/vaults/kv-deployed/secrets/secret`;
  const assignments = `${scope}/providers/Microsoft.Authorization/roleAssignments`;
  const { body } = await tenant.arm("GET", `${assignments}${api}&$filter=atScope()`);
  const found = (
    body as { value: readonly { id: string; properties: { scope: string; principalId: string } }[] }
  ).value.find(({ properties }) => properties.scope === scope);
  if (found === undefined) throw new Error(JSON.stringify(body));
  await tenant.arm("DELETE", found.id + api);
  const [status, text] = await visit();
  expect(status).toBe(502);
  expect(text).toContain(`oid=${found.properties.principalId};`);
  expect(text).toContain("Microsoft.KeyVault/vaults/secrets/getSecret/action");
  await tenant.assign({ role: "Key Vault Secrets User", to: found.properties.principalId, scope });
  expect(await visit()).toEqual([200, `My secret value is ${value}\n`]);
  expect(tenant.failures).toEqual([]);
});
