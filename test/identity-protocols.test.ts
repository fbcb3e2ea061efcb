/** IMDS, Cloud Shell, Azure Arc and Azure ML, request by request; test/clients asks them with Microsoft's own clients. */
import { createHash } from "node:crypto";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MadeIdentity, makeIdentity, putApp } from "./support/identities.ts";
import { type SendOptions, startTestTenant, type TestTenant } from "./support/tenant.ts";

let test: TestTenant;
let one: MadeIdentity;
let two: MadeIdentity;
let app: Awaited<ReturnType<typeof putApp>>;
let onlyOne: Awaited<ReturnType<typeof putApp>>;
let onlyTwo: Awaited<ReturnType<typeof putApp>>;

beforeAll(async () => {
  test = await startTestTenant();
  one = await makeIdentity(test, "one");
  two = await makeIdentity(test, "two");
  app = await putApp(test, "app", [one]);
  onlyOne = await putApp(test, "only-one", [one], false);
  onlyTwo = await putApp(test, "only-two", [one, two], false);
});
afterAll(() => test[Symbol.asyncDispose]());

const resource = "https://storage.azure.com";
const oidOf = (body: { access_token: string }): unknown => decodeJwt(body.access_token)["oid"];

describe("IMDS", () => {
  const ask = (query: string, options: Partial<SendOptions> = {}) =>
    test.send({
      method: "GET",
      host: "169.254.169.254",
      path: `/metadata/identity/oauth2/token?${query}`,
      headers: { Metadata: "true" },
      connectionApp: app.id,
      ...options,
    });
  const good = `api-version=2018-02-01&resource=${resource}`;

  it("knows the app by its connection, and tells times as IMDS does", async () => {
    const { status, body } = await ask(good);
    expect(status).toBe(200);
    expect(oidOf(body)).toBe(app.principalId);
    expect(body).toMatchObject({ resource, token_type: "Bearer", expires_in: "86399", ext_expires_in: "86399" });
    expect(Number(body.expires_on)).toBeGreaterThan(Date.now() / 1000);
  });

  it("answers a probe without the Metadata header at once with 400", async () => {
    for (const path of ["/metadata/identity/oauth2/token", `/metadata/identity/oauth2/token?${good}`]) {
      const answer = await ask("", { path, headers: {} });
      expect([answer.status, answer.body]).toEqual([
        400,
        { error: "invalid_request", error_description: "Required metadata header not specified" },
      ]);
    }
    expect((await ask(good, { headers: { Metadata: "false" } })).status).toBe(400);
  });

  it("gives nothing to a connection of nobody, to a forwarded request, or by POST", async () => {
    const nobody = await ask(good, { connectionApp: undefined });
    expect([nobody.status, nobody.body]).toEqual([
      400,
      { error: "invalid_request", error_description: "Identity not found" },
    ]);
    expect((await ask(good, { headers: { Metadata: "true", "X-Forwarded-For": "10.0.0.4" } })).status).toBe(400);
    expect((await ask(good, { method: "POST" })).status).toBe(404);
    expect(
      (
        await ask(good, {
          headers: { Metadata: "true", "X-Identity-Header": await header() },
          connectionApp: undefined,
        })
      ).status,
    ).toBe(400);
  });
  const header = () => test.tenant.secrets.of(app.id);

  it("has no IMDS v2: its probes get 404, as MSAL expects", async () => {
    for (const path of [
      "/metadata/identity/getplatformmetadata?cred-api-version=2.0",
      "/metadata/identity/issuecredential",
    ])
      expect((await ask("", { path })).status).toBe(404);
  });

  it("selects by client, object or resource id, one at most", async () => {
    for (const selector of [
      `client_id=${one.clientId}`,
      `object_id=${one.principalId}`,
      `msi_res_id=${encodeURIComponent(one.id)}`,
      `mi_res_id=${encodeURIComponent(one.id.toLowerCase())}`,
    ])
      expect(oidOf((await ask(`${good}&${selector}`)).body)).toBe(one.principalId);
    for (const wrong of [
      `client_id=${one.clientId}&object_id=${one.principalId}`,
      `client_id=${one.clientId}&client_id=${one.clientId}`,
      `client_id=${two.clientId}`,
      `msi_res_id=/nothing`,
    ])
      expect((await ask(`${good}&${wrong}`)).status).toBe(400);
    expect((await ask(`${good}&client_id=${two.clientId}`)).body.error_description).toBe("Identity not found");
  });

  it("takes the only user-assigned identity when none is named, and asks which when there are several", async () => {
    expect(oidOf((await ask(good, { connectionApp: onlyOne.id })).body)).toBe(one.principalId);
    const several = await ask(good, { connectionApp: onlyTwo.id });
    expect(several.status).toBe(400);
    expect(several.body.error_description).toContain("Multiple user assigned identities exist");
  });

  it("refuses a missing or unknown resource and a missing api-version", async () => {
    expect((await ask("api-version=2018-02-01")).body.error).toBe("invalid_request");
    expect((await ask("api-version=2018-02-01&resource=https://example.com")).body).toMatchObject({
      error: "invalid_resource",
      error_description: expect.stringContaining("AADSTS500011"),
    });
    expect((await ask(`resource=${resource}`)).status).toBe(400);
  });

  it("tells of the instance what is true, as JSON and as text", async () => {
    const version = "api-version=2021-02-01";
    const { body } = await ask("", { path: `/metadata/instance?${version}` });
    expect(body.compute).toMatchObject({ name: "app", resourceGroupName: "rg", location: "eastus" });
    const text = await ask("", { path: `/metadata/instance/compute/location?${version}&format=text` });
    expect([text.status, text.body]).toEqual([200, "eastus"]);
    expect((await ask("", { path: `/metadata/instance/compute/vmId?${version}` })).status).toBe(404);
  });
});

