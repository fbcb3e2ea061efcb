import { createHash, createPublicKey, generateKeyPairSync, type JsonWebKey, sign, verify } from "node:crypto";
import { CryptographyClient, type JsonWebKey as VaultJwk, KeyClient } from "@azure/keyvault-keys";
import { describe, expect, it } from "vitest";
import { startVaults, withRole } from "./key-vault.test-support.ts";

const day = 86_400;
const message = Buffer.from("a message to sign");
const digestOf = (hash: string): string => createHash(hash).update(message).digest("base64url");

const publicKeyOf = (key: Record<string, string>) =>
  createPublicKey({
    key: {
      ...key,
      kty: String(key["kty"]).replace("-HSM", ""),
      crv: key["crv"] === "P-256K" ? "secp256k1" : key["crv"],
    } as JsonWebKey,
    format: "jwk",
  });

describe("keys by Microsoft's client", () => {
  it("are created, read, listed, changed, rotated, deleted, recovered and purged", async () => {
    const { vaults, oid } = await withRole();
    await using _ = vaults;
    const client = new KeyClient("https://kv1.vault.azure.net", vaults.credential(oid), vaults.options);
    const rsa = await client.createRsaKey("signing", { keySize: 2048, tags: { a: "b" } });
    expect(rsa).toMatchObject({ name: "signing", keyType: "RSA", properties: { enabled: true, tags: { a: "b" } } });
    expect(rsa.keyOperations).toEqual(["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]);
    expect(rsa.key?.n).toHaveLength(256);
    expect(JSON.stringify(rsa)).not.toMatch(/"(d|p|q)":/);
    const ec = await client.createEcKey("curve", { curve: "P-384" });
    expect(ec.key).toMatchObject({ kty: "EC", crv: "P-384" });
    const changed = await client.updateKeyProperties("signing", rsa.properties.version ?? "", {
      keyOps: ["sign"],
      enabled: false,
    });
    expect(changed.keyOperations).toEqual(["sign"]);
    expect(changed.properties.enabled).toBe(false);

    const policy = await client.updateKeyRotationPolicy("curve", {
      expiresIn: "P90D",
      lifetimeActions: [{ action: "Rotate", timeAfterCreate: "P30D" }],
    });
    expect(policy).toMatchObject({
      expiresIn: "P90D",
      lifetimeActions: [{ action: "Rotate", timeAfterCreate: "P30D" }],
    });
    expect((await client.getKeyRotationPolicy("curve")).expiresIn).toBe("P90D");
    const rotated = await client.rotateKey("curve");
    expect(rotated.key?.crv).toBe("P-384");
    expect(rotated.properties.version).not.toBe(ec.properties.version);
    expect((rotated.properties.expiresOn?.getTime() ?? 0) / 1000 - Date.now() / 1000).toBeGreaterThan(89 * day);
    const versions = [];
    for await (const each of client.listPropertiesOfKeyVersions("curve")) versions.push(each.version);
    expect(versions).toHaveLength(2);
    const names = [];
    for await (const each of client.listPropertiesOfKeys()) names.push(each.name);
    expect(names).toEqual(["curve", "signing"]);

    const backup = await client.backupKey("curve");
    await (await client.beginDeleteKey("curve")).pollUntilDone();
    await expect(client.getKey("curve")).rejects.toMatchObject({ code: "KeyNotFound" });
    await (await client.beginRecoverDeletedKey("curve")).pollUntilDone();
    await (await client.beginDeleteKey("curve")).pollUntilDone();
    await client.purgeDeletedKey("curve");
    expect((await client.restoreKeyBackup(backup ?? new Uint8Array())).properties.version).toBe(
      rotated.properties.version,
    );
    expect(await client.getRandomBytes(32)).toHaveLength(32);
    await expect(client.releaseKey("curve", "token")).rejects.toMatchObject({
      statusCode: 501,
      code: "NotImplemented",
    });
    expect(vaults.errors).toEqual([]);
  });

  it("sign, verify, encrypt and wrap what the client's own cryptography accepts", async () => {
    const { vaults, oid } = await withRole();
    await using _ = vaults;
    const client = new KeyClient("https://kv1.vault.azure.net", vaults.credential(oid), vaults.options);
    const rsa = await client.createRsaKey("rsa");
    const remote = new CryptographyClient(rsa.id ?? "", vaults.credential(oid), vaults.options);
    const local = new CryptographyClient(rsa.key as VaultJwk);
    for (const algorithm of ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const) {
      const { result } = await remote.signData(algorithm, message);
      // The client's own verifyData takes PS signatures for PKCS #1 ones, and finds none valid: ask the vault.
      const digest = createHash(`sha${algorithm.slice(2)}`)
        .update(message)
        .digest();
      expect((await remote.verify(algorithm, digest, result)).result).toBe(true);
      if (algorithm.startsWith("RS")) expect((await local.verifyData(algorithm, message, result)).result).toBe(true);
    }
    for (const algorithm of ["RSA-OAEP", "RSA1_5"] as const) {
      const sealed = await local.encrypt({ algorithm, plaintext: message });
      expect(Buffer.from((await remote.decrypt({ algorithm, ciphertext: sealed.result })).result)).toEqual(message);
      const wrapped = await local.wrapKey(algorithm, message);
      expect(Buffer.from((await remote.unwrapKey(algorithm, wrapped.result)).result)).toEqual(message);
    }
    const oaep = await remote.encrypt({ algorithm: "RSA-OAEP-256", plaintext: message });
    expect(Buffer.from((await remote.decrypt({ algorithm: "RSA-OAEP-256", ciphertext: oaep.result })).result)).toEqual(
      message,
    );
  });
});

describe("keys on the wire", () => {
  it("make signatures that OpenSSL verifies, and verify those that OpenSSL makes", async () => {
    const { vaults, as } = await withRole("Key Vault Administrator", { sku: { family: "A", name: "premium" } });
    await using _ = vaults;
    const cases = [
      ["P-256", "ES256", "sha256"],
      ["P-384", "ES384", "sha384"],
      ["P-521", "ES512", "sha512"],
      ["P-256K", "ES256K", "sha256"],
    ] as const;
    for (const [crv, alg, hash] of cases) {
      const { body: made } = await as("POST", `/keys/${alg}/create`, { kty: "EC-HSM", crv });
      const value = (await as("POST", `/keys/${alg}/sign`, { alg, value: digestOf(hash) })).body.value as string;
      const key = { key: publicKeyOf(made.key as Record<string, string>), dsaEncoding: "ieee-p1363" } as const;
      expect(verify(hash, message, key, Buffer.from(value, "base64url"))).toBe(true);
      const check = async (signature: string) =>
        (await as("POST", `/keys/${alg}/verify`, { alg, digest: digestOf(hash), value: signature })).body
          .value as boolean;
      expect(await check(value)).toBe(true);
      expect(await check(Buffer.from(value, "base64url").reverse().toString("base64url"))).toBe(false);
      expect(await check("AAAA")).toBe(false);
    }
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const key = { ...privateKey.export({ format: "jwk" }), kty: "RSA" };
    expect((await as("PUT", "/keys/brought", { key })).status).toBe(200);
    for (const [alg, hash] of [
      ["RS256", "sha256"],
      ["PS384", "sha384"],
    ] as const) {
      const options = alg.startsWith("PS") ? { padding: 6, saltLength: -1 } : {};
      const own = sign(hash, message, { key: privateKey, ...options });
      const value = own.toString("base64url");
      const answer = await as("POST", "/keys/brought//verify", { alg, digest: digestOf(hash), value });
      expect(answer.body.value).toBe(true);
      own[10] = (own[10] ?? 0) ^ 1;
      const forged = { alg, digest: digestOf(hash), value: own.toString("base64url") };
      expect((await as("POST", "/keys/brought/verify", forged)).body.value).toBe(false);
      const theirs = (await as("POST", "/keys/brought/sign", { alg, value: digestOf(hash) })).body.value as string;
      expect(verify(hash, message, { key: privateKey, ...options }, Buffer.from(theirs, "base64url"))).toBe(true);
    }
  });

  it("encrypt with symmetric keys in every mode", async () => {
    const { vaults, as } = await withRole();
    await using _ = vaults;
    await as("POST", "/keys/oct/create", { kty: "oct", key_size: 256 });
    const value = Buffer.from("0123456789abcdef").toString("base64url");
    for (const alg of ["A256GCM", "A256CBC", "A256CBCPAD"]) {
      const { body: sealed } = await as("POST", "/keys/oct/encrypt", {
        alg,
        value,
        aad: alg === "A256GCM" ? "AAAA" : undefined,
      });
      expect(sealed.value).not.toBe(value);
      const { iv, aad, tag } = sealed;
      expect((await as("POST", "/keys/oct/decrypt", { alg, value: sealed.value, iv, aad, tag })).body.value).toBe(
        value,
      );
      if (alg !== "A256GCM") continue;
      const forged = await as("POST", "/keys/oct/decrypt", { alg, value: sealed.value, iv, aad: "BBBB", tag });
      expect(forged).toMatchObject({ status: 400, body: { error: { code: "BadParameter" } } });
    }
    const { body: wrapped } = await as("POST", "/keys/oct/wrapkey", { alg: "A256KW", value });
    expect((await as("POST", "/keys/oct/unwrapkey", { alg: "A256KW", value: wrapped.value })).body.value).toBe(value);
    expect((await as("POST", "/keys/oct/encrypt", { alg: "A128GCM", value })).status).toBe(400);
    const { body: shown } = await as("GET", "/keys/oct");
    expect(shown.key).not.toHaveProperty("k");
  });

  it("obey key_ops, enabled, nbf and exp by the tenant clock", async () => {
    const { vaults, oid } = await withRole();
    await using _ = vaults;
    const as = async (method: "POST" | "PATCH", path: string, json: unknown) =>
      vaults.call(method, path, { token: await vaults.token(oid), json });
    const now = Math.floor(Date.now() / 1000);
    await as("POST", "/keys/k/create", {
      kty: "RSA",
      key_ops: ["sign", "decrypt"],
      attributes: { nbf: now + day, exp: now + 2 * day },
    });
    const inner = async (verb: string, alg: string) => {
      const { status, body } = await as("POST", `/keys/k/${verb}`, { alg, value: digestOf("sha256") });
      return status === 403 ? body.error.innererror.code : status;
    };
    expect(await inner("encrypt", "RSA-OAEP")).toBe("KeyOperationForbidden");
    expect(await inner("sign", "RS256")).toBe("KeyNotYetValid");
    expect(await inner("decrypt", "RSA-OAEP")).toBe(400);
    vaults.advance(day * 1000 + 1000);
    expect(await inner("sign", "RS256")).toBe(200);
    vaults.advance(day * 1000);
    expect(await inner("sign", "RS256")).toBe("KeyExpired");
    await as("PATCH", "/keys/k", { attributes: { enabled: false } });
    expect(await inner("sign", "RS256")).toBe("KeyDisabled");
  });

  it("refuse what fits no key, and quote no key in doing so", async () => {
    const { vaults, as } = await withRole();
    await using _ = vaults;
    for (const body of [
      {},
      { kty: "DES" },
      { kty: "RSA", key_size: 1024 },
      { kty: "EC", crv: "P-1" },
      { kty: "RSA-HSM" },
      { kty: "RSA", key_ops: ["fly"] },
      { kty: "RSA", attributes: { exportable: true } },
    ])
      expect((await as("POST", "/keys/k/create", body)).status).toBe(400);
    await as("POST", "/keys/k/create", { kty: "RSA" });
    const attempts = [
      { alg: "ES256", value: digestOf("sha256") },
      { alg: "RS256", value: "AAAA" },
      { alg: "constructor", value: digestOf("sha256") },
      { alg: "RS256", value: "not base64 at all!" },
      { alg: "RS256" },
      { value: digestOf("sha256") },
    ];
    for (const attempt of attempts)
      expect(await as("POST", "/keys/k/sign", attempt)).toMatchObject({
        status: 400,
        body: { error: { code: "BadParameter" } },
      });
    const broken = await as("PUT", "/keys/x", { key: { kty: "RSA", n: "do-not-show", e: "AQAB", d: "do-not-show" } });
    expect(broken.status).toBe(400);
    expect(JSON.stringify(broken)).not.toContain("do-not-show");
  });

  it("let readers use the public half of asymmetric keys only", async () => {
    await using vaults = await startVaults();
    vaults.ok(await vaults.createVault("kv1", { enableRbacAuthorization: true }));
    const [admin, reader] = [await vaults.principal("admin"), await vaults.principal("reader")];
    await vaults.assign("Key Vault Administrator", admin.oid, vaults.vaultId("kv1"));
    await vaults.assign("Key Vault Reader", reader.oid, vaults.vaultId("kv1"));
    const token = await vaults.token(admin.oid);
    await vaults.call("POST", "/keys/rsa/create", { token, json: { kty: "RSA" } });
    await vaults.call("POST", "/keys/oct/create", { token, json: { kty: "oct" } });
    const as = async (path: string, json: unknown) =>
      (await vaults.call("POST", path, { token: await vaults.token(reader.oid), json })).status;
    expect(await as("/keys/rsa/encrypt", { alg: "RSA-OAEP", value: "AAAA" })).toBe(200);
    expect(await as("/keys/rsa/sign", { alg: "RS256", value: digestOf("sha256") })).toBe(403);
    expect(await as("/keys/oct/encrypt", { alg: "A256GCM", value: "AAAA" })).toBe(403);
    expect(await as("/keys/none/encrypt", { alg: "A256GCM", value: "AAAA" })).toBe(403);
  });

  it("are granted by access policies under the permissions' own names", async () => {
    await using vaults = await startVaults();
    vaults.ok(await vaults.createVault("kv1"));
    const { oid } = await vaults.principal("app");
    await vaults.allow("kv1", oid, { keys: ["create", "sign"] });
    const token = await vaults.token(oid);
    expect((await vaults.call("POST", "/keys/k/create", { token, json: { kty: "RSA" } })).status).toBe(200);
    const json = { alg: "RS256", value: digestOf("sha256") };
    expect((await vaults.call("POST", "/keys/k/sign", { token, json })).status).toBe(200);
    const refused = await vaults.call("POST", "/keys/k/wrapkey", { token, json });
    expect(refused.body.error).toMatchObject({ innererror: { code: "ForbiddenByPolicy" } });
    expect(refused.body.error.message).toContain("does not have keys wrapkey permission on key vault");
  });
});
