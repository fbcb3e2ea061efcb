import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
} from "node:crypto";
import { promisify } from "node:util";
import { type JsonObject, isObject, textOf } from "../../arm/record.ts";
import type { Ids } from "../../kernel/ids.ts";
import type { VersionRecord } from "./engine.ts";
import { type Curve, namedCurve } from "./ecdsa.ts";
import { vaultFault } from "./faults.ts";
import { listOf } from "./vault.ts";

const generate = promisify(generateKeyPair);

/** `kty` as clients name it; `-HSM` kinds are kept in software like the others. */
export type KeyType = "RSA" | "RSA-HSM" | "EC" | "EC-HSM" | "oct" | "oct-HSM";
export type Family = "RSA" | "EC" | "oct";

/** What a version of a key keeps: the public JWK openly, the private part sealed. */
export interface Material {
  /** `kty`, `n` and `e`, or `crv`, `x` and `y`. */
  readonly jwk: JsonObject;
  /** Base64: PKCS#8 of a private key, the bytes of a symmetric one. */
  readonly secret: string;
}

const types: readonly KeyType[] = ["RSA", "RSA-HSM", "EC", "EC-HSM", "oct", "oct-HSM"];
const operations: Readonly<Record<Family, readonly string[]>> = {
  RSA: ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"],
  EC: ["sign", "verify"],
  oct: ["encrypt", "decrypt", "wrapKey", "unwrapKey"],
};
const allOperations = [...operations.RSA, "import", "export"];

export const familyOf = (type: string): Family =>
  type.startsWith("RSA") ? "RSA" : type.startsWith("EC") ? "EC" : "oct";

/** @throws Fault 400 */
export const readType = (value: unknown): KeyType => {
  const asked = textOf(value);
  const known = types.find((each) => each.toLowerCase() === asked.toLowerCase());
  if (known === undefined) throw vaultFault("invalid", { name: "kty", why: `It must be one of ${types.join(", ")}.` });
  return known;
};

export const readCurve = (value: unknown): Curve => {
  const asked = textOf(value ?? "P-256").toUpperCase();
  const name = asked === "SECP256K1" ? "P-256K" : asked;
  if (!(name in namedCurve))
    throw vaultFault("invalid", { name: "crv", why: `It must be one of ${Object.keys(namedCurve).join(", ")}.` });
  return name as Curve;
};

/** `key_ops` of a body, else all that the kind of key can do. @throws Fault 400 */
export const readOperations = (value: unknown, type: KeyType): readonly string[] => {
  if (value === undefined || value === null) return operations[familyOf(type)];
  const asked = listOf(value).map((each) => textOf(each));
  const known = asked.map((each) => allOperations.find((name) => name.toLowerCase() === each.toLowerCase()));
  if (!Array.isArray(value) || known.includes(undefined))
    throw vaultFault("invalid", { name: "key_ops", why: `It takes ${allOperations.join(", ")}.` });
  return known.filter((name) => name !== undefined);
};

export interface KeyWish {
  readonly type: KeyType;
  readonly size: number | undefined;
  readonly exponent: number | undefined;
  readonly curve: Curve;
}

const sizes: Readonly<Record<Family, readonly number[]>> = { RSA: [2048, 3072, 4096], EC: [], oct: [128, 192, 256] };

/** @throws Fault 400 */
export const readWish = (body: JsonObject): KeyWish => {
  const type = readType(body["kty"]);
  const size = body["key_size"] ?? undefined;
  const family = familyOf(type);
  if (family !== "EC" && size !== undefined && (typeof size !== "number" || !sizes[family].includes(size)))
    throw vaultFault("invalid", { name: "key_size", why: `It must be one of ${sizes[family].join(", ")}.` });
  const exponent = body["public_exponent"] ?? undefined;
  if (exponent !== undefined && exponent !== 3 && exponent !== 65_537)
    throw vaultFault("invalid", { name: "public_exponent", why: "It must be 3 or 65537." });
  return { type, size: typeof size === "number" ? size : undefined, exponent, curve: readCurve(body["crv"]) };
};

