import { createPrivateKey } from "node:crypto";
import type { X509Certificate } from "node:crypto";
import { isObject, type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import { readAttributes, tagsOf, textIn } from "./attributes.ts";
import { type Complete, subjectIn } from "./certificate-versions.ts";
import { pemType, pkcs12Type, readPolicy } from "./certificate-policy.ts";
import { readCertificate } from "./certificate-maker.ts";
import { Malformed } from "./der.ts";
import { vaultFault } from "./faults.ts";
import { readPkcs12 } from "./pkcs12.ts";

const bad = (what: string, why: string): Error => vaultFault("badCertificate", { what, why });

interface Content {
  readonly key: Buffer;
  readonly certificates: readonly Buffer[];
}

const fromPem = (text: string): Content => {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----[^-]{1,400000}-----END \1-----/g)];
  const keys = blocks.filter((block) => block[1]?.endsWith("PRIVATE KEY"));
  if (keys.length !== 1) throw bad("PEM", "It must hold one private key, not encrypted.");
  try {
    const key = createPrivateKey(keys[0]?.[0] ?? "").export({ format: "der", type: "pkcs8" });
    const certificates = blocks.filter((block) => block[1] === "CERTIFICATE").map(([pem]) => readCertificate(pem).raw);
    return { key, certificates };
  } catch (error) {
    // OpenSSL's words are not passed on.
    if (error instanceof Error && error.name === "Fault") throw error;
    throw bad("PEM", "Its private key is not readable; PKCS #8 without a password is.");
  }
};

const fromPkcs12 = async (text: string, password: string): Promise<Content> => {
  try {
    const { key, certificates } = await readPkcs12(Buffer.from(text, "base64"), password);
    if (key === undefined) throw new Malformed("It holds no private key.");
    return { key, certificates };
  } catch (error) {
    if (error instanceof Malformed) throw bad("PKCS #12", error.message);
    throw error;
  }
};

/** The certificate of the key, wherever it stands; the others are its chain. */
const own = (content: Content): { certificate: X509Certificate; chain: readonly Buffer[] } => {
  const key = createPrivateKey({ key: content.key, format: "der", type: "pkcs8" });
  const read = content.certificates.map((der) => readCertificate(der));
  const certificate = read.find((each) => each.checkPrivateKey(key));
  if (certificate === undefined) throw bad("certificate", "None of its certificates is that of the private key.");
  return { certificate, chain: content.certificates.filter((der) => !der.equals(certificate.raw)) };
};

/** `az keyvault certificate import` sends PEM, too, in base64 (azure-cli 2.91); the SDKs send it as it is. */
const unwrapped = (value: string): string => {
  if (!value.startsWith("LS0t")) return value;
  const text = Buffer.from(value, "base64").toString("latin1");
  return text.startsWith("-----BEGIN ") ? text : value;
};

/** What an import brings: PFX in base64 or PEM, whichever it is. @throws Fault 400, quoting nothing of it */
export const readImport = async (body: JsonObject): Promise<Complete> => {
  const sent = textIn(body, "value", 400_000);
  if (sent === undefined) throw vaultFault("required", { name: "value" });
  const value = unwrapped(sent);
  const isPem = value.includes("-----BEGIN");
  const content = isPem ? fromPem(value) : await fromPkcs12(value, textIn(body, "pwd", 1024) ?? "");
  let certificate: X509Certificate;
  let chain: readonly Buffer[];
  try {
    ({ certificate, chain } = own(content));
  } catch (error) {
    if (error instanceof Error && error.name === "Fault") throw error;
    throw bad("private key", "It is no PKCS #8 key of a kind that certificates have.");
  }
  const details = certificate.publicKey.asymmetricKeyDetails;
  const rsa = certificate.publicKey.asymmetricKeyType === "rsa";
  if (!rsa && certificate.publicKey.asymmetricKeyType !== "ec")
    throw bad("private key", "Certificates take RSA and EC keys.");
  const policy = readPolicy(body["policy"], {
    key_props: rsa
      ? { kty: "RSA", key_size: details?.modulusLength ?? 2048 }
      : { kty: "EC", crv: textOf(certificate.publicKey.export({ format: "jwk" }).crv) },
    secret_props: { contentType: isPem ? pemType : pkcs12Type },
    x509_props: { subject: subjectIn(certificate) },
    issuer: { name: "Unknown" },
  });
  const asked = isObject(body["policy"]) ? objectOf(body["policy"]) : {};
  if (objectOf(asked["key_props"])["kty"] !== undefined && policy.wish.type.startsWith("RSA") !== rsa)
    throw vaultFault("invalid", { name: "policy.key_props.kty", why: "It is not the kind of the key." });
  return { pkcs8: content.key, certificate, chain, policy, tags: tagsOf(body), attributes: readAttributes(body) };
};