describe("Cloud Shell", () => {
  const ask = async (
    form: Record<string, string>,
    id = app.id,
    headers: Record<string, string> = { Metadata: "true" },
  ) =>
    test.send({
      method: "POST",
      host: "127.0.0.1",
      path: `/cloud-shell/${await test.tenant.secrets.address(id)}/oauth2/token`,
      form,
      headers,
    });

  it("gives a token to whoever knows the app's address, and sends the header", async () => {
    expect(oidOf((await ask({ resource })).body)).toBe(app.principalId);
    expect(oidOf((await ask({ resource, client_id: one.clientId })).body)).toBe(one.principalId);
    expect((await ask({ resource }, app.id, {})).status).toBe(400);
    expect((await ask({})).body.error).toMatchObject({ code: "invalid_request" });
    expect((await ask({ resource, client_id: two.clientId })).status).toBe(400);
  });

  it("gives nothing at another address, and keeps the address out of the log", async () => {
    const post = (path: string) =>
      test.send({ method: "POST", host: "127.0.0.1", path, form: { resource }, headers: { Metadata: "true" } });
    const secret = await test.tenant.secrets.of(app.id);
    for (const guess of ["", "x", secret, "0".repeat(64)])
      expect((await post(`/cloud-shell/${guess}/oauth2/token`)).status).toBeGreaterThanOrEqual(400);
    const address = await test.tenant.secrets.address(app.id);
    const nowhere = await post(`//Cloud-Shell//${address}/elsewhere`);
    expect(JSON.stringify([nowhere.body, test.decisions])).not.toContain(address);
    await test.tenant.secrets.rotate(app.id);
    expect((await post(`/cloud-shell/${address}/oauth2/token`)).status).toBe(401);
  });
});

describe("Azure ML's form of 2017-09-01", () => {
  it("tells times as numbers", async () => {
    const { body } = await test.send({
      method: "GET",
      host: "127.0.0.1",
      path: `/ml/token?api-version=2017-09-01&resource=${resource}&clientid=`,
      headers: { secret: await test.tenant.secrets.of(app.id) },
    });
    expect(body.expires_on).toMatch(/^\d{10}$/);
  });
});

describe("the back end's cache", () => {
  const ask = async (more = "") =>
    (
      await test.send({
        method: "GET",
        host: "127.0.0.1",
        path: `/msi/token?api-version=2019-08-01&resource=${resource}${more}`,
        headers: { "x-identity-header": await test.tenant.secrets.of(app.id) },
      })
    ).body.access_token as string;

  it("is bypassed for the token that a service refused, and for claims", async () => {
    const first = await ask();
    const digest = (token: string) => createHash("sha256").update(token).digest("hex");
    expect(await ask(`&token_sha256_to_refresh=${"0".repeat(64)}`)).toBe(first);
    const second = await ask(`&token_sha256_to_refresh=${digest(first).toUpperCase()}`);
    expect(second).not.toBe(first);
    expect(await ask(`&token_sha256_to_refresh=${digest(first)}`)).toBe(second);
    expect(await ask()).toBe(second);
    expect(await ask("&claims=%7B%7D")).not.toBe(second);
  });

  it("keeps tokens of clients that understand claims challenges apart", async () => {
    const plain = await ask();
    const capable = await ask("&xms_cc=CP1");
    expect(decodeJwt(capable)["xms_cc"]).toEqual(["CP1"]);
    expect(decodeJwt(plain)["xms_cc"]).toBeUndefined();
    expect(await ask("&xms_cc=cp1")).toBe(capable);
  });

  it("keeps short lifetimes that an identity's tag asks for", async () => {
    const tags = { "lanyard-token-lifetime": "5" };
    const tagged = await makeIdentity(test, "tagged");
    await test.arm("PUT", tagged.id, { location: "eastus", tags });
    const { body } = await test.send({
      method: "GET",
      host: "127.0.0.1",
      path: `/msi/token?api-version=2019-08-01&resource=${resource}`,
      headers: { "x-identity-header": await test.tenant.secrets.of(tagged.id) },
    });
    expect(Number(body.expires_on) * 1000 - Date.now()).toBeLessThan(6000);
    expect(Number(body.expires_on) * 1000).toBeGreaterThan(Date.now());
  });

  it("can be turned off", async () => {
    await using other = await startTestTenant({ identityCache: false });
    const identity = await makeIdentity(other, "uncached");
    const headers = { "x-identity-header": await other.tenant.secrets.of(identity.id) };
    const path = `/msi/token?api-version=2019-08-01&resource=${resource}`;
    const tokens = await Promise.all([1, 2].map(() => other.send({ method: "GET", host: "127.0.0.1", path, headers })));
    expect(new Set(tokens.map(({ body }) => body.access_token)).size).toBe(2);
  });
});

it("none of them fails on our side", () => expect(test.errors).toEqual([]));
