/** What keys do: every algorithm of the service by name. https://learn.microsoft.com/azure/key-vault/keys/about-keys-details */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  type CipherGCM,
  type DecipherGCM,
  publicEncrypt,
} from "node:crypto";
import type { Ids } from "../../kernel/ids.ts";
import { type Curve, signEc, verifyEc } from "./ecdsa.ts";
import { vaultFault } from "./faults.ts";
import type { Family, UsableKey } from "./key-material.ts";
import type { PrivateRsa, RsaWork } from "./private-rsa.ts";
import { printable } from "./request.ts";
import { type HashName, hashLength, pkcs1Work, pssWork, verifyPkcs1, verifyPss } from "./rsa.ts";

interface SignatureAlgorithm {
  readonly family: Family;
  /** Undefined: RSNULL, which takes any short value. */
  readonly hash: HashName | undefined;
  readonly pss?: boolean;
  readonly curve?: Curve;
}

const signatures: Readonly<Record<string, SignatureAlgorithm>> = {
  RS256: { family: "RSA", hash: "sha256" },
  RS384: { family: "RSA", hash: "sha384" },
  RS512: { family: "RSA", hash: "sha512" },
  RSNULL: { family: "RSA", hash: undefined },
  PS256: { family: "RSA", hash: "sha256", pss: true },
  PS384: { family: "RSA", hash: "sha384", pss: true },
  PS512: { family: "RSA", hash: "sha512", pss: true },
  ES256: { family: "EC", hash: "sha256", curve: "P-256" },
  ES384: { family: "EC", hash: "sha384", curve: "P-384" },
  ES512: { family: "EC", hash: "sha512", curve: "P-521" },
  ES256K: { family: "EC", hash: "sha256", curve: "P-256K" },
};

const incompatible = (what: string, alg: string, key: UsableKey, family: Family | undefined): Error =>
  vaultFault("incompatible", {
    what,
    alg: printable(alg),
    type: key.type,
    needed: family === undefined ? "none that is known" : `'${family}' or '${family}-HSM'`,
  });

const signatureOf = (key: UsableKey, alg: string, digest: Buffer): SignatureAlgorithm => {
  const algorithm = Object.hasOwn(signatures, alg) ? signatures[alg] : undefined;
  if (algorithm?.family !== key.family || algorithm.curve !== key.curve)
    throw incompatible("signing", alg, key, algorithm?.family);
  const length = algorithm.hash === undefined ? undefined : hashLength[algorithm.hash];
  if (length !== undefined && digest.length !== length)
    throw vaultFault("digestLength", { length: digest.length, alg, wanted: length });
  return algorithm;
};

const badInput = (): Error => vaultFault("badInput");

/** What the algorithms are handed. */
export interface Means {
  readonly ids: Ids;
  readonly privateRsa: PrivateRsa;
}

const rsa = async (key: UsableKey, work: RsaWork, means: Means): Promise<Buffer> => {
  const done = await means.privateRsa(key.secret, work);
  if (done === undefined) throw badInput();
  return done;
};

/** Signs a digest. @throws Fault 400 */
export const sign = async (key: UsableKey, alg: string, digest: Buffer, means: Means): Promise<Buffer> => {
  const { hash, pss, curve } = signatureOf(key, alg, digest);
  if (curve !== undefined) return signEc(key.secret, curve, digest);
  const work =
    pss === true && hash !== undefined
      ? pssWork(key.secret, digest, hash, means.ids.bytes(hashLength[hash]))
      : pkcs1Work(digest, hash);
  return rsa(key, work, means);
};

export const verify = async (key: UsableKey, alg: string, digest: Buffer, signature: Buffer): Promise<boolean> => {
  const { hash, pss, curve } = signatureOf(key, alg, digest);
  const open = key.open ?? key.secret;
  if (curve !== undefined) return verifyEc(open, curve, digest, signature);
  return pss === true && hash !== undefined
    ? verifyPss(open, digest, signature, hash)
    : verifyPkcs1(open, digest, signature, hash);
};

/** What encrypt and decrypt take and give besides the value. */
export interface Sealed {
  readonly value: Buffer;
  readonly iv?: Buffer;
  readonly aad?: Buffer;
  readonly tag?: Buffer;
}

