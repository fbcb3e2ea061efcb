/**
 * The private half of RSA, as a port: it costs some hundred microseconds for 2048 bits and milliseconds for 4096, so a
 * tenant does it beside the thread that serves. Imports nothing but Node's own, so that a worker thread starts quickly.
 */
import { type KeyObject, privateDecrypt, privateEncrypt } from "node:crypto";

export interface RsaWork {
  /** `sign`: the raw operation under a signature's padding; `decrypt`: opens what the public key sealed. */
  readonly use: "sign" | "decrypt";
  /** One of `crypto.constants.RSA_*_PADDING`. */
  readonly padding: number;
  readonly oaepHash?: string;
  readonly value: Uint8Array;
}

/** Undefined: the value does not fit the key or its padding. Rejects when the work could not be done at all. */
export type PrivateRsa = (key: KeyObject, work: RsaWork) => Promise<Buffer | undefined>;

/** Does the work in the calling thread. */
export const privateRsaHere = (key: KeyObject, { use, padding, oaepHash, value }: RsaWork): Buffer | undefined => {
  try {
    return use === "sign"
      ? privateEncrypt({ key, padding }, value)
      : privateDecrypt({ key, padding, ...(oaepHash === undefined ? {} : { oaepHash }) }, value);
  } catch {
    // Why is nobody's business: reasons tell an attacker about the padding.
    return undefined;
  }
};
