/** Sign-in with a certificate that stands in the app's registration. */
import { execFileSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt, SignJWT } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type GraphWorld, openGraph } from "../graph/graph.test-support.ts";

let world: GraphWorld;
let app: { readonly id: string; readonly appId: string };
let folder: string;
let endpoint: string;
const made = (name: string, days = 30) => {
  const [key, crt] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  const options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", String(days), "-subj", `/CN=${name}`];
  execFileSync("openssl", ["req", ...options, "-keyout", key, "-out", crt], { stdio: "pipe" });
  return { key: createPrivateKey(readFileSync(key)), certificate: new X509Certificate(readFileSync(crt)) };
};
type Made = ReturnType<typeof made>;
let registered: Made;

const keyCredential = ({ certificate }: Made, change: object = {}) => ({
  type: "AsymmetricX509Cert",
  usage: "Verify",
  key: certificate.raw.toString("base64"),
  ...change,
});
const base64url = (fingerprint: string) => Buffer.from(fingerprint.replaceAll(":", ""), "hex").toString("base64url");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lanyard-certificates-"));
  world = await openGraph();
  endpoint = `https://login.microsoftonline.com/${world.test.tenant.info.tenantId}/oauth2/v2.0/token`;
  app = await world.makeApp("signs");
  registered = made("registered");
  const change = { keyCredentials: [keyCredential(registered, { displayName: "first" })] };
  expect((await world.graph("PATCH", `/applications/${app.id}`, change)).status).toBe(204);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  expect(world.test.errors).toEqual([]);
  await world[Symbol.asyncDispose]();
});

interface Wish {
  readonly key?: KeyObject;
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  readonly alg?: string;
}

const assertion = async ({ key = registered.key, header, claims, alg = "RS256" }: Wish = {}) => {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: app.appId,
    sub: app.appId,
    aud: endpoint,
    nbf: now,
    exp: now + 600,
    jti: crypto.randomUUID(),
    ...claims,
  })
    .setProtectedHeader({ typ: "JWT", alg, ...(header ?? { x5t: base64url(registered.certificate.fingerprint) }) })
    .sign(key);
};

const exchange = async (client_assertion: string) =>
  world.test.send({
    method: "POST",
    host: "login.microsoftonline.com",
    path: new URL(endpoint).pathname,
    form: {
      grant_type: "client_credentials",
      client_id: app.appId,
      scope: "https://vault.azure.net/.default",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion,
    },
  });
const outcome = async (wish?: Wish) => {
  const { status, body } = await exchange(await assertion(wish));
  return status === 200 ? 200 : [status, body.error, body.error_codes[0]];
};

it("takes an assertion that names its certificate by either thumbprint, signed RS256 or PS256", async () => {
  const { certificate } = registered;
  const { status, body } = await exchange(await assertion());
  expect(status).toBe(200);
  expect(decodeJwt(body.access_token)).toMatchObject({ appid: app.appId, appidacr: "2", idtyp: "app" });
  expect(await outcome({ header: { "x5t#S256": base64url(certificate.fingerprint256) }, alg: "PS256" })).toBe(200);
  expect(await outcome({ header: { kid: certificate.fingerprint.replaceAll(":", "") } })).toBe(200);
  const { tenantId } = world.test.tenant.info;
  for (const aud of [`https://login.microsoftonline.com/${tenantId}/v2.0`, `https://sts.windows.net/${tenantId}/`])
    expect(await outcome({ claims: { aud } })).toBe(200);
});

it("refuses a certificate that is not registered, and says which one was named", async () => {
  const other = made("other");
  const { status, body } = await exchange(
    await assertion({ key: other.key, header: { x5t: base64url(other.certificate.fingerprint) } }),
  );
  expect([status, body.error, body.error_codes]).toEqual([401, "invalid_client", [700027]]);
  expect(body.error_description).toContain("is not registered on application. [Reason - The key was not found.");
  expect(body.error_description).toContain(base64url(other.certificate.fingerprint));
});

