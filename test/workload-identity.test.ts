/** Workload identity federation: the tenant's own projected tokens, and those of issuers it was told to trust. */
import { createSecretKey, generateKeyPairSync } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeIssuer, startFakeIssuer } from "./support/fake-issuer.ts";
import { type MadeIdentity, makeIdentity } from "./support/identities.ts";
import { startTestTenant, type TestTenant } from "./support/tenant.ts";

const audience = "api://AzureADTokenExchange";
const subject = "system:serviceaccount:lanyard:app";
let test: TestTenant;
let identity: MadeIdentity;

const exchange = (
  assertion: string,
  change: Record<string, string> = {},
  where: TestTenant = test,
  clientId = identity.clientId,
) =>
  where.send({
    method: "POST",
    host: "login.microsoftonline.com",
    path: `/${where.tenant.info.tenantId}/oauth2/v2.0/token`,
    form: {
      grant_type: "client_credentials",
      client_id: clientId,
      scope: "https://management.azure.com/.default",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: assertion,
      ...change,
    },
  });

const federate = (where: TestTenant, to: MadeIdentity, name: string, properties: Record<string, unknown>) =>
  where.arm("PUT", `${to.id}/federatedIdentityCredentials/${name}`, { properties });

beforeAll(async () => {
  test = await startTestTenant();
  identity = await makeIdentity(test, "workload");
  const { issuer } = test.tenant.workloads.issuer;
  const made = await federate(test, identity, "own", { issuer, subject, audiences: [audience] });
  expect(made.status).toBe(201);
});
afterAll(() => test[Symbol.asyncDispose]());

