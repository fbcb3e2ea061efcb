/**
 * Sealed members: AES-256-GCM with a random nonce per value, bound to the place where the value is stored, so that a
 * sealed text copied to another entry does not open. Protects copies and backups of the state, not a running tenant.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** Where a sealed value lives: collection, partition, key, member. */
export type Place = readonly [collection: string, partition: string, key: string, member: string];

export interface Sealer {
  seal(place: Place, plaintext: string): string;
  /** @throws Unsealable */
  open(place: Place, sealed: string): string;
}

/** A sealed value that does not open: another key, another place, or damage. */
export class Unsealable extends Error {
  constructor(place: Place) {
    const [collection, , key, member] = place;
    super(
      `The sealed member "${member}" of "${key}" in "${collection}" does not open: the key file is not the one it was ` +
        "written with, or the stored text was changed. Restore the key file that belongs to this state.",
    );
    this.name = "Unsealable";
  }
}

const VERSION = "s1.";
const NONCE = 12;
const TAG = 16;

/** A sealer over a 32-byte key. The text is `s1.` and base64 of nonce, ciphertext and tag. */
export const sealerOf = (key: Uint8Array): Sealer => {
  if (key.length !== 32) throw new TypeError(`The sealing key has ${key.length} bytes; AES-256 needs 32.`);
  const own = Buffer.from(key);
  return {
    seal: (place, plaintext) => {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv("aes-256-gcm", own, nonce, { authTagLength: TAG });
      cipher.setAAD(Buffer.from(JSON.stringify(place)));
      const text = Buffer.concat([nonce, cipher.update(plaintext, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return VERSION + text.toString("base64");
    },
    open: (place, sealed) => {
      try {
        if (!sealed.startsWith(VERSION)) throw new Unsealable(place);
        const text = Buffer.from(sealed.slice(VERSION.length), "base64");
        const tagAt = text.length - TAG;
        const decipher = createDecipheriv("aes-256-gcm", own, text.subarray(0, NONCE), { authTagLength: TAG });
        decipher.setAAD(Buffer.from(JSON.stringify(place)));
        decipher.setAuthTag(text.subarray(tagAt));
        return decipher.update(text.subarray(NONCE, tagAt), undefined, "utf8") + decipher.final("utf8");
      } catch {
        throw new Unsealable(place);
      }
    },
  };
};