export const makeKey = async (wish: KeyWish, ids: Ids): Promise<Material> => {
  switch (familyOf(wish.type)) {
    case "RSA": {
      const { privateKey } = await generate("rsa", {
        modulusLength: wish.size ?? 2048,
        publicExponent: wish.exponent ?? 65_537,
      });
      return materialOf(privateKey, wish.type);
    }
    case "EC": {
      const { privateKey } = await generate("ec", { namedCurve: namedCurve[wish.curve] });
      return materialOf(privateKey, wish.type);
    }
    case "oct":
      return { jwk: { kty: wish.type }, secret: ids.bytes((wish.size ?? 256) / 8).toString("base64") };
  }
};

/** A private key of Node's as a version keeps it. */
export const materialOf = (key: KeyObject, type: KeyType): Material => {
  const { n, e, crv, x, y } = createPublicKey(key).export({ format: "jwk" });
  const open = familyOf(type) === "RSA" ? { n, e } : { crv: crv === "secp256k1" ? "P-256K" : crv, x, y };
  return {
    jwk: { kty: type, ...open },
    secret: key.export({ format: "der", type: "pkcs8" }).toString("base64"),
  };
};

/** A JWK that a client brings. @throws Fault 400; its words never quote the key */
export const importKey = (value: unknown): Material => {
  if (!isObject(value)) throw vaultFault("required", { name: "key" });
  const type = readType(value["kty"]);
  if (value["key_hsm"] !== undefined && value["key_hsm"] !== null)
    throw vaultFault("invalid", { name: "key.key_hsm", why: "Lanyard has no HSM whose transfer keys it could open." });
  if (familyOf(type) === "oct") {
    const bytes = Buffer.from(textOf(value["k"]), "base64url");
    if (![16, 24, 32].includes(bytes.length))
      throw vaultFault("invalid", { name: "key.k", why: "It must have 16, 24 or 32 bytes." });
    return { jwk: { kty: type }, secret: bytes.toString("base64") };
  }
  const { n, e, d, p, q, dp, dq, qi, x, y } = value;
  const curve = familyOf(type) === "EC" ? readCurve(value["crv"]) : undefined;
  const jwk =
    curve === undefined
      ? { kty: "RSA", n, e, d, p, q, dp, dq, qi }
      : { kty: "EC", crv: curve === "P-256K" ? "secp256k1" : curve, x, y, d };
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: jwk as JsonWebKey, format: "jwk" });
  } catch {
    throw vaultFault("invalid", { name: "key", why: "It is no complete private key of its kind." });
  }
  if (curve === undefined && !sizes.RSA.includes(key.asymmetricKeyDetails?.modulusLength ?? 0))
    throw vaultFault("invalid", { name: "key.n", why: `RSA keys have ${sizes.RSA.join(", ")} bits.` });
  return materialOf(key, type);
};

/** Private and public key of a version, ready to use. */
export interface UsableKey {
  readonly family: Family;
  readonly type: string;
  readonly curve: Curve | undefined;
  /** The private or symmetric key. */
  readonly secret: KeyObject;
  /** Undefined for symmetric keys. */
  readonly open: KeyObject | undefined;
}

const read = (version: VersionRecord): UsableKey => {
  const { kty, crv } = version.open ?? {};
  const type = textOf(kty);
  const family = familyOf(type);
  const bytes = Buffer.from(version.value ?? "", "base64");
  if (family === "oct") return { family, type, curve: undefined, secret: createSecretKey(bytes), open: undefined };
  const secret = createPrivateKey({ key: bytes, format: "der", type: "pkcs8" });
  return { family, type, curve: family === "EC" ? readCurve(crv) : undefined, secret, open: createPublicKey(secret) };
};

const remembered = 200;

/** Keys parsed before: reading one costs as much as using it. A version's key never changes. */
export const keyCache = (): ((uid: string, version: VersionRecord) => UsableKey) => {
  const known = new Map<string, UsableKey>();
  return (uid, version) => {
    const id = `${uid}/${version.name.toLowerCase()}/${version.version}`;
    const found = known.get(id);
    if (found !== undefined) return found;
    const key = read(version);
    if (known.size >= remembered) known.delete(known.keys().next().value ?? "");
    known.set(id, key);
    return key;
  };
};
