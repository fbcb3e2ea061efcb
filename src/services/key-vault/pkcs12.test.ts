import { createCipheriv, pbkdf2Sync } from "node:crypto";
import { expect, it } from "vitest";
import { encode, integer, oid, tags } from "./der.ts";
import { readPkcs12 } from "./pkcs12.ts";

const sequence = (...parts: readonly Buffer[]): Buffer => encode(tags.sequence, ...parts);
const octets = (value: Buffer): Buffer => encode(tags.octets, value);

/** An encrypted part without anything in it, as RFC 8018 writes it. */
const encrypted = (password: string): Buffer => {
  const [salt, iv] = [Buffer.alloc(8, 1), Buffer.alloc(16, 2)];
  const cipher = createCipheriv("aes-128-cbc", pbkdf2Sync(password, salt, 2, 16, "sha1"), iv);
  const sealed = Buffer.concat([cipher.update(sequence()), cipher.final()]);
  const derivation = sequence(oid("1.2.840.113549.1.5.12"), sequence(octets(salt), integer(2)));
  const scheme = sequence(oid("2.16.840.1.101.3.4.1.2"), octets(iv));
  const algorithm = sequence(oid("1.2.840.113549.1.5.13"), sequence(derivation, scheme));
  const content = sequence(oid("1.2.840.113549.1.7.1"), algorithm, encode(tags.implicit0, sealed));
  return sequence(oid("1.2.840.113549.1.7.6"), encode(tags.explicit0, sequence(integer(0), content)));
};

const pfx = (parts: number): Buffer => {
  const safe = sequence(...Array.from({ length: parts }, () => encrypted("p")));
  return sequence(integer(3), sequence(oid("1.2.840.113549.1.7.1"), encode(tags.explicit0, octets(safe))));
};

it("a PFX of many encrypted parts is refused, however few rounds one of them takes", async () => {
  expect(await readPkcs12(pfx(2), "p")).toEqual({ key: undefined, certificates: [] });
  await expect(readPkcs12(pfx(400), "p")).rejects.toThrow("more than 4 encrypted parts");
});
