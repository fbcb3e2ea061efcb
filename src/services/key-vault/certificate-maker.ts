/** Makes certificates and signing requests. @peculiar/x509 is imported at the first one: it costs more than a start. */
import { createPrivateKey, webcrypto, X509Certificate } from "node:crypto";
import type { Ids } from "../../kernel/ids.ts";
import type { Policy } from "./certificate-policy.ts";
import { vaultFault } from "./faults.ts";
import { familyOf } from "./key-material.ts";

const load = async () => {
  // @peculiar/x509's dependency injection needs the Reflect metadata API before it loads.
  await import("reflect-metadata");
  return import("@peculiar/x509");
};

const keysOf = async (pkcs8: Buffer, policy: Policy) => {
  const { wish } = policy;
  const algorithm =
    familyOf(wish.type) === "RSA"
      ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }
      : {
          name: "ECDSA",
          namedCurve: wish.curve,
          hash: wish.curve === "P-256" ? "SHA-256" : wish.curve === "P-384" ? "SHA-384" : "SHA-512",
        };
  const privateKey = await webcrypto.subtle.importKey("pkcs8", pkcs8, algorithm, true, ["sign"]);
  const {
    d: _d,
    p: _p,
    q: _q,
    dp: _dp,
    dq: _dq,
    qi: _qi,
    ...open
  } = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }).export({ format: "jwk" });
  const publicKey = await webcrypto.subtle.importKey("jwk", open as webcrypto.JsonWebKey, algorithm, true, ["verify"]);
  return { algorithm, keys: { privateKey, publicKey } };
};

const extensionsOf = (x509: Awaited<ReturnType<typeof load>>, policy: Policy) => {
  const flags = policy.usages.reduce((sum, usage) => sum | x509.KeyUsageFlags[usage], 0);
  const names = [
    ...policy.dnsNames.map((value) => ({ type: "dns" as const, value })),
    ...policy.emails.map((value) => ({ type: "email" as const, value })),
  ];
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(flags, true),
    ...(policy.ekus.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension([...policy.ekus], false)]),
    ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names, false)]),
  ];
};

const subjectFault = (): Error =>
  vaultFault("invalid", { name: "policy.x509_props.subject", why: "It must be an X.500 name such as CN=example." });

/** Clients may leave the subject out when the certificate has other names. */
const subjectOf = (policy: Policy): string => {
  if (policy.subject !== "") return policy.subject;
  if (policy.dnsNames.length > 0 || policy.emails.length > 0) return "";
  throw vaultFault("required", { name: "policy.x509_props.subject" });
};

/** A self-signed certificate, DER. Valid from ten minutes ago, as Key Vault's are. @throws Fault 400 */
export const selfSigned = async (pkcs8: Buffer, policy: Policy, now: number, ids: Ids): Promise<Buffer> => {
  const x509 = await load();
  const { algorithm, keys } = await keysOf(pkcs8, policy);
  const name = subjectOf(policy);
  const notBefore = new Date(now - 600_000);
  const notAfter = new Date(now);
  notAfter.setUTCMonth(notAfter.getUTCMonth() + policy.months);
  const serial = ids.bytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  try {
    const made = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serial.toString("hex"),
      name,
      notBefore,
      notAfter,
      keys,
      signingAlgorithm: algorithm,
      extensions: extensionsOf(x509, policy),
    });
    // A text that is no name is read as an empty one.
    if (name !== "" && made.subject === "") throw subjectFault();
    return Buffer.from(made.rawData);
  } catch {
    throw subjectFault();
  }
};

/** A PKCS #10 request for a certificate that somebody else signs, DER. @throws Fault 400 */
export const signingRequest = async (pkcs8: Buffer, policy: Policy): Promise<Buffer> => {
  const x509 = await load();
  const { algorithm, keys } = await keysOf(pkcs8, policy);
  const name = subjectOf(policy);
  try {
    const made = await x509.Pkcs10CertificateRequestGenerator.create({
      name,
      keys,
      signingAlgorithm: algorithm,
      extensions: extensionsOf(x509, policy),
    });
    return Buffer.from(made.rawData);
  } catch {
    throw subjectFault();
  }
};

/** A certificate that a client brought. @throws Fault 400 */
export const readCertificate = (der: Buffer | string): X509Certificate => {
  try {
    return new X509Certificate(der);
  } catch {
    throw vaultFault("badCertificate", { what: "X.509 certificate", why: "It is no certificate." });
  }
};
