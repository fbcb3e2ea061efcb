/**
 * The fourth tutorial's Python file, as it is printed: run with a managed identity, and deployed on App Service.
 * Management's roles give it nothing, native ones do; what only management may make, it is refused.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";
import { pythonEnvironment } from "../clients/toolchains.ts";
import { recipeApp, withRecipe } from "../support/recipe.ts";
import { needs } from "../support/skip.ts";
import { type Wire, wireOf } from "../support/wire.ts";

const fixtures = join(import.meta.dirname, "fixtures", "cosmos-recipe");
const requirements = join(fixtures, "requirements.txt");
const version = "?api-version=2023-04-15";
const contributor = "00000000-0000-0000-0000-000000000002";

needs("python")("tutorial 4", () => {
  withRecipe("its Python file", () => {
    let tenant: TestTenant;
    let wire: Wire;
    let folder: string;
    let account: string;
    const settings = {
      COSMOS_ENDPOINT: "https://recipe.documents.azure.com:443/",
      COSMOS_DATABASE: "appdb",
      COSMOS_CONTAINER: "items",
    };

    const arm = async (method: "GET" | "PUT" | "DELETE", path: string, body?: object) => {
      const answer = await tenant.arm(method, path + version, body);
      expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
      return answer.body;
    };
    const assign = (principalId: string, name: string) =>
      arm("PUT", `${account}/sqlRoleAssignments/00000000-0000-4000-8000-00000000000${name}`, {
        properties: { roleDefinitionId: `${account}/sqlRoleDefinitions/${contributor}`, principalId, scope: account },
      });
    const identityOf = async (site: string): Promise<string> => {
      const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/lanyard`;
      return (await arm("GET", `${group}/providers/Microsoft.Web/sites/${site}`)).identity.principalId;
    };
    /** As `lanyard run --as recipe-app -- python app.py` would, with a visitor. */
    const run = async (...args: string[]): Promise<unknown> => {
      const { python } = pythonEnvironment(requirements);
      const { code, stdout, stderr } = await tenant.run(python, [join(fixtures, "drive.py"), ...args], {
        as: "recipe-app",
        cwd: folder,
        env: settings,
      });
      expect(code, stderr).toBe(0);
      return JSON.parse(stdout);
    };

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "lanyard-recipe-"));
      await writeFile(join(folder, "app.py"), recipeApp());
      tenant = await startTenant({ containerEngine: "off" });
      wire = wireOf(await tenant.environment({ command: "node" }));
      await tenant.environment({ as: "recipe-app" });
      const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/recipe`;
      account = `${group}/providers/Microsoft.DocumentDB/databaseAccounts/recipe`;
      await arm("PUT", group, { location: "eastus" });
      await arm("PUT", account, {
        location: "eastus",
        kind: "GlobalDocumentDB",
        properties: { databaseAccountOfferType: "Standard", locations: [{ locationName: "eastus" }] },
      });
    });
    afterAll(async () => {
      await tenant.close();
      await rm(folder, { recursive: true, force: true });
    });

    it("is refused by name without a native role, also as Contributor of the account's management", async () => {
      const principalId = await identityOf("recipe-app");
      await tenant.assign({ role: "Contributor", to: principalId, scope: account });
      expect(await run("create", "1")).toEqual({
        refused: [403, 5301],
        message: expect.stringContaining(
          `principal [${principalId}] does not have required RBAC permissions`,
        ) as string,
      });
    });

    it("makes no database with a data role: its bootstrap ends in the 403 that it does not catch", async () => {
      await assign(await identityOf("recipe-app"), "1");
      expect(await run("ensure")).toEqual([
        {
          refused: [403, 5300],
          message: expect.stringContaining("[POST /dbs] cannot be authorized by AAD token in data plane") as string,
        },
      ]);
      const database = `${account}/sqlDatabases/appdb`;
      await arm("PUT", database, { properties: { resource: { id: "appdb" } } });
      expect(await run("ensure")).toEqual([
        {
          refused: [403, 5300],
          message: expect.stringContaining("[POST /dbs/appdb/colls] cannot be authorized by AAD token") as string,
        },
      ]);
      const resource = { id: "items", partitionKey: { paths: ["/pk"], kind: "Hash" } };
      await arm("PUT", `${database}/containers/items`, { properties: { resource } });
    });

    it("works once the database and the container are there: bootstrap, POST, GET", async () => {
      const stored = expect.objectContaining({ id: "1", pk: "1", name: "Ada" }) as unknown;
      expect(await run("ensure", "create", "1", "read", "1")).toEqual([null, stored, stored]);
      expect(await run("read", "2")).toEqual([
        { refused: [404, null], message: expect.stringContaining("Resource Not Found") as string },
      ]);
    });

    const host = "recipe-site.azurewebsites.net";
    const site = () =>
      `/subscriptions/${tenant.subscriptionId}/resourceGroups/recipe/providers/Microsoft.Web/sites/recipe-site`;
    const visit = async (method: "GET" | "POST", path: string, body?: object) => {
      const headers = { "content-type": "application/json" };
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await wire.send({ method, host, path, headers, ...text });
      return { status: answer.status, text: answer.text };
    };

    it("on App Service: is refused the account while it starts without the role, and serves once it has it", async () => {
      const group = `/subscriptions/${tenant.subscriptionId}/resourceGroups/recipe`;
      const plan = `${group}/providers/Microsoft.Web/serverfarms/plan`;
      await arm("PUT", plan, {
        location: "eastus",
        kind: "linux",
        properties: { reserved: true },
        sku: { name: "B1", tier: "Basic" },
      });
      const appSettings = Object.entries({ ...settings, SCM_DO_BUILD_DURING_DEPLOYMENT: "true" }).map(
        ([name, value]) => ({ name, value }),
      );
      const made = await arm("PUT", site(), {
        location: "eastus",
        kind: "app,linux",
        identity: { type: "SystemAssigned" },
        properties: { serverFarmId: plan, reserved: true, siteConfig: { linuxFxVersion: "PYTHON|3.11", appSettings } },
      });
      const zip = zipSync({
        "app.py": Buffer.from(recipeApp()),
        "requirements.txt": await readFile(requirements),
      });
      const deployed = await zipDeploy(Buffer.from(zip));
      expect(deployed.status, deployed.text).toBe(200);
      await expect
        .poll(
          () => tenant.decisions.filter(({ host: to, status }) => to.startsWith("recipe.") && status === 403).at(-1),
          {
            timeout: 60_000,
          },
        )
        .toMatchObject({ caller: { objectId: made.identity.principalId }, operation: "ReadAccount" });
      await assign(made.identity.principalId, "2");
      await tenant.arm("POST", `${site()}/restart${version}`);
      await expect.poll(async () => (await visit("GET", "/api/cosmos/items/1")).status, { timeout: 60_000 }).toBe(200);
      const created = await visit("POST", "/api/cosmos/items", { id: "豆腐", name: "tofu" });
      expect(created.status, created.text).toBe(201);
      const read = await visit("GET", `/api/cosmos/items/${encodeURIComponent("豆腐")}`);
      expect(JSON.parse(read.text)).toMatchObject({ id: "豆腐", pk: "豆腐", name: "tofu" });
      expect(tenant.failures).toEqual([]);
    });

    /** As the developer, with a token for the management endpoint. */
    const zipDeploy = async (body: Buffer) => {
      const environment = await tenant.environment({ command: "node" });
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
      return wire.send({
        method: "POST",
        host: "recipe-site.scm.azurewebsites.net",
        path: "/api/zipdeploy",
        headers: { "content-type": "application/zip" },
        token: (JSON.parse(login.text) as { access_token: string }).access_token,
        body,
      });
    };
  });
});