it("refuses another key under a registered name, shared secrets and no algorithm", async () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const wrong = [401, "invalid_client", 700027];
  expect(await outcome({ key: privateKey })).toEqual(wrong);
  const [head = "", payload = ""] = (await assertion()).split(".");
  const none = Buffer.from(
    JSON.stringify({ alg: "none", x5t: base64url(registered.certificate.fingerprint) }),
  ).toString("base64url");
  for (const forged of [`${none}.${payload}.`, `${head}.${payload}.`, `${head}.${payload}.AAAA`])
    expect((await exchange(forged)).body.error_codes).toEqual([700027]);
});

it("refuses what names no key, is meant for others, for another subject, or is out of its time", async () => {
  expect(await outcome({ header: {} })).toEqual([401, "invalid_client", 5002723]);
  for (const aud of [
    "https://login.microsoftonline.com/other/oauth2/v2.0/token",
    "https://evil.example",
    endpoint + "x",
  ])
    expect(await outcome({ claims: { aud } })).toEqual([401, "invalid_client", 700023]);
  expect(await outcome({ claims: { sub: crypto.randomUUID() } })).toEqual([400, "invalid_request", 50027]);
  const now = Math.floor(Date.now() / 1000);
  for (const claims of [{ exp: now - 600 }, { nbf: now + 600, exp: now + 1200 }])
    expect(await outcome({ claims })).toEqual([401, "invalid_client", 700024]);
});

it("stops when the registration's end has come by the tenant's clock, or the credential is removed", async () => {
  const brief = made("brief");
  const shown = (await world.graph("GET", `/applications/${app.id}`)).body.keyCredentials;
  expect(shown).toMatchObject([{ displayName: "first", key: null, type: "AsymmetricX509Cert", usage: "Verify" }]);
  expect(shown[0].customKeyIdentifier).toBe(registered.certificate.fingerprint.replaceAll(":", ""));
  const endDateTime = new Date(Date.now() + 86_400_000).toISOString();
  // As az appends: what it was shown, without keys, and the new one.
  const appended = [...shown, keyCredential(brief, { endDateTime })];
  expect((await world.graph("PATCH", `/applications/${app.id}`, { keyCredentials: appended })).status).toBe(204);
  const by = (which: Made): Wish => ({ key: which.key, header: { x5t: base64url(which.certificate.fingerprint) } });
  expect([await outcome(by(brief)), await outcome()]).toEqual([200, 200]);
  world.test.advance(2 * 86_400_000);
  expect(await outcome(by(brief))).toEqual([401, "invalid_client", 700027]);
  expect(await outcome()).toBe(200);
  world.test.advance(-2 * 86_400_000);
  await world.graph("PATCH", `/applications/${app.id}`, { keyCredentials: shown });
  expect(await outcome(by(brief))).toEqual([401, "invalid_client", 700027]);
});

it("takes a certificate that is registered twice for as long as one of the two holds", async () => {
  const ends = (minutes: number) => ({ endDateTime: new Date(Date.now() + minutes * 60_000).toISOString() });
  const keyCredentials = [keyCredential(registered, ends(10)), keyCredential(registered, ends(1000))];
  expect((await world.graph("PATCH", `/applications/${app.id}`, { keyCredentials })).status).toBe(204);
  world.test.advance(20 * 60_000);
  expect(await outcome()).toBe(200);
  world.test.advance(1000 * 60_000);
  expect(await outcome()).toEqual([401, "invalid_client", 700027]);
  world.test.advance(-1020 * 60_000);
});

it("keeps no credential beyond its certificate's own time, and no other certificate than RSA", async () => {
  const patch = (change: object) =>
    world.graph("PATCH", `/applications/${app.id}`, { keyCredentials: [keyCredential(registered, change)] });
  const late = await patch({ endDateTime: "2099-01-01T00:00:00Z" });
  expect([late.status, late.body.error.code]).toEqual([400, "KeyCredentialsInvalidEndDate"]);
  const early = await patch({ startDateTime: "2001-01-01T00:00:00Z" });
  expect([early.status, early.body.error.code]).toEqual([400, "KeyCredentialsInvalidStartDate"]);
  expect((await patch({ key: Buffer.from("no certificate").toString("base64") })).status).toBe(400);
});
