import { execFileSync } from "node:child_process";
import { generateKeyPairSync, X509Certificate, createPrivateKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { CertificateClient, DefaultCertificatePolicy } from "@azure/keyvault-certificates";
import { assert, asyncProperty, nat } from "fast-check";
import { describe, expect, it } from "vitest";
import { Malformed } from "./der.ts";
import { withRole } from "./key-vault.test-support.ts";
import { readPkcs12, writePkcs12 } from "./pkcs12.ts";

const clientOf = ({ vaults, oid }: Awaited<ReturnType<typeof withRole>>) =>
  new CertificateClient("https://kv1.vault.azure.net", vaults.credential(oid), vaults.options);

/** What `openssl` makes: a key, its certificate, and both as PFX under a password. */
const fromOpenssl = (algorithm: readonly string[], pfx: readonly string[] = []) => {
  const folder = mkdtempSync(join(tmpdir(), "lanyard-pfx-"));
  const run = (...given: readonly string[]) => execFileSync("openssl", given, { cwd: folder, stdio: "pipe" });
  run(
    "req",
    "-x509",
    ...algorithm,
    "-keyout",
    "key.pem",
    "-out",
    "cert.pem",
    "-nodes",
    "-subj",
    "/CN=brought",
    "-days",
    "30",
  );
  run("pkcs12", "-export", "-inkey", "key.pem", "-in", "cert.pem", "-out", "a.pfx", "-passout", "pass:secret", ...pfx);
  const read = (name: string): Buffer => readFileSync(join(folder, name));
  const made = { key: read("key.pem").toString(), certificate: read("cert.pem").toString(), pfx: read("a.pfx") };
  rmSync(folder, { recursive: true });
  return made;
};

const rsa = ["-newkey", "rsa:2048"];
const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

describe("certificates by Microsoft's client", () => {
  it("are issued under a policy with key and secret, and live and die with them", async () => {
    const given = await withRole();
    const { vaults, as } = given;
    await using _ = vaults;
    const client = clientOf(given);
    const poller = await client.beginCreateCertificate("tls", {
      ...DefaultCertificatePolicy,
      subject: "CN=app.example",
      subjectAlternativeNames: { dnsNames: ["app.example"] },
      validityInMonths: 6,
    });
    const made = await poller.pollUntilDone();
    expect(made).toMatchObject({ name: "tls", properties: { enabled: true } });
    const certificate = new X509Certificate(Buffer.from(made.cer ?? []));
    expect(certificate.subject).toBe("CN=app.example");
    expect(certificate.subjectAltName).toBe("DNS:app.example");
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    expect((await client.getCertificatePolicy("tls")).issuerName).toBe("Self");

    const { body: secret } = await as("GET", "/secrets/tls");
    expect(secret).toMatchObject({ contentType: "application/x-pkcs12", managed: true });
    const { key = Buffer.alloc(0) } = await readPkcs12(Buffer.from(secret.value, "base64"), "");
    expect(certificate.checkPrivateKey(createPrivateKey({ key, format: "der", type: "pkcs8" }))).toBe(true);
    expect(() => createSecureContext({ pfx: Buffer.from(secret.value, "base64"), passphrase: "" })).not.toThrow();
    const { version } = made.properties;
    expect((await as("GET", `/keys/tls/${version ?? ""}`)).body).toMatchObject({ managed: true, key: { kty: "RSA" } });
    expect((await as("PUT", "/secrets/tls", { value: "mine" })).status).toBe(403);
    expect((await as("DELETE", "/keys/tls")).status).toBe(403);

    await client.updateCertificateProperties("tls", version ?? "", { tags: { a: "b" }, enabled: false });
    expect((await as("GET", "/secrets/tls")).body.error.innererror.code).toBe("SecretDisabled");
    await client.updateCertificateProperties("tls", version ?? "", { enabled: true });
    const backup = await client.backupCertificate("tls");
    await (await client.beginDeleteCertificate("tls")).pollUntilDone();
    expect((await as("GET", "/secrets/tls")).status).toBe(404);
    await (await client.beginRecoverDeletedCertificate("tls")).pollUntilDone();
    expect((await as("GET", "/secrets/tls")).body.value).toBe(secret.value);
    await (await client.beginDeleteCertificate("tls")).pollUntilDone();
    await client.purgeDeletedCertificate("tls");
    expect((await client.restoreCertificateBackup(backup ?? new Uint8Array())).properties.tags).toEqual({ a: "b" });
    expect((await as("GET", "/keys/tls")).status).toBe(200);
    expect(vaults.errors).toEqual([]);
  });

  it("need no subject when they have other names, and a subject that is one", async () => {
    const { vaults, as } = await withRole();
    await using _ = vaults;
    const create = (name: string, x509_props: object) =>
      as("POST", `/certificates/${name}/create`, { policy: { x509_props, issuer: { name: "Self" } } });
    expect((await create("named", { sans: { dns_names: ["example.com"] } })).status).toBe(202);
    expect((await as("GET", "/certificates/named")).status).toBe(200);
    for (const subject of ["", "no name", "CN"]) expect((await create("nameless", { subject })).status).toBe(400);
    expect(vaults.errors).toEqual([]);
  });

  it("are imported from PFX and PEM, RSA and EC, AES and 3DES", async () => {
    const given = await withRole();
    const { vaults, as } = given;
    await using _ = vaults;
    const client = clientOf(given);
    const tripleDes = ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"];
    for (const [name, made] of [
      ["rsa", fromOpenssl(rsa)],
      ["ec", fromOpenssl(ec)],
      ["old", fromOpenssl(rsa, tripleDes)],
    ] as const) {
      const imported = await client.importCertificate(name, made.pfx, { password: "secret" });
      expect(Buffer.from(imported.cer ?? [])).toEqual(new X509Certificate(made.certificate).raw);
      const pem = await client.importCertificate(`${name}-pem`, Buffer.from(made.key + made.certificate), {
        policy: { contentType: "application/x-pem-file", issuerName: "Unknown", subject: "CN=brought" },
      });
      expect(Buffer.from(pem.cer ?? [])).toEqual(new X509Certificate(made.certificate).raw);
      const { body } = await as("GET", `/secrets/${name}-pem`);
      expect(body.contentType).toBe("application/x-pem-file");
      expect(new X509Certificate(body.value as string).checkPrivateKey(createPrivateKey(body.value as string))).toBe(
        true,
      );
    }
    const { pfx, key, certificate } = fromOpenssl(ec);
    // As `az keyvault certificate import` sends it.
    const wrapped = { value: Buffer.from(key + certificate).toString("base64") };
    expect((await as("POST", "/certificates/wrapped/import", wrapped)).status).toBe(200);
    const tries = [
      { value: pfx.toString("base64"), pwd: "wrong" },
      { value: pfx.subarray(0, 500).toString("base64"), pwd: "secret" },
      { value: "AAAA" },
      { value: key },
      {},
    ];
    for (const json of tries) {
      const refused = await as("POST", "/certificates/x/import", json);
      expect(refused).toMatchObject({ status: 400, body: { error: { code: "BadParameter" } } });
      expect(JSON.stringify(refused)).not.toMatch(/secret"|PRIVATE KEY-----/);
    }
    expect(vaults.errors).toEqual([]);
  });

  it("are requested, signed elsewhere and merged; issuers and contacts are kept", async () => {
    const given = await withRole();
    const { vaults, as } = given;
    await using _ = vaults;
    const client = clientOf(given);
    await client.beginCreateCertificate("csr", { issuerName: "Unknown", subject: "CN=asked" });
    const { body: pending } = await as("GET", "/certificates/csr/pending");
    expect(pending.status).toBe("inProgress");
    expect(JSON.stringify(pending)).not.toContain("policy");
    const folder = mkdtempSync(join(tmpdir(), "lanyard-csr-"));
    const run = (...command: readonly string[]) => execFileSync("openssl", command, { cwd: folder, stdio: "pipe" });
    writeFileSync(join(folder, "a.csr"), Buffer.from(pending.csr as string, "base64"));
    run(
      "req",
      "-x509",
      ...ec,
      "-keyout",
      "ca.key",
      "-out",
      "ca.pem",
      "-nodes",
      "-subj",
      "/CN=authority",
      "-days",
      "30",
    );
    run(
      "x509",
      "-req",
      "-inform",
      "DER",
      "-in",
      "a.csr",
      "-CA",
      "ca.pem",
      "-CAkey",
      "ca.key",
      "-outform",
      "DER",
      "-out",
      "a.der",
      "-days",
      "5",
    );
    const [signed, authority] = [
      readFileSync(join(folder, "a.der")),
      new X509Certificate(readFileSync(join(folder, "ca.pem"))).raw,
    ];
    rmSync(folder, { recursive: true });
    expect((await as("POST", "/certificates/csr/pending/merge", { x5c: [authority.toString("base64")] })).status).toBe(
      400,
    );
    const merged = await client.mergeCertificate("csr", [signed, authority]);
    expect(new X509Certificate(Buffer.from(merged.cer ?? [])).issuer).toBe("CN=authority");
    expect((await as("GET", "/certificates/csr/pending")).body).toMatchObject({ status: "completed" });
    const { certificates } = await readPkcs12(
      Buffer.from((await as("GET", "/secrets/csr")).body.value as string, "base64"),
      "",
    );
    expect(certificates).toEqual([signed, authority]);

    const cancelled = await client.beginCreateCertificate("gone", { issuerName: "Unknown", subject: "CN=asked" });
    await cancelled.cancelOperation();
    expect((await as("GET", "/certificates/gone/pending")).body).toMatchObject({
      status: "cancelled",
      cancellation_requested: true,
    });
    await client.deleteCertificateOperation("gone");
    expect((await as("GET", "/certificates/gone/pending")).status).toBe(404);

    await client.createIssuer("ca1", "DigiCert", { accountId: "me", password: "do-not-show" });
    expect(await client.getIssuer("ca1")).toMatchObject({ provider: "DigiCert", accountId: "me" });
    expect(JSON.stringify((await as("GET", "/certificates/issuers/ca1")).body)).not.toContain("do-not-show");
    const issuers = [];
    for await (const each of client.listPropertiesOfIssuers()) issuers.push(each.id);
    expect(issuers).toEqual(["https://kv1.vault.azure.net/certificates/issuers/ca1"]);
    const refused = await as("POST", "/certificates/c/create", {
      policy: { issuer: { name: "ca1" }, x509_props: { subject: "CN=x" } },
    });
    expect(refused).toMatchObject({ status: 400, body: { error: { code: "NotImplemented" } } });
    await client.deleteIssuer("ca1");
    await client.setContacts([{ email: "a@example.com", name: "A", phone: "1" }]);
    expect(await client.getContacts()).toEqual([{ email: "a@example.com", name: "A", phone: "1" }]);
    await client.deleteContacts();
    expect((await as("GET", "/certificates/contacts")).status).toBe(404);
    expect(vaults.errors).toEqual([]);
  });
});

describe("PKCS #12", () => {
  it("is read back as it was written, and whatever is no PFX is malformed and nothing else", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = privateKey.export({ format: "der", type: "pkcs8" });
    const written = writePkcs12({ key, certificates: [Buffer.from("one"), Buffer.alloc(3000, 7)] });
    expect(await readPkcs12(written, "")).toEqual({ key, certificates: [Buffer.from("one"), Buffer.alloc(3000, 7)] });
    const { pfx } = fromOpenssl(ec);
    await assert(
      asyncProperty(nat(pfx.length - 1), nat(255), async (at, byte) => {
        const changed = Buffer.from(pfx);
        changed[at] = byte;
        await readPkcs12(changed, "secret").catch((error: unknown) => expect(error).toBeInstanceOf(Malformed));
      }),
      { numRuns: 150 },
    );
  });
});

describe("what belongs to a certificate", () => {
  it("is not backed up without it: restored alone, nobody could delete it", async () => {
    const { vaults, as } = await withRole();
    await using _ = vaults;
    const policy = { issuer: { name: "Self" }, x509_props: { subject: "CN=x" } };
    expect((await as("POST", "/certificates/c/create", { policy })).status).toBe(202);
    for (const kind of ["secrets", "keys"])
      expect([kind, (await as("POST", `/${kind}/c/backup`, {})).status]).toEqual([kind, 403]);
    expect((await as("POST", "/certificates/c/backup", {})).status).toBe(200);
  });
});