describe("a projected token of the tenant's own issuer", () => {
  const own = async (name = subject) => (await test.tenant.workloads.issuer.token(name)).token;

  it("is exchanged for the identity's token, with a newline at its end as well", async () => {
    for (const assertion of [await own(), `${await own()}\n`]) {
      const { status, body } = await exchange(assertion);
      expect(status).toBe(200);
      expect(decodeJwt(body.access_token)).toMatchObject({
        appid: identity.clientId,
        oid: identity.principalId,
        appidacr: "2",
        idtyp: "app",
        xms_mirid: identity.id.replace("resourceGroups", "resourcegroups"),
      });
    }
  });

  it.each([
    ["another subject", "system:serviceaccount:lanyard:other", 700213],
    ["a subject in another letter case", subject.toUpperCase(), 7002138],
  ])("is refused for %s", async (_, name, number) => {
    const { status, body } = await exchange(await own(name));
    expect([status, body.error_codes, body.error]).toEqual([401, [number], "invalid_client"]);
    expect(body.error_description).toContain(`presented assertion subject '${name}'`);
  });

  it("is refused by an identity that does not federate with it, by an unknown client, and without its type", async () => {
    const other = await makeIdentity(test, "lonely");
    expect((await exchange(await own(), {}, test, other.clientId)).body.error_codes).toEqual([700211]);
    expect((await exchange(await own(), {}, test, crypto.randomUUID())).body.error_codes).toEqual([700016]);
    expect((await exchange(await own(), { client_assertion_type: "jwt" })).body.error_codes).toEqual([900144]);
    expect((await exchange("no.jwt.at-all")).body.error_codes).toEqual([50027]);
    const secret = { client_assertion: "", client_secret: "x" };
    expect((await exchange("", secret)).status).toBe(400);
  });

  it("is refused when signed by another key, edited, or out of time by the tenant's clock", async () => {
    const token = await own();
    const [header, payload = "", signature] = token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
    const edited = Buffer.from(JSON.stringify({ ...claims, exp: 4_000_000_000 })).toString("base64url");
    expect((await exchange(`${header}.${edited}.${signature}`)).body.error_codes).toEqual([700027]);
    await test.tenant.clock.change({ kind: "advance", by: 2 * 3_600_000 });
    const late = await exchange(token);
    expect([late.status, late.body.error_codes]).toEqual([401, [700024]]);
    await test.tenant.clock.change({ kind: "reset" });
  });

  it("is no access token, and an access token is no assertion", async () => {
    expect((await test.arm("GET", "/subscriptions", undefined, await own())).status).toBe(401);
    expect((await exchange(await test.developerToken())).body.error_codes).toEqual([700211]);
  });

  it("can be checked by anybody, with the issuer's published key", async () => {
    const { issuer, host } = test.tenant.workloads.issuer;
    const get = (path: string) => test.send({ method: "GET", host, path: `${new URL(issuer).pathname}${path}` });
    expect((await get("/.well-known/openid-configuration")).body).toMatchObject({
      issuer,
      jwks_uri: `${issuer}/openid/v1/jwks`,
    });
    const { body } = await get("/openid/v1/jwks");
    expect(Object.keys(body.keys[0]).toSorted()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
    expect((await test.send({ method: "GET", host, path: "/x/openid/v1/jwks" })).status).toBe(404);
  });

  it("lies in a file of 0600 that is renewed when the clock moves", async () => {
    const { projected } = test.tenant.workloads;
    const file = await projected.project("app", subject);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const first = await readFile(file, "utf8");
    await projected.refresh();
    expect(await readFile(file, "utf8")).toBe(first);
    await test.tenant.clock.change({ kind: "advance", by: 25 * 3_600_000 });
    await projected.refresh();
    const second = await readFile(file, "utf8");
    expect(second).not.toBe(first);
    expect((await exchange(second)).status).toBe(200);
    await test.tenant.clock.change({ kind: "reset" });
    await projected.refresh();
    expect((await exchange(await readFile(file, "utf8"))).status).toBe(200);
  });
});

describe("federated identity credentials", () => {
  const good = {
    issuer: "https://token.actions.githubusercontent.com",
    subject: "repo:a/b:ref:refs/heads/main",
    audiences: [audience],
  };

  it("are listed and deleted, and go with their identity", async () => {
    const temporary = await makeIdentity(test, "temporary");
    expect((await federate(test, temporary, "github", good)).body.properties).toMatchObject(good);
    expect((await test.arm("GET", `${temporary.id}/federatedIdentityCredentials`)).body.value).toHaveLength(1);
    expect((await test.arm("DELETE", `${temporary.id}/federatedIdentityCredentials/github`)).status).toBe(200);
    await federate(test, temporary, "github", good);
    await test.arm("DELETE", temporary.id);
    await makeIdentity(test, "temporary");
    expect((await test.arm("GET", `${temporary.id}/federatedIdentityCredentials`)).body.value).toEqual([]);
  });

  it.each([
    ["an issuer that is no https URL", { ...good, issuer: "http://issuer.example" }],
    ["no subject", { ...good, subject: "" }],
    ["two audiences", { ...good, audiences: ["a", "b"] }],
    ["no audience", { issuer: good.issuer, subject: good.subject }],
  ])("are refused with %s", async (_, properties) => {
    expect((await federate(test, identity, "wrong", properties)).status).toBe(400);
  });

  it("are unique by issuer and subject, and twenty at most", async () => {
    const many = await makeIdentity(test, "many");
    for (let number = 0; number < 20; number++)
      expect((await federate(test, many, `name${number}`, { ...good, subject: `s${number}` })).status).toBe(201);
    expect((await federate(test, many, "more", { ...good, subject: "more" })).status).toBe(400);
    expect((await federate(test, many, "name1", { ...good, subject: "s2" })).status).toBe(409);
  });
});

describe("an issuer elsewhere", () => {
  let issuer: FakeIssuer;
  let trusting: TestTenant;
  let federated: MadeIdentity;
  const claims = { sub: "repo:a/b", aud: audience };

  beforeAll(async () => {
    issuer = await startFakeIssuer(test.tenant.certificates);
    trusting = await startTestTenant({
      trustedIssuers: [issuer.issuer],
      // Nobody listens at the first address.
      issuerEgress: { ca: issuer.ca, permits: () => true, resolve: async () => ["::1", "127.0.0.1"] },
    });
    federated = await makeIdentity(trusting, "federated");
    await federate(trusting, federated, "build", { issuer: issuer.issuer, subject: claims.sub, audiences: [audience] });
  });
  afterAll(async () => {
    await trusting[Symbol.asyncDispose]();
    await issuer[Symbol.asyncDispose]();
  });
  const present = (assertion: string) => exchange(assertion, {}, trusting, federated.clientId);

  it("is asked for its keys once, and its tokens are exchanged", async () => {
    const answers = await Promise.all([1, 2, 3].map(async () => present(await issuer.sign(claims))));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await present(await issuer.sign({ ...claims, aud: ["x", audience] }))).status).toBe(200);
    expect(issuer.asked).toEqual(["/.well-known/openid-configuration", "/keys"]);
  });

  it("is refused for another audience, subject or key, an unsigned token and another algorithm", async () => {
    const number = async (assertion: string) => (await present(assertion)).body.error_codes[0] as number;
    expect(await number(await issuer.sign({ ...claims, aud: "api://other" }))).toBe(700212);
    expect(await number(await issuer.sign({ ...claims, sub: "repo:a/c" }))).toBe(700213);
    const foreign = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    expect(await number(await issuer.sign(claims, { key: foreign }))).toBe(700027);
    expect(await number(await issuer.sign(claims, { kid: "unknown" }))).toBe(700027);
    const shared = createSecretKey(Buffer.alloc(32));
    expect(await number(await issuer.sign(claims, { key: shared, alg: "HS256" }))).toBe(700027);
    const payload = Buffer.from(JSON.stringify({ iss: issuer.issuer, exp: 4e9, ...claims })).toString("base64url");
    const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`;
    expect(await number(unsigned)).toBe(700027);
    expect(await number(await issuer.sign({ ...claims, exp: 1_700_000_000 }))).toBe(700024);
  });

  it("may say anything in its tokens: that is refused, and never a failure of ours", async () => {
    const odd = [5, null, {}, [], [5], "", true, "x".repeat(3000), 1e308];
    for (const member of ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"])
      for (const value of odd) {
        const assertion = await issuer.sign({ ...claims, [member]: value });
        const { status, body } = await present(assertion);
        if (status === 200) expect(["iat", "nbf", "jti", "exp"]).toContain(member);
        else expect(body.error_codes[0]).toBeGreaterThan(0);
      }
    for (const kid of [5, null, {}, "__proto__"]) {
      const header = Buffer.from(JSON.stringify({ alg: "RS256", kid })).toString("base64url");
      const [, payload, signature] = (await issuer.sign(claims)).split(".");
      expect((await present(`${header}.${payload}.${signature}`)).status).toBe(401);
    }
    expect(trusting.errors).toEqual([]);
  });

  it("is not asked when the tenant was not told to trust it", async () => {
    const before = issuer.asked.length;
    await federate(test, identity, "untrusted", { issuer: issuer.issuer, subject: claims.sub, audiences: [audience] });
    const refused = await exchange(await issuer.sign(claims));
    expect([refused.status, refused.body.error_codes]).toEqual([400, [50166]]);
    expect(refused.headers["x-lanyard-hint"]).toContain(`--trust-issuer ${issuer.issuer}`);
    expect(issuer.asked).toHaveLength(before);
  });

  it.each([
    ["redirects", { status: 302, headers: { location: "https://localhost:1/" } }, "redirects"],
    ["answers with too much", { status: 200, body: `"${"x".repeat(300_000)}"` }, "larger than"],
    ["answers with no JSON", { status: 200, body: "<html>" }, "no JSON"],
    ["names itself another", { status: 200, body: '{"issuer":"https://other"}' }, "another issuer"],
    ["points its keys elsewhere", undefined, "not on the list"],
  ])("is not believed when it %s", async (_, answer, why) => {
    await using other = await startFakeIssuer(test.tenant.certificates);
    await using tenant = await startTestTenant({
      trustedIssuers: [other.issuer],
      issuerEgress: { ca: other.ca, permits: () => true },
    });
    const made = await makeIdentity(tenant, "made");
    await federate(tenant, made, "build", { issuer: other.issuer, subject: claims.sub, audiences: [audience] });
    const elsewhere = JSON.stringify({ issuer: other.issuer, jwks_uri: "https://169.254.169.254/keys" });
    other.answer = () => answer ?? { status: 200, body: elsewhere };
    const refused = await exchange(await other.sign(claims), {}, tenant, made.clientId);
    expect(refused.body.error_codes).toEqual([50166]);
    expect(refused.headers["x-lanyard-hint"]).toContain(why);
    expect(other.asked).toHaveLength(1);
  });

  it("is not connected to at a private address", async () => {
    await using tenant = await startTestTenant({ trustedIssuers: [issuer.issuer], issuerEgress: { ca: issuer.ca } });
    const made = await makeIdentity(tenant, "made");
    await federate(tenant, made, "build", { issuer: issuer.issuer, subject: claims.sub, audiences: [audience] });
    const before = issuer.asked.length;
    const refused = await exchange(await issuer.sign(claims), {}, tenant, made.clientId);
    expect(refused.headers["x-lanyard-hint"]).toContain("not on the public internet");
    expect(issuer.asked).toHaveLength(before);
  });

  it("also vouches for an app registration", async () => {
    const { directory, info } = trusting.tenant;
    const application = await directory.application(info.developerAppId);
    if (application === undefined) throw new Error("The developer has no application.");
    const credential = { name: "ci", issuer: issuer.issuer, subject: "repo:app", audiences: [audience] };
    await directory.putApplication({ ...application, federatedCredentials: [credential] });
    const assertion = await issuer.sign({ ...claims, sub: "repo:app" });
    const { body } = await exchange(assertion, {}, trusting, info.developerAppId);
    expect(decodeJwt(body.access_token)).toMatchObject({ appid: info.developerAppId, appidacr: "2" });
  });
});

it("none of this fails on our side", () => expect(test.errors).toEqual([]));
