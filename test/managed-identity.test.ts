import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ResourceRecord } from "../src/arm/record.ts";
import { startTestTenant, type TestTenant } from "./support/tenant.ts";

let test: TestTenant;
let site: string;
let header: string;
let userAssigned: { id: string; clientId: string; principalId: string };

beforeAll(async () => {
  test = await startTestTenant();
  const { tenant } = test;
  const group = `/subscriptions/${tenant.info.subscriptionId}/resourceGroups/rg`;
  await test.arm("PUT", group, { location: "eastus" });
  const identity = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shared`;
  const made = await test.arm("PUT", identity, { location: "eastus" });
  userAssigned = { id: made.body.id, ...made.body.properties };
  site = `${group}/providers/Microsoft.Web/sites/app`;
  await putApp(site, "11111111-1111-4111-8111-111111111111");
  header = await tenant.secrets.of(site);
});
afterAll(() => test[Symbol.asyncDispose]());

const putApp = async (id: string, principalId: string, users: readonly string[] = [userAssigned.id]) => {
  const now = { at: "2026-01-01T00:00:00Z", by: "test" };
  const record: ResourceRecord = {
    id,
    type: "Microsoft.Web/sites",
    name: id.slice(id.lastIndexOf("/") + 1),
    properties: {},
    identity: { type: "SystemAssigned, UserAssigned", principalId, userAssigned: users },
    created: now,
    changed: now,
  };
  await test.tenant.resources.put(record);
  await test.tenant.directory.put({
    kind: "ServicePrincipal",
    objectId: principalId,
    appId: principalId.replaceAll("1", "2"),
    displayName: record.name,
    servicePrincipalType: "ManagedIdentity",
    resourceId: id,
  });
};

const resource = "https://storage.azure.com";
const ask = (query: string, headers: Record<string, string> = { "X-IDENTITY-HEADER": header }, path = "/msi/token") =>
  test.send({ method: "GET", host: "127.0.0.1", path: `${path}?${query}`, headers });
const modern = (more = "") => `api-version=2019-08-01&resource=${resource}${more}`;

describe("the managed identity endpoint", () => {
  it("gives the system-assigned identity's token, echoing the resource byte for byte", async () => {
    const { status, body } = await ask(modern("/"));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      resource: `${resource}/`,
      token_type: "Bearer",
      expires_on: expect.stringMatching(/^\d+$/),
    });
    expect(decodeJwt(body.access_token)).toMatchObject({
      aud: `${resource}/`,
      oid: "11111111-1111-4111-8111-111111111111",
    });
  });

  it.each(["/MSI/token", "/msi//token/", "/MSI/token//"])("answers at %s", async (path) => {
    expect((await ask(modern(), undefined, path)).status).toBe(200);
  });

  it("speaks 2017-09-01 with its own header, time format and selector", async () => {
    const { body } = await ask(`api-version=2017-09-01&resource=${resource}&clientid=`, { secret: header });
    expect(body.expires_on).toMatch(/^\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d \+00:00$/);
    const other = await ask(`api-version=2017-09-01&resource=${resource}&clientid=${userAssigned.clientId}`, {
      secret: header,
    });
    expect(decodeJwt(other.body.access_token)["oid"]).toBe(userAssigned.principalId);
    expect((await ask(`api-version=2017-09-01&resource=${resource}`)).status).toBe(401);
  });

  it("selects a user-assigned identity by client, object or resource id, one of them at most", async () => {
    for (const selector of [
      `client_id=${userAssigned.clientId}`,
      `principal_id=${userAssigned.principalId}`,
      `object_id=${userAssigned.principalId.toUpperCase()}`,
      `mi_res_id=${encodeURIComponent(userAssigned.id)}`,
      `msi_res_id=${encodeURIComponent(userAssigned.id.toLowerCase())}`,
    ]) {
      const { body } = await ask(modern(`&${selector}`));
      expect(decodeJwt(body.access_token)).toMatchObject({
        oid: userAssigned.principalId,
        xms_az_rid: expect.stringContaining("/sites/app"),
      });
    }
    expect((await ask(modern(`&client_id=${userAssigned.clientId}&mi_res_id=x`))).status).toBe(400);
  });

  it("answers 400 in App Service's words for an identity that the app does not have", async () => {
    const { status, body } = await ask(modern("&client_id=33333333-3333-4333-8333-333333333333"));
    expect(status).toBe(400);
    expect(body).toMatchObject({
      statusCode: 400,
      message: "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
    });
  });

  it("gives nothing for a missing, wrong, rotated or another app's secret", async () => {
    expect((await ask(modern(), {})).status).toBe(401);
    expect((await ask(modern(), { "x-identity-header": "" })).status).toBe(401);
    expect((await ask(modern(), { "x-identity-header": `${header}0` })).status).toBe(401);
    const other = site.replace("/app", "/other");
    await putApp(other, "44444444-4444-4444-8444-444444444444", []);
    const theirs = await test.tenant.secrets.of(other);
    const { body } = await ask(modern(), { "x-identity-header": theirs });
    expect(decodeJwt(body.access_token)["oid"]).toBe("44444444-4444-4444-8444-444444444444");
    expect((await ask(modern(`&client_id=${userAssigned.clientId}`), { "x-identity-header": theirs })).status).toBe(
      400,
    );
    await test.tenant.secrets.rotate(other);
    expect((await ask(modern(), { "x-identity-header": theirs })).status).toBe(401);
  });

  it("refuses a forwarded request, an unknown resource, another api-version and a request without one", async () => {
    expect((await ask(modern(), { "x-identity-header": header, "x-forwarded-for": "10.0.0.1" })).status).toBe(400);
    expect((await ask("api-version=2019-08-01&resource=https://example.com")).status).toBe(400);
    expect((await ask(`api-version=2018-02-01&resource=${resource}`)).status).toBe(400);
    expect((await ask(`resource=${resource}`)).status).toBe(400);
    expect((await ask("api-version=2019-08-01")).status).toBe(400);
  });

  it("caches a token per identity and resource for about a day", async () => {
    const first = await ask(modern());
    expect((await ask(modern())).body.access_token).toBe(first.body.access_token);
    test.advance(23 * 3600_000);
    expect((await ask(modern())).body.access_token).toBe(first.body.access_token);
    test.advance(2 * 3600_000);
    expect((await ask(modern())).body.access_token).not.toBe(first.body.access_token);
  });
});
