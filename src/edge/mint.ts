/**
 * Mints the local authority and its server certificates. Loaded only when something must be minted:
 * importing @peculiar/x509 costs about 140 ms.
 */
// @peculiar/x509's dependency injection needs the Reflect metadata API before it loads.
import "reflect-metadata";
import { createHash, createPrivateKey, KeyObject, randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { nameConstraints } from "./name-constraints.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const day = 86_400_000;
const authorityDays = 825;
const leafDays = 90;

/** The authority as it is kept: no root key, because it was discarded after its one signature. */
export interface Authority {
  /** Self-signed certificate, PEM: the trust anchor that clients are given. */
  readonly root: string;
  /** Name-constrained certificate, PEM. Its key signs server certificates. */
  readonly intermediate: string;
  readonly intermediateKey: string;
  /** Base64 SHA-256 of the intermediate's SubjectPublicKeyInfo, as browsers pin it. */
  readonly spki: string;
  /** The dNSName subtrees that the intermediate may sign for. */
  readonly permitted: readonly string[];
  /** End of validity, milliseconds since the epoch. */
  readonly notAfter: number;
}

/** A server certificate with its key. */
export interface Leaf {
  readonly names: readonly string[];
  readonly key: string;
  /** The server certificate followed by the intermediate, PEM. */
  readonly chain: string;
  readonly notAfter: number;
  /** `spki` of the authority that signed it. */
  readonly issuer: string;
}

const keyPair = (extractable: boolean): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, extractable, ["sign", "verify"]);

/** A positive 16-byte serial number in hexadecimal. */
const serial = (): string => {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0);
  return bytes.toString("hex");
};

const pkcs8 = (key: webcrypto.CryptoKey): string =>
  KeyObject.from(key).export({ type: "pkcs8", format: "pem" }).toString();

const pem = (certificate: x509.X509Certificate): string => `${certificate.toString("pem")}\n`;

/**
 * A fresh root, the one intermediate it ever signs, and nothing of the root's key.
 * The constraints sit on the intermediate because Java enforces them only below the trust anchor.
 * @param permitted dNSName subtrees; 127.0.0.0/8 is permitted besides
 */
export const mintAuthority = async (permitted: readonly string[], now: number): Promise<Authority> => {
  const rootKeys = await keyPair(false);
  const keys = await keyPair(true);
  const mark = randomBytes(4).toString("hex");
  const notBefore = new Date(now - 3_600_000);
  const notAfter = new Date(now + authorityDays * day);
  const certSign = new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true);
  const root = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=Lanyard local root ${mark}, O=Lanyard`,
    issuer: `CN=Lanyard local root ${mark}, O=Lanyard`,
    notBefore,
    notAfter,
    publicKey: rootKeys.publicKey,
    signingKey: rootKeys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      certSign,
      await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  });
  const intermediate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=Lanyard local authority ${mark}, O=Lanyard`,
    issuer: root.subject,
    notBefore,
    notAfter,
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      certSign,
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth], false),
      new x509.Extension("2.5.29.30", true, nameConstraints(permitted)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  });
  const spki = createHash("sha256").update(Buffer.from(intermediate.publicKey.rawData)).digest("base64");
  return {
    root: pem(root),
    intermediate: pem(intermediate),
    intermediateKey: pkcs8(keys.privateKey),
    spki,
    permitted,
    notAfter: notAfter.getTime(),
  };
};

/** A server certificate for `names` (wildcards allowed), for 127.0.0.1 too when `localhost` is among them. */
export const mintLeaf = async (authority: Authority, names: readonly string[], now: number): Promise<Leaf> => {
  const issuer = new x509.X509Certificate(authority.intermediate);
  const signingKey = createPrivateKey(authority.intermediateKey).toCryptoKey(algorithm, false, ["sign"]);
  const keys = await keyPair(true);
  const notAfter = new Date(Math.min(now + leafDays * day, authority.notAfter));
  const alternatives: x509.JsonGeneralNames = names.map((value) => ({ type: "dns", value }));
  if (names.includes("localhost")) alternatives.push({ type: "ip", value: "127.0.0.1" });
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    // X.520's upper bound for a common name is 64 characters.
    subject: [{ CN: [(names[0] ?? "localhost").slice(0, 60)] }],
    issuer: issuer.subject,
    notBefore: new Date(now - 3_600_000),
    notAfter,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth], false),
      new x509.SubjectAlternativeNameExtension(alternatives, false),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return {
    names,
    key: pkcs8(keys.privateKey),
    chain: pem(leaf) + authority.intermediate,
    notAfter: notAfter.getTime(),
    issuer: authority.spki,
  };
};
