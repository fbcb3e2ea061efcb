import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Certificates, openCertificates } from "./certificates.ts";
import { available, run } from "./edge.test-support.ts";
import { type Authority, mintLeaf } from "./mint.ts";
import { isAzureHost, isPermitted, permittedNames } from "./names.ts";
import { trustFiles } from "./trust-files.ts";

let root: string;
let folder: string;
let certificates: Certificates;
const openssl = await available("openssl", "version");
const keytool = await available("keytool", "-help");

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lanyard-certificates-"));
  folder = join(root, "certificates");
  certificates = await openCertificates({ folder });
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** What a Node client says of a server that presents `server` under `host`. */
const handshake = async (server: { key: string; cert: string }, host: string, ca: string): Promise<string> => {
  const listener = createServer({ key: server.key, cert: server.cert });
  await new Promise<void>((resolve) => void listener.listen(0, "127.0.0.1", resolve));
  try {
    return await new Promise<string>((resolve) => {
      const socket: TLSSocket = connect(
        { port: (listener.address() as AddressInfo).port, host: "127.0.0.1", servername: host, ca },
        () => resolve("trusted"),
      );
      socket.on("error", (error) => resolve(error.message));
      socket.on("close", () => resolve("closed"));
    });
  } finally {
    listener.close();
  }
};

const authority = async (): Promise<Authority> =>
  JSON.parse(await readFile(join(folder, "authority.json"), "utf8")) as Authority;

