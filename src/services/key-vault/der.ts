/** DER, as far as PKCS #12 needs it: a writer, and a reader that trusts no length it reads. */
export interface Node {
  readonly tag: number;
  /** Contents octets. */
  readonly value: Buffer;
  /** The whole encoding. */
  readonly raw: Buffer;
}

export const tags = {
  integer: 0x02,
  octets: 0x04,
  empty: 0x05,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  explicit0: 0xa0,
  implicit0: 0x80,
} as const;

export const encode = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const size: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest % 256);
  return Buffer.concat([Buffer.of(tag, 0x80 | size.length, ...size), content]);
};

export const oid = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left % 128) | 0x80);
    bytes.push(...groups);
  }
  return encode(tags.oid, Buffer.from(bytes));
};

export const integer = (value: number): Buffer => encode(tags.integer, Buffer.of(value));

/** Not DER, cut off, or not what was expected there. */
export class Malformed extends Error {}

/** Elements of a constructed value, one level deep. Indefinite lengths (BER) are refused. @throws Malformed */
export const children = (bytes: Buffer): readonly Node[] => {
  const found: Node[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0;
    let length = bytes[at + 1] ?? -1;
    let start = at + 2;
    if (length > 0x80) {
      const size = length & 0x7f;
      if (size > 4 || start + size > bytes.length) throw new Malformed("A length is too long.");
      length = bytes.readUIntBE(start, size);
      start += size;
    } else if (length === 0x80 || length === -1) throw new Malformed("A length is missing.");
    const end = start + length;
    if (end > bytes.length) throw new Malformed("An element ends outside its parent.");
    found.push({ tag, value: bytes.subarray(start, end), raw: bytes.subarray(at, end) });
    at = end;
  }
  return found;
};

/** The element at a place, of an expected kind. @throws Malformed */
export const element = (nodes: readonly Node[], at: number, tag: number): Node => {
  const found = nodes[at];
  if (found?.tag !== tag) throw new Malformed(`Element ${at} is not of tag ${tag}.`);
  return found;
};

export const isOid = (node: Node | undefined, dotted: string): boolean => node?.raw.equals(oid(dotted)) === true;
