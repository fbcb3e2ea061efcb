/** Keys rotate and certificates renew by the tenant's clock, as their policies say. */
import { X509Certificate } from "node:crypto";
import { KeyClient } from "@azure/keyvault-keys";
import { describe, expect, it } from "vitest";
import type { Method } from "../../kernel/message.ts";
import { withRole } from "./key-vault.test-support.ts";

const day = 86_400_000;

/** A vault, and requests on a token of their own each: the clock ends tokens, too. */
const openVault = async () => {
  const { vaults, oid } = await withRole();
  const as = async (method: Method, path: string, json?: unknown) =>
    vaults.call(method, path, { token: await vaults.token(oid), ...(json === undefined ? {} : { json }) });
  const keys = () => new KeyClient("https://kv1.vault.azure.net", vaults.credential(oid), vaults.options);
  return { vaults, as, keys };
};
type World = Awaited<ReturnType<typeof openVault>>;

const versions = async ({ as }: World, path: string): Promise<number> =>
  (await as("GET", `${path}/versions`)).body.value.length;
const versionOf = (id: string): string => id.split("/").at(-1) ?? "";
const rotateAfter = (timeAfterCreate: string, extra: object = {}) => ({
  lifetimeActions: [{ trigger: { timeAfterCreate }, action: { type: "Rotate" } }],
  ...extra,
});

describe("a key with a rotation policy", () => {
  it("rotates when its time has come, whoever asks the vault for anything, and once", async () => {
    const world = await openVault();
    const { vaults, as, keys } = world;
    await using _ = vaults;
    const first = await keys().createKey("rotating", "RSA", { tags: { team: "web" }, keyOps: ["sign", "verify"] });
    await keys().createKey("resting", "EC");
    await keys().updateKeyRotationPolicy("rotating", {
      lifetimeActions: [{ action: "Rotate", timeAfterCreate: "P90D" }],
      expiresIn: "P1Y",
    });
    vaults.advance(89 * day);
    expect((await keys().getKey("rotating")).properties.version).toBe(first.properties.version);
    vaults.advance(2 * day);
    // A list of something else is enough.
    await as("GET", "/secrets");
    const second = await keys().getKey("rotating");
    expect(second.properties.version).not.toBe(first.properties.version);
    expect(second.properties.tags).toEqual({ team: "web" });
    expect(second.keyOperations).toEqual(["sign", "verify"]);
    const life = Number(second.properties.expiresOn) - Number(second.properties.createdOn);
    expect(life).toBe(365 * day);
    await Promise.all(Array.from({ length: 10 }, () => as("GET", "/keys/rotating")));
    expect(await versions(world, "/keys/rotating")).toBe(2);
    expect(await versions(world, "/keys/resting")).toBe(1);
    // The old version still verifies what it signed.
    expect((await as("GET", `/keys/rotating/${first.properties.version}`)).status).toBe(200);
    vaults.advance(91 * day);
    await Promise.all(Array.from({ length: 10 }, () => as("GET", "/keys/rotating")));
    expect(await versions(world, "/keys/rotating")).toBe(3);
    expect(vaults.errors).toEqual([]);
  });

  it("rotates some time before its end, and is found rotated through Resource Manager", async () => {
    const world = await openVault();
    const { vaults, as } = world;
    await using _ = vaults;
    const exp = Math.floor(Date.now() / 1000) + 100 * 86_400;
    const made = await as("POST", "/keys/k/create", { kty: "EC", crv: "P-256", attributes: { exp } });
    const action = { trigger: { timeBeforeExpiry: "P30D" }, action: { type: "Rotate" } };
    await as("PUT", "/keys/k/rotationpolicy", { lifetimeActions: [action], attributes: { expiryTime: "P100D" } });
    const throughArm = async () =>
      (await vaults.arm("GET", `${vaults.vaultId("kv1")}/keys/k`)).body.properties.keyUriWithVersion as string;
    vaults.advance(69 * day);
    expect(await throughArm()).toBe(made.body.key.kid);
    vaults.advance(2 * day);
    expect(await throughArm()).not.toBe(made.body.key.kid);
  });

  it("does not rotate when the policy only notifies, was taken back, or the key is disabled or deleted", async () => {
    const world = await openVault();
    const { vaults, as } = world;
    await using _ = vaults;
    for (const name of ["notified", "withdrawn", "disabled", "deleted"]) {
      await as("POST", `/keys/${name}/create`, { kty: "EC" });
      await as("PUT", `/keys/${name}/rotationpolicy`, rotateAfter("P30D"));
    }
    const notify = { trigger: { timeAfterCreate: "P30D" }, action: { type: "Notify" } };
    await as("PUT", "/keys/notified/rotationpolicy", { lifetimeActions: [notify] });
    await as("PUT", "/keys/withdrawn/rotationpolicy", { lifetimeActions: [] });
    await as("PATCH", "/keys/disabled", { attributes: { enabled: false } });
    await as("DELETE", "/keys/deleted");
    vaults.advance(60 * day);
    for (const name of ["notified", "withdrawn", "disabled"]) expect(await versions(world, `/keys/${name}`)).toBe(1);
    expect((await as("POST", "/deletedkeys/deleted/recover", {})).status).toBe(200);
    // Recovered, it is a key like others, and long due.
    expect(await versions(world, "/keys/deleted")).toBe(2);
  });

  it("rotates on nobody's request who may not ask", async () => {
    const world = await openVault();
    const { vaults, as } = world;
    await using _ = vaults;
    const { body } = await as("POST", "/keys/k/create", { kty: "EC" });
    await as("PUT", "/keys/k/rotationpolicy", rotateAfter("P30D"));
    vaults.advance(60 * day);
    const { oid } = await vaults.principal("stranger");
    expect((await vaults.call("GET", "/keys/k", { token: await vaults.token(oid) })).status).toBe(403);
    expect(versionOf((await as("GET", "/keys/k")).body.key.kid)).not.toBe(versionOf(body.key.kid));
  });
});