describe("the local authority", () => {
  test("keeps no key that fits the root", async () => {
    const rootKey = new X509Certificate(certificates.ca).publicKey.export({ type: "spki", format: "pem" });
    for (const file of await readdir(folder)) {
      const text = await readFile(join(folder, file), "utf8");
      for (const [key] of text
        .replaceAll(String.raw`\n`, "\n")
        .matchAll(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/g)) {
        const { createPublicKey } = await import("node:crypto");
        expect(createPublicKey(createPrivateKey(key)).export({ type: "spki", format: "pem" })).not.toBe(rootKey);
      }
    }
  });

  test("keeps everything closed to others", async () => {
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const file of await readdir(folder)) expect((await stat(join(folder, file))).mode & 0o777, file).toBe(0o600);
  });

  test("closes a folder that stood open", async () => {
    await chmod(folder, 0o755);
    await openCertificates({ folder });
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  test("is found again on the next start", async () => {
    const again = await openCertificates({ folder });
    expect(again.ca).toBe(certificates.ca);
    expect(again.server).toEqual(certificates.server);
    expect(again.intermediateSpki).toBe(certificates.intermediateSpki);
  });

  test("serves names that Node trusts under the root alone", async () => {
    for (const host of ["acme.blob.core.windows.net", "login.microsoftonline.com", "localhost", "x.vault.azure.net"])
      expect(await handshake(certificates.server, host, certificates.ca), host).toBe("trusted");
  });

  test("mints a certificate for deeper names once", async () => {
    const host = "app.happy.westus.azurecontainerapps.io";
    const server = await certificates.serverFor(host);
    expect(await handshake(server, host, certificates.ca)).toBe("trusted");
    expect(await (await openCertificates({ folder })).serverFor(host)).toEqual(server);
    expect(await certificates.serverFor("other.happy.westus.azurecontainerapps.io")).toEqual(server);
  });

  test("cannot sign for a name outside its constraints, says Node", async () => {
    for (const host of ["www.example.com", "github.com", "evil-blob.core.windows.net.example.com", "microsoft.com"]) {
      const leaf = await mintLeaf(await authority(), [host], Date.now());
      expect(await handshake({ key: leaf.key, cert: leaf.chain }, host, certificates.ca), host).toBe(
        "permitted subtree violation",
      );
    }
  });

  test.skipIf(!openssl)(
    "cannot sign for a name outside its constraints, says OpenSSL, nor for other addresses",
    async () => {
      const check = async (names: readonly string[], ...more: string[]): Promise<string> => {
        const leaf = await mintLeaf(await authority(), names, Date.now());
        const file = join(root, "leaf.pem");
        await writeFile(file, leaf.chain);
        await writeFile(join(root, "intermediate.pem"), (await authority()).intermediate);
        const { stdout, stderr } = await run("openssl", [
          "verify",
          "-x509_strict",
          "-purpose",
          "sslserver",
          "-CAfile",
          certificates.caFile,
          "-untrusted",
          join(root, "intermediate.pem"),
          ...more,
          file,
        ]);
        return stdout + stderr;
      };
      expect(await check(["a.vault.azure.net"], "-verify_hostname", "a.vault.azure.net")).toContain("OK");
      expect(await check(["localhost"], "-verify_ip", "127.0.0.1")).toContain("OK");
      expect(await check(["www.example.com"])).toContain("permitted subtree violation");
    },
  );

  test("is replaced when it is asked to permit other names", async () => {
    const other = join(root, "other");
    const first = await openCertificates({ folder: other, permitted: permittedNames });
    const second = await openCertificates({ folder: other, permitted: [...permittedNames, "servicebus.windows.net"] });
    expect(second.ca).not.toBe(first.ca);
    expect(await readFile(second.caFile, "utf8")).toBe(second.ca);
    expect(await handshake(second.server, "localhost", second.ca)).toBe("trusted");
  });

  test("renews a server certificate near its end and keeps the authority", async () => {
    const other = join(root, "renewal");
    const first = await openCertificates({ folder: other });
    const later = await openCertificates({ folder: other, now: () => Date.now() + 61 * 86_400_000 });
    expect(later.ca).toBe(first.ca);
    expect(later.server.cert).not.toBe(first.server.cert);
    const muchLater = await openCertificates({ folder: other, now: () => Date.now() + 800 * 86_400_000 });
    expect(muchLater.ca).not.toBe(first.ca);
  });

  test("mends a file that was cut short", async () => {
    const other = join(root, "cut");
    await openCertificates({ folder: other });
    await writeFile(join(other, "server.json"), '{"names":["loc');
    const mended = await openCertificates({ folder: other });
    expect(await handshake(mended.server, "localhost", mended.ca)).toBe("trusted");
  });
});

describe("the trust files", () => {
  test("hold our root and the roots that the environment trusted before", async () => {
    const other = await openCertificates({ folder: join(root, "company") });
    const files = await trustFiles(certificates.caFile, { REQUESTS_CA_BUNDLE: other.caFile });
    const bundle = await readFile(files.bundle, "utf8");
    const found = [...bundle.matchAll(/-----BEGIN[^]+?END CERTIFICATE-----/g)].map(([pem]) => new X509Certificate(pem));
    const prints = new Set(found.map((each) => each.fingerprint256));
    expect(prints.has(new X509Certificate(certificates.ca).fingerprint256)).toBe(true);
    expect(prints.has(new X509Certificate(other.ca).fingerprint256)).toBe(true);
    expect(found.length).toBeGreaterThan(50);
    const { bundle: without } = await trustFiles(certificates.caFile, {});
    expect(without).not.toBe(files.bundle);
  });

  test("do not nest when one environment is made inside another", async () => {
    const first = await trustFiles(certificates.caFile, {});
    const second = await trustFiles(certificates.caFile, {
      SSL_CERT_FILE: first.bundle,
      NODE_EXTRA_CA_CERTS: first.ca,
    });
    expect(second).toEqual(first);
  });

  test.skipIf(!keytool)("are read by Java", async () => {
    const { trustStore } = await trustFiles(certificates.caFile, {});
    const { stdout } = await run("keytool", ["-list", "-keystore", trustStore, "-storepass", "changeit"]);
    expect(stdout).toMatch(/contains \d{2,} entries/);
  });
});

describe("the lists of names", () => {
  test("permit nothing beyond what Azure and the tenant need", () => {
    for (const host of ["microsoft.com", "www.microsoft.com", "windows.net", "azure.com", "example.com", "ipify.org"])
      expect(isPermitted(host), host).toBe(false);
    expect(isPermitted("a.b.azurewebsites.net")).toBe(true);
  });

  test("know Azure's hosts by whole labels", () => {
    expect(isAzureHost("unheard.of.windows.net")).toBe(true);
    expect(isAzureHost("notazure.com")).toBe(false);
    expect(isAzureHost("azure.com.example.org")).toBe(false);
  });
});
