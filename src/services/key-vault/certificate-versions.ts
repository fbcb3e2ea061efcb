/** Versions of certificates: each comes with a key and a secret of the same name and version. */
import { createPrivateKey, createHash, type KeyObject, type X509Certificate } from "node:crypto";
import type { JsonObject } from "../../arm/record.ts";
import { attributesOf, type AskedAttributes } from "./attributes.ts";
import { type Policy, pemType, pkcs12Type } from "./certificate-policy.ts";
import type { Engine, Found, Shelf, VersionRecord } from "./engine.ts";
import { vaultFault } from "./faults.ts";
import { dataActions } from "./actions.ts";
import { type KeyType, materialOf, readOperations } from "./key-material.ts";
import { keyShape, newKeyVersion } from "./keys.ts";
import { addVersion, type Shape } from "./lifecycle.ts";
import { writePkcs12 } from "./pkcs12.ts";
import { secretShape } from "./secrets.ts";
import { objectId, type VaultCall } from "./target.ts";

const item = (call: VaultCall, version: VersionRecord): JsonObject => {
  const { vault } = call.target;
  const path = call.parameters["name"] === undefined ? [] : [version.version];
  return {
    id: objectId(vault, "certificates", version.name, ...path),
    x5t: version.open?.["x5t"] ?? "",
    subject: version.open?.["subject"] ?? "",
    attributes: attributesOf(call, version),
    ...(version.tags === undefined ? {} : { tags: version.tags }),
  };
};

/** A policy with the id it is shown under. */
export const shownPolicy = (call: VaultCall, name: string, policy: JsonObject): JsonObject => ({
  id: objectId(call.target.vault, "certificates", name, "policy"),
  ...policy,
});

export const certificateBundle = (call: VaultCall, { object, version }: Found): JsonObject => {
  const { vault } = call.target;
  const id = (kind: string): string => objectId(vault, kind, version.name, version.version);
  return {
    id: id("certificates"),
    kid: id("keys"),
    sid: id("secrets"),
    x5t: version.open?.["x5t"] ?? "",
    cer: version.open?.["cer"] ?? "",
    contentType: version.contentType ?? pkcs12Type,
    attributes: attributesOf(call, version),
    ...(version.tags === undefined ? {} : { tags: version.tags }),
    policy: shownPolicy(call, object.name, (object.extra?.["policy"] ?? {}) as JsonObject),
    pending: { id: objectId(vault, "certificates", version.name, "pending") },
  };
};

export const certificateShape: Shape = {
  kind: "certificates",
  title: "Certificate",
  companions: ["keys", "secrets"],
  actions: {
    list: dataActions.readCertificate,
    getDeleted: dataActions.readCertificate,
    delete: dataActions.deleteCertificate,
    recover: dataActions.recoverCertificate,
    purge: dataActions.purgeCertificate,
    backup: dataActions.backupCertificate,
    restore: dataActions.restoreCertificate,
  },
  item,
  bundle: certificateBundle,
};

/** A certificate that is complete: with its private key, and those that signed it. */
export interface Complete {
  readonly pkcs8: Buffer;
  readonly certificate: X509Certificate;
  readonly chain: readonly Buffer[];
  readonly policy: Policy;
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly attributes: AskedAttributes;
}

const pem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${(der.toString("base64").match(/.{1,64}/g) ?? []).join("\n")}\n-----END ${label}-----\n`;

/** What the secret of a certificate holds: PKCS #12 in base64 without a password, or PEM. */
const secretValue = ({ pkcs8, certificate, chain, policy }: Complete): string => {
  const key = policy.exportable ? pkcs8 : undefined;
  const certificates = [certificate.raw, ...chain];
  if (policy.contentType === pemType)
    return [
      ...(key === undefined ? [] : [pem("PRIVATE KEY", key)]),
      ...certificates.map((each) => pem("CERTIFICATE", each)),
    ].join("");
  return writePkcs12({ key, certificates }).toString("base64");
};

/** The private key, checked to be the certificate's. @throws Fault 400 */
export const privateKeyOf = (pkcs8: Buffer, certificate: X509Certificate): KeyObject => {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  } catch {
    key = undefined;
  }
  if (key === undefined || !certificate.checkPrivateKey(key))
    throw vaultFault("badCertificate", {
      what: "X.509 certificate",
      why: "Its public key is not that of the private key.",
    });
  return key;
};

/** As Key Vault writes it. Node has no `subject` for a certificate whose name is empty, whatever its types say. */
export const subjectIn = ({ subject }: { readonly subject?: string }): string =>
  (subject ?? "").split("\n").toReversed().join(", ");

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

/** Stores a certificate with its key and secret in one go. @throws Fault 409 when one of the names is somebody else's */
export const addCertificate = async (
  engine: Engine,
  shelf: Shelf,
  name: string,
  complete: Complete,
): Promise<Found> => {
  const { certificate, pkcs8, policy, tags, attributes } = complete;
  for (const { kind, title } of [keyShape, secretShape]) {
    const other = await shelf.object("live", kind, name);
    if (other !== undefined && other.managed !== true) throw vaultFault("exists", { what: title.toLowerCase(), name });
  }
  const now = engine.seconds();
  const type: KeyType = certificate.publicKey.asymmetricKeyType === "rsa" ? "RSA" : "EC";
  const key = newKeyVersion(
    engine,
    name,
    materialOf(privateKeyOf(pkcs8, certificate), type),
    readOperations(undefined, type),
  );
  const shared = {
    ...key,
    ...attributes,
    nbf: seconds(certificate.validFromDate),
    exp: seconds(certificate.validToDate),
    managed: true,
    ...(tags === undefined ? {} : { tags }),
  };
  const { open: _open, value: _value, managed: _managed, ...plain } = shared;
  await addVersion(shelf, keyShape, shared);
  await addVersion(shelf, secretShape, {
    ...plain,
    kind: "secrets",
    managed: true,
    contentType: policy.contentType,
    value: secretValue(complete),
  });
  return addVersion(
    shelf,
    certificateShape,
    {
      ...plain,
      kind: "certificates",
      contentType: policy.contentType,
      created: now,
      open: {
        cer: certificate.raw.toString("base64"),
        x5t: createHash("sha1").update(certificate.raw).digest("base64url"),
        subject: subjectIn(certificate),
      },
    },
    { extra: { policy: { ...policy.shown, attributes: { enabled: true, created: now, updated: now } } } },
  );
};