describe("a certificate that the vault issued itself", () => {
  const policy = (change: object = {}, key: object = {}) => ({
    policy: {
      key_props: { kty: "RSA", key_size: 2048, ...key },
      x509_props: { subject: "CN=renewed", validity_months: 12 },
      issuer: { name: "Self" },
      ...change,
    },
  });

  it("renews with a new key at 80 % of its life, with its key and its secret", async () => {
    const world = await openVault();
    const { vaults, as } = world;
    await using _ = vaults;
    await as("POST", "/certificates/web/create", { ...policy(), tags: { a: "b" } });
    const before = (await as("GET", "/certificates/web")).body;
    vaults.advance(285 * day);
    expect((await as("GET", "/certificates/web")).body.id).toBe(before.id);
    vaults.advance(10 * day);
    const secret = (await as("GET", "/secrets/web")).body;
    const after = (await as("GET", "/certificates/web")).body;
    expect(after.id).not.toBe(before.id);
    expect(after.tags).toEqual({ a: "b" });
    expect(versionOf(after.sid)).toBe(versionOf(secret.id));
    expect(versionOf(after.kid)).toBe(versionOf(after.id));
    const [old, renewed] = [before, after].map(({ cer }) => new X509Certificate(Buffer.from(cer as string, "base64")));
    expect(renewed?.subject).toBe(old?.subject);
    expect(renewed?.validToDate.getTime()).toBeGreaterThan(Number(old?.validToDate.getTime()) + 200 * day);
    expect(renewed?.publicKey.equals(old?.publicKey as never)).toBe(false);
    expect(await versions(world, "/certificates/web")).toBe(2);
    expect(vaults.errors).toEqual([]);
  });

  it("renews days before its end, keeps its key when the policy says so, and rests when it says otherwise", async () => {
    const world = await openVault();
    const { vaults, as } = world;
    await using _ = vaults;
    const action = (action_type: string) => ({
      lifetime_actions: [{ trigger: { days_before_expiry: 30 }, action: { action_type } }],
    });
    await as("POST", "/certificates/kept/create", policy(action("AutoRenew"), { reuse_key: true }));
    await as("POST", "/certificates/mailed/create", policy(action("EmailContacts")));
    const publicKey = async () =>
      new X509Certificate(Buffer.from((await as("GET", "/certificates/kept")).body.cer as string, "base64")).publicKey;
    const before = await publicKey();
    vaults.advance(340 * day);
    expect((await publicKey()).equals(before)).toBe(true);
    expect(await versions(world, "/certificates/kept")).toBe(2);
    expect(await versions(world, "/certificates/mailed")).toBe(1);
  });

  it("stays as it is when its policy asks for what cannot be made, and so does the rest of the vault", async () => {
    const { vaults, as } = await openVault();
    await using _ = vaults;
    await as("POST", "/certificates/odd/create", policy());
    expect((await as("PATCH", "/certificates/odd/policy", { x509_props: { subject: "no name" } })).status).toBe(200);
    await as("PUT", "/secrets/s", { value: "v" });
    vaults.advance(300 * day);
    expect((await as("GET", "/secrets/s")).body.value).toBe("v");
    expect((await as("GET", "/certificates/odd")).status).toBe(200);
    expect(vaults.errors).toEqual([]);
  });
});
