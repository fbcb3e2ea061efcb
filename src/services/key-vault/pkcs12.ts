/**
 * PKCS #12 (RFC 7292): what a certificate's secret is, and what clients import. Written without encryption under an empty
 * password, as Key Vault gives it out; read with the schemes of RFC 8018 (PBES2 with AES, what every tool of today writes)
 * and 3DES. A container only: certificates are made by @peculiar/x509, keys and ciphers are Node's. Rounds are bounded,
 * because the client names their number.
 */
import { createDecipheriv, createHash, createHmac, pbkdf2, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { children, element, encode, integer, isOid, Malformed, type Node, oid, tags } from "./der.ts";

const derive = promisify(pbkdf2);

const data = "1.2.840.113549.1.7.1";
const encryptedData = "1.2.840.113549.1.7.6";
const bag = "1.2.840.113549.1.12.10.1";
const x509Certificate = "1.2.840.113549.1.9.22.1";
const localKeyId = "1.2.840.113549.1.9.21";
const pbes2 = "1.2.840.113549.1.5.13";
const pbkdf2Oid = "1.2.840.113549.1.5.12";
const tripleDes = "1.2.840.113549.1.12.1.3";
/** Rounds of PBKDF2 run beside the event loop, those of PKCS #12 itself on it. */
const mostRounds = 1_000_000;
const mostOwnRounds = 100_000;
/** Exporters write two, the certificates and the key; each may take its full number of rounds. */
const mostEncrypted = 4;

export interface Bundle {
  /** PKCS #8, DER; undefined when the key must not leave the vault. */
  readonly key: Buffer | undefined;
  /** DER, the key's own first. */
  readonly certificates: readonly Buffer[];
}

const contentInfo = (safe: Buffer): Buffer =>
  encode(tags.sequence, oid(data), encode(tags.explicit0, encode(tags.octets, safe)));

export const writePkcs12 = ({ key, certificates }: Bundle): Buffer => {
  const id = createHash("sha1")
    .update(certificates[0] ?? Buffer.alloc(0))
    .digest();
  const attributes = encode(
    tags.set,
    encode(tags.sequence, oid(localKeyId), encode(tags.set, encode(tags.octets, id))),
  );
  const bags = certificates.map((certificate, at) =>
    encode(
      tags.sequence,
      oid(`${bag}.3`),
      encode(
        tags.explicit0,
        encode(tags.sequence, oid(x509Certificate), encode(tags.explicit0, encode(tags.octets, certificate))),
      ),
      ...(at === 0 && key !== undefined ? [attributes] : []),
    ),
  );
  if (key !== undefined) bags.unshift(encode(tags.sequence, oid(`${bag}.1`), encode(tags.explicit0, key), attributes));
  const safe = encode(tags.sequence, contentInfo(encode(tags.sequence, ...bags)));
  return encode(tags.sequence, integer(3), contentInfo(safe), macOf(safe));
};

/** Readers want a MAC even under an empty password. The salt is fixed: with that password it protects
 * nothing. One round is the default, which DER leaves out. */
const macOf = (safe: Buffer): Buffer => {
  const salt = createHash("sha256").update(safe).digest().subarray(0, 8);
  const key = keyOf(secretOf(""), salt, 1, 3, 32, "sha256");
  const mac = createHmac("sha256", key).update(safe).digest();
  const algorithm = encode(tags.sequence, oid("2.16.840.1.101.3.4.2.1"), encode(tags.empty));
  return encode(tags.sequence, encode(tags.sequence, algorithm, encode(tags.octets, mac)), encode(tags.octets, salt));
};

/** Password as BMPString with its two zero bytes (RFC 7292, B.1). */
const secretOf = (password: string): Buffer => Buffer.from(`${password}\0`, "utf16le").swap16();

/** Key derivation of PKCS #12 itself (RFC 7292, B.2). */
const keyOf = (secret: Buffer, salt: Buffer, rounds: number, id: 1 | 2 | 3, size: number, hash: string): Buffer => {
  const block = hash === "sha384" || hash === "sha512" ? 128 : 64;
  const fill = (source: Buffer): Buffer =>
    source.length === 0 ? source : Buffer.alloc(block * Math.ceil(source.length / block), source);
  const input = Buffer.concat([fill(salt), fill(secret)]);
  const parts: Buffer[] = [];
  for (let made = 0; made < size;) {
    let digest = createHash(hash).update(Buffer.alloc(block, id)).update(input).digest();
    for (let round = 1; round < rounds; round++) digest = createHash(hash).update(digest).digest();
    parts.push(digest);
    made += digest.length;
    const adder = Buffer.alloc(block, digest);
    for (let start = 0; start < input.length; start += block) {
      let carry = 1;
      for (let at = block - 1; at >= 0; at--) {
        const sum = (input[start + at] ?? 0) + (adder[at] ?? 0) + carry;
        input[start + at] = sum & 0xff;
        carry = sum >> 8;
      }
    }
  }
  return Buffer.concat(parts).subarray(0, size);
};

const inside = (node: Node): readonly Node[] => children(node.value);

const sequenceAt = (nodes: readonly Node[], at: number): readonly Node[] => inside(element(nodes, at, tags.sequence));

const roundsAt = (nodes: readonly Node[], at: number, most: number): number => {
  const { value } = element(nodes, at, tags.integer);
  const rounds = value.length > 4 ? Number.MAX_SAFE_INTEGER : Number(`0x${value.toString("hex") || "0"}`);
  if (rounds < 1 || rounds > most) throw new Malformed(`Its derivation takes more than ${most} rounds.`);
  return rounds;
};

/** What is in a PFX. @throws Malformed for a wrong password, damage, or a scheme that is not read */
export const readPkcs12 = async (pfx: Buffer, password: string): Promise<Bundle> => {
  const top = sequenceAt(children(pfx), 0);
  const safe = octetsOf(sequenceAt(top, 1));
  if (top[2] !== undefined) checkMac(inside(top[2]), safe, password);
  let key: Buffer | undefined;
  const certificates: Buffer[] = [];
  let left = mostEncrypted;
  const spend = (): void => {
    if (left-- === 0) throw new Malformed(`It has more than ${mostEncrypted} encrypted parts.`);
  };
  for (const info of inside(element(children(safe), 0, tags.sequence))) {
    const parts = inside(info);
    if (isOid(parts[0], encryptedData)) spend();
    const content = isOid(parts[0], encryptedData) ? await opened(parts, password) : octetsOf(parts);
    for (const each of sequenceAt(children(content), 0).map(inside)) {
      const value = element(inside(element(each, 1, tags.explicit0)), 0, tags.sequence);
      if (isOid(each[0], `${bag}.1`)) key ??= value.raw;
      else if (isOid(each[0], `${bag}.2`) && key === undefined) {
        spend();
        const [algorithm, sealed] = [sequenceAt([value], 0), element(inside(value), 1, tags.octets)];
        key = await decrypted(inside(element(algorithm, 0, tags.sequence)), sealed.value, password);
      } else if (isOid(each[0], `${bag}.3`)) {
        const certificate = inside(value);
        if (isOid(certificate[0], x509Certificate))
          certificates.push(element(inside(element(certificate, 1, tags.explicit0)), 0, tags.octets).value);
      }
    }
  }
  return { key, certificates };
};

const octetsOf = (info: readonly Node[]): Buffer => {
  if (!isOid(info[0], data)) throw new Malformed("A part is neither plain nor encrypted under a password.");
  return element(inside(element(info, 1, tags.explicit0)), 0, tags.octets).value;
};

const opened = async (info: readonly Node[], password: string): Promise<Buffer> => {
  const encrypted = sequenceAt(sequenceAt(inside(element(info, 1, tags.explicit0)), 0), 1);
  return decrypted(sequenceAt(encrypted, 1), element(encrypted, 2, tags.implicit0).value, password);
};

const hashes: Readonly<Record<string, string>> = {
  "1.3.14.3.2.26": "sha1",
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

const pseudoRandom: Readonly<Record<string, string>> = {
  "1.2.840.113549.2.7": "sha1",
  "1.2.840.113549.2.9": "sha256",
  "1.2.840.113549.2.10": "sha384",
  "1.2.840.113549.2.11": "sha512",
};

const ciphers: Readonly<Record<string, readonly [name: string, key: number]>> = {
  "2.16.840.1.101.3.4.1.2": ["aes-128-cbc", 16],
  "2.16.840.1.101.3.4.1.22": ["aes-192-cbc", 24],
  "2.16.840.1.101.3.4.1.42": ["aes-256-cbc", 32],
  "1.2.840.113549.3.7": ["des-ede3-cbc", 24],
};

const chosen = <T>(table: Readonly<Record<string, T>>, node: Node | undefined): T => {
  const found = Object.keys(table).find((each) => isOid(node, each));
  const value = found === undefined ? undefined : table[found];
  if (value === undefined) throw new Malformed("It is encrypted in a way that is not read (RC2, for instance).");
  return value;
};

const checkMac = (mac: readonly Node[], safe: Buffer, password: string): void => {
  const info = sequenceAt(mac, 0);
  const hash = chosen(hashes, sequenceAt(info, 0)[0]);
  const wanted = element(info, 1, tags.octets).value;
  const rounds = mac[2] === undefined ? 1 : roundsAt(mac, 2, mostOwnRounds);
  const salt = element(mac, 1, tags.octets).value;
  const size = createHash(hash).digest().length;
  const found = createHmac(hash, keyOf(secretOf(password), salt, rounds, 3, size, hash))
    .update(safe)
    .digest();
  if (found.length !== wanted.length || !timingSafeEqual(found, wanted))
    throw new Malformed("The password is wrong, or the content is damaged.");
};

const decrypted = async (algorithm: readonly Node[], sealed: Buffer, password: string): Promise<Buffer> => {
  const parameters = sequenceAt(algorithm, 1);
  const open = (name: string, key: Buffer, iv: Buffer): Buffer => {
    try {
      const cipher = createDecipheriv(name, key, iv);
      return Buffer.concat([cipher.update(sealed), cipher.final()]);
    } catch {
      throw new Malformed("The password is wrong, or the content is damaged.");
    }
  };
  if (isOid(algorithm[0], tripleDes)) {
    const salt = element(parameters, 0, tags.octets).value;
    const rounds = roundsAt(parameters, 1, mostOwnRounds);
    const secret = secretOf(password);
    return open("des-ede3-cbc", keyOf(secret, salt, rounds, 1, 24, "sha1"), keyOf(secret, salt, rounds, 2, 8, "sha1"));
  }
  if (!isOid(algorithm[0], pbes2))
    throw new Malformed("It is encrypted in a way that is not read (RC2, for instance).");
  const [derivation, cipher] = [sequenceAt(parameters, 0), sequenceAt(parameters, 1)];
  if (!isOid(derivation[0], pbkdf2Oid)) throw new Malformed("Its key derivation is not read.");
  const [name, size] = chosen(ciphers, cipher[0]);
  const given = sequenceAt(derivation, 1);
  const prf = given.findLast(({ tag }) => tag === tags.sequence);
  const hash = prf === undefined ? "sha1" : chosen(pseudoRandom, inside(prf)[0]);
  const key = await derive(password, element(given, 0, tags.octets).value, roundsAt(given, 1, mostRounds), size, hash);
  return open(name, key, element(cipher, 1, tags.octets).value);
};
