/**
 * RSA signatures over a digest that the client made: Node signs messages only, so the encodings of RFC 8017 stand here on
 * top of its raw RSA. The encryption schemes are Node's own.
 */
import { constants, createHash, type KeyObject, publicDecrypt, timingSafeEqual } from "node:crypto";
import type { RsaWork } from "./private-rsa.ts";

export type HashName = "sha256" | "sha384" | "sha512";

export const hashLength: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

/** DER of DigestInfo up to the digest (RFC 8017, 9.2, note 1). */
const digestInfo: Readonly<Record<HashName, Buffer>> = {
  sha256: Buffer.from("3031300d060960864801650304020105000420", "hex"),
  sha384: Buffer.from("3041300d060960864801650304020205000430", "hex"),
  sha512: Buffer.from("3051300d060960864801650304020305000440", "hex"),
};

/** RSASSA-PKCS1-v1_5, up to the private operation; without a hash the value is signed as it is (RSNULL). */
export const pkcs1Work = (digest: Buffer, hash: HashName | undefined): RsaWork => ({
  use: "sign",
  padding: constants.RSA_PKCS1_PADDING,
  value: hash === undefined ? digest : Buffer.concat([digestInfo[hash], digest]),
});

export const verifyPkcs1 = (key: KeyObject, digest: Buffer, signature: Buffer, hash: HashName | undefined): boolean => {
  const found = opened(key, signature, constants.RSA_PKCS1_PADDING);
  const wanted = hash === undefined ? digest : Buffer.concat([digestInfo[hash], digest]);
  return found !== undefined && equal(found, wanted);
};

const bitsOf = (key: KeyObject): number => key.asymmetricKeyDetails?.modulusLength ?? 0;

/** RSASSA-PSS with a salt as long as the hash (RFC 8017, 9.1.1), up to the private operation. */
export const pssWork = (key: KeyObject, digest: Buffer, hash: HashName, salt: Buffer): RsaWork => {
  const bits = bitsOf(key) - 1;
  const length = Math.ceil(bits / 8);
  const inner = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest();
  const data = Buffer.concat([Buffer.alloc(length - salt.length - inner.length - 2), Buffer.of(1), salt]);
  const masked = xor(data, mask(inner, data.length, hash));
  masked[0] = (masked[0] ?? 0) & (0xff >> (8 * length - bits));
  return { use: "sign", padding: constants.RSA_NO_PADDING, value: Buffer.concat([masked, inner, Buffer.of(0xbc)]) };
};

/** RFC 8017, 9.1.2. */
export const verifyPss = (key: KeyObject, digest: Buffer, signature: Buffer, hash: HashName): boolean => {
  const bits = bitsOf(key) - 1;
  const length = Math.ceil(bits / 8);
  const size = hashLength[hash];
  const encoded = opened(key, signature, constants.RSA_NO_PADDING)?.subarray(-length);
  if (encoded === undefined || encoded.length < 2 * size + 2 || encoded.at(-1) !== 0xbc) return false;
  const masked = encoded.subarray(0, length - size - 1);
  const inner = encoded.subarray(length - size - 1, length - 1);
  const first = 0xff >> (8 * length - bits);
  if (((masked[0] ?? 0) & ~first) !== 0) return false;
  const data = xor(masked, mask(inner, masked.length, hash));
  data[0] = (data[0] ?? 0) & first;
  const saltAt = data.length - size;
  if (data[saltAt - 1] !== 1 || data.subarray(0, saltAt - 1).some((byte) => byte !== 0)) return false;
  const salt = data.subarray(saltAt);
  return equal(inner, createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest());
};

/** MGF1. */
const mask = (seed: Buffer, length: number, hash: HashName): Buffer => {
  const parts: Buffer[] = [];
  for (let counter = 0; counter * hashLength[hash] < length; counter++) {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(counter);
    parts.push(createHash(hash).update(seed).update(number).digest());
  }
  return Buffer.concat(parts).subarray(0, length);
};

const xor = (one: Buffer, other: Buffer): Buffer => Buffer.from(one.map((byte, at) => byte ^ (other[at] ?? 0)));

const equal = (one: Buffer, other: Buffer): boolean => one.length === other.length && timingSafeEqual(one, other);

const opened = (key: KeyObject, signature: Buffer, padding: number): Buffer | undefined => {
  try {
    return publicDecrypt({ key, padding }, signature);
  } catch {
    // Too long, too large or not padded: no signature of this key.
    return undefined;
  }
};