const paddings: Readonly<Record<string, { readonly padding: number; readonly oaepHash?: string }>> = {
  "RSA-OAEP": { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" },
  "RSA-OAEP-256": { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" },
  RSA1_5: { padding: constants.RSA_PKCS1_PADDING },
};

const symmetric = /^A(128|192|256)(GCM|CBC|CBCPAD|KW)$/;

interface Cipher {
  readonly name: string;
  readonly mode: "GCM" | "CBC" | "CBCPAD" | "KW";
}

const cipherOf = (key: UsableKey, alg: string): Cipher => {
  const [, bits = "", mode = ""] = symmetric.exec(alg) ?? [];
  if (key.family !== "oct" || Number(bits) / 8 !== key.secret.symmetricKeySize)
    throw incompatible("encryption", alg, key, bits === "" ? undefined : "oct");
  const name = mode === "KW" ? `id-aes${bits}-wrap` : `aes-${bits}-${mode === "GCM" ? "gcm" : "cbc"}`;
  return { name, mode: mode as Cipher["mode"] };
};

/** Initial value of RFC 3394. */
const wrapIv = Buffer.alloc(8, 0xa6);

/** Encrypts or wraps. @throws Fault 400 */
export const encrypt = (key: UsableKey, alg: string, { value, iv, aad }: Sealed, ids: Ids): Sealed => {
  const padding = Object.hasOwn(paddings, alg) ? paddings[alg] : undefined;
  try {
    if (padding !== undefined) {
      if (key.family !== "RSA" || key.open === undefined) throw incompatible("encryption", alg, key, "RSA");
      return { value: publicEncrypt({ key: key.open, ...padding }, value) };
    }
    const { name, mode } = cipherOf(key, alg);
    if (mode === "KW") return { value: Buffer.concat(through(createCipheriv(name, key.secret, wrapIv), value)) };
    if (mode === "GCM") {
      const nonce = ids.bytes(12);
      const cipher = createCipheriv(name, key.secret, nonce) as CipherGCM;
      if (aad !== undefined) cipher.setAAD(aad);
      const sealed = Buffer.concat(through(cipher, value));
      return { value: sealed, iv: nonce, tag: cipher.getAuthTag(), ...(aad === undefined ? {} : { aad }) };
    }
    const start = iv ?? ids.bytes(16);
    const cipher = createCipheriv(name, key.secret, start).setAutoPadding(mode === "CBCPAD");
    return { value: Buffer.concat(through(cipher, value)), iv: start };
  } catch (error) {
    throw faultOf(error);
  }
};

/** Decrypts or unwraps. @throws Fault 400 that tells nothing about why */
export const decrypt = async (key: UsableKey, alg: string, sealed: Sealed, means: Means): Promise<Buffer> => {
  const { value, iv, aad, tag } = sealed;
  const padding = Object.hasOwn(paddings, alg) ? paddings[alg] : undefined;
  if (padding !== undefined) {
    if (key.family !== "RSA") throw incompatible("encryption", alg, key, "RSA");
    return rsa(key, { use: "decrypt", ...padding, value }, means);
  }
  try {
    const { name, mode } = cipherOf(key, alg);
    if (mode === "KW") return Buffer.concat(through(createDecipheriv(name, key.secret, wrapIv), value));
    if (iv === undefined) throw vaultFault("required", { name: "iv" });
    if (mode === "GCM") {
      if (tag?.length !== 16) throw vaultFault("required", { name: "tag" });
      const decipher = createDecipheriv(name, key.secret, iv) as DecipherGCM;
      decipher.setAuthTag(tag);
      if (aad !== undefined) decipher.setAAD(aad);
      return Buffer.concat(through(decipher, value));
    }
    return Buffer.concat(through(createDecipheriv(name, key.secret, iv).setAutoPadding(mode === "CBCPAD"), value));
  } catch (error) {
    throw faultOf(error);
  }
};

const through = (
  cipher: { update(data: Buffer): Buffer; final(): Buffer },
  value: Buffer,
): readonly [Buffer, Buffer] => [cipher.update(value), cipher.final()];

const faultOf = (error: unknown): Error => (error instanceof Error && error.name === "Fault" ? error : badInput());
