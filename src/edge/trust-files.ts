/** The files that make clients trust the local authority besides the roots they trusted before. */
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { writePrivate } from "./certificates.ts";

export interface TrustFiles {
  /** Our root alone. */
  readonly ca: string;
  /** Our root and every root the environment trusted before, PEM. */
  readonly bundle: string;
  /** The same as a JKS trust store, password `changeit`. */
  readonly trustStore: string;
}

/** Variables that may already name a bundle (continuous-integration machines often export them). */
const bundleVariables = [
  "REQUESTS_CA_BUNDLE",
  "SSL_CERT_FILE",
  "CURL_CA_BUNDLE",
  "NODE_EXTRA_CA_CERTS",
  "GIT_SSL_CAINFO",
  "PIP_CERT",
  "AWS_CA_BUNDLE",
];

const systemBundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

const certificatePattern = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** Every distinct certificate of the texts, as DER. */
const certificatesOf = (texts: readonly string[]): Buffer[] => {
  const seen = new Map<string, Buffer>();
  for (const text of texts)
    for (const [block] of text.matchAll(certificatePattern)) {
      const body = block.replaceAll(/-----[A-Z ]+-----|\s/g, "");
      if (!seen.has(body)) seen.set(body, Buffer.from(body, "base64"));
    }
  return [...seen.values()];
};

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der
    .toString("base64")
    .replaceAll(/.{64}/g, "$&\n")
    .trimEnd()}\n-----END CERTIFICATE-----\n`;

/**
 * Writes (or finds) the bundle and the Java trust store beside `caFile`. Their names depend on the certificates in
 * them, so shells that trusted different roots before get different files.
 * @param environment the caller's variables, before ours
 */
export const trustFiles = async (
  caFile: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<TrustFiles> => {
  const folder = dirname(caFile);
  const texts = [await readFile(caFile, "utf8")];
  for (const name of bundleVariables) {
    const file = environment[name];
    // Our own bundle, when one `lanyard run` starts another, would only nest.
    if (file === undefined || file === "" || file === caFile || dirname(file) === folder) continue;
    texts.push(await readFile(file, "utf8").catch(() => ""));
  }
  const system = await firstReadable(systemBundles);
  // node:tls carries Mozilla's list; decoding it takes a few milliseconds, so it comes last.
  texts.push(system ?? (await import("node:tls")).rootCertificates.join("\n"));

  const certificates = certificatesOf(texts);
  const hash = createHash("sha256");
  for (const der of certificates) hash.update(der);
  const mark = hash.digest("hex").slice(0, 16);
  const bundle = join(folder, `bundle-${mark}.pem`);
  const trustStore = join(folder, `trust-${mark}.jks`);
  const present = new Set(await readdir(folder));
  if (!present.has(basename(bundle))) await writePrivate(bundle, certificates.map(pem).join(""));
  if (!present.has(basename(trustStore))) await writePrivate(trustStore, javaTrustStore(certificates));
  return { ca: caFile, bundle, trustStore };
};

const firstReadable = async (files: readonly string[]): Promise<string | undefined> => {
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (text.includes("BEGIN CERTIFICATE")) return text;
  }
  return undefined;
};

/**
 * A JKS trust store: magic, version 2, trusted-certificate entries, then a SHA-1 over the password, a fixed phrase
 * and all that (OpenJDK, sun.security.provider.JavaKeyStore). It protects nothing and holds nothing secret.
 */
export const javaTrustStore = (certificates: readonly Buffer[], password = "changeit"): Buffer => {
  const u4 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, "utf8");
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const created = Buffer.alloc(8);
  const content = Buffer.concat([
    u4(0xfeedfeed),
    u4(2),
    u4(certificates.length),
    ...certificates.flatMap((der, index) => [
      u4(2),
      text(`root-${index}`),
      created,
      text("X.509"),
      u4(der.length),
      der,
    ]),
  ]);
  const digest = createHash("sha1")
    .update(Buffer.from(password, "utf16le").swap16())
    .update("Mighty Aphrodite")
    .update(content)
    .digest();
  return Buffer.concat([content, digest]);
};
