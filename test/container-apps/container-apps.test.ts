import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTenant, type TestTenant } from "../../src/testing/start-tenant.ts";

let tenant: TestTenant;
// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests
let seen: any;

beforeAll(async () => {
  tenant = await startTenant({ containerEngine: "off" });
  const { code, stdout, stderr } = await tenant.run("node", [join(import.meta.dirname, "client.ts")]);
  expect(code, stderr).toBe(0);
  seen = JSON.parse(stdout);
});
afterAll(async () => {
  expect(tenant.failures).toEqual([]);
  await tenant.close();
});

describe("Microsoft's client for Container Apps", () => {
  it("makes an environment and an app with both kinds of identity", () => {
    expect(seen.environment).toMatchObject({ provisioningState: "Succeeded", staticIp: "127.0.0.1" });
    const { identity, configuration, latestRevisionName } = seen.created;
    expect(identity).toMatchObject({ type: "SystemAssigned, UserAssigned", tenantId: tenant.tenantId });
    expect(Object.values(identity.userAssignedIdentities)).toMatchObject([{ clientId: expect.any(String) }]);
    expect(configuration.ingress.fqdn).toBe(`sdk-app.${seen.environment.defaultDomain}`);
    expect(configuration.secrets).toEqual([{ name: "pin" }]);
    expect(latestRevisionName).toMatch(/^sdk-app--\w{7}$/);
  });

  it("changes the identity alone, and everything else stays", () => {
    expect(seen.withoutUser.identity).toMatchObject({
      type: "SystemAssigned",
      principalId: seen.created.identity.principalId,
    });
    expect(seen.withoutUser.identity.userAssignedIdentities).toBeUndefined();
    expect(seen.got.template).toEqual(seen.created.template);
    expect(seen.got.latestRevisionName).toBe(seen.created.latestRevisionName);
    expect(seen.secrets.value).toEqual([{ name: "pin", value: "the-pin-is-4711" }]);
  });

  it("lists revisions and replicas, restarts, stops and starts", () => {
    expect(seen.revisions).toEqual([seen.got.latestRevisionName]);
    expect(seen.revision).toMatchObject({ active: true, trafficWeight: 100, provisioningState: "Provisioned" });
    expect(seen.replicas.value).toBeInstanceOf(Array);
    expect(seen.statuses[0]).toBe("Stopped");
    expect(seen.statuses[1]).not.toBe("Stopped");
    expect(seen.lists).toEqual([["sdk-app"], ["sdk-app"]]);
  });

  it("reads the log stream with a token that is good for this app alone", () => {
    expect(seen.authToken).toEqual(expect.arrayContaining(["token", "expires", "location"]));
    expect(seen.log.status).toBe(200);
    expect(seen.log.text).toMatch(/^\S+Z stdout F No container engine answers/);
    expect(seen.strangerLogs).toMatchObject([{ status: 401 }, { status: 401 }]);
  });

  it("is told what is not there", () => {
    expect(seen.inUse).toEqual({ status: 409, code: "ManagedEnvironmentHasContainerApps" });
    expect(seen.gone).toEqual({ status: 404, code: "ResourceNotFound" });
  });
});

describe("a program that runs as a container app, where no engine is", () => {
  it("has the app's variables, secrets included, and its own where the app has none", async () => {
    const names = ["PIN", "MODE", "CONTAINER_APP_NAME", "CONTAINER_APP_PORT", "OWN", "AZURE_CLIENT_SECRET"];
    const program = `console.log(JSON.stringify(${JSON.stringify(names)}.map((name) => process.env[name])))`;
    const { stdout } = await tenant.run("node", ["-e", program], { as: "kept-app", env: { OWN: "mine" } });
    expect(JSON.parse(stdout)).toEqual(["the-pin-is-4711", "test", "kept-app", "8080", "mine", null]);
  });

  it("has the app's identity", async () => {
    const program = `
      import { DefaultAzureCredential } from "@azure/identity";
      const { token } = await new DefaultAzureCredential().getToken("https://vault.azure.net/.default");
      console.log(Buffer.from(token.split(".")[1], "base64url").toString());`;
    const { code, stdout, stderr } = await tenant.run("node", ["--input-type=module", "-e", program], {
      as: "kept-app",
    });
    expect(code, stderr).toBe(0);
    const app = await tenant.arm(
      "GET",
      `/subscriptions/${tenant.subscriptionId}/resourceGroups/sdk/providers/Microsoft.App/containerApps/kept-app?api-version=2024-03-01`,
    );
    const { identity } = app.body as { identity: { principalId: string } };
    expect(JSON.parse(stdout)).toMatchObject({ oid: identity.principalId, aud: "https://vault.azure.net" });
  });
});
