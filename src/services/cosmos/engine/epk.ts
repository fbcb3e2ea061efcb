/**
 * Effective partition keys: the hash that orders items and that feed ranges are made of, as the SDKs compute it
 * (cosmos.md 12; @azure/cosmos `hashing/`).
 */
import { murmur128, murmur32 } from "./murmur.ts";
import type { KeyValues } from "./records.ts";
import type { PartitionKeyDefinition } from "./records.ts";

type Component = KeyValues[number];

const number64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
};

const hashBytes = (value: Component, terminator: number): Buffer => {
  switch (typeof value) {
    case "undefined":
      return Buffer.of(0x00);
    case "boolean":
      return Buffer.of(value ? 0x03 : 0x02);
    case "number":
      return Buffer.concat([Buffer.of(0x05), number64(value)]);
    case "string":
      return Buffer.concat([Buffer.of(0x08), Buffer.from(value, "utf8"), Buffer.of(terminator)]);
    default:
      return Buffer.of(0x01);
  }
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").toUpperCase();

const version2 = (values: KeyValues): string => {
  const hash = murmur128(Buffer.concat(values.map((value) => hashBytes(value, 0xff)))).reverse();
  hash[0] = (hash[0] ?? 0) & 0x3f;
  return hex(hash);
};

/** A number so that the bytes sort as the numbers do: seven bits in each byte after the first. */
const orderedNumber = (value: number): number[] => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  const bits = bytes.readBigUInt64BE();
  const sign = 1n << 63n;
  let rest = bits < sign ? bits ^ sign : BigInt.asUintN(64, ~bits + 1n);
  const out = [0x05, Number(rest >> 56n)];
  rest = BigInt.asUintN(64, rest << 8n);
  while (rest !== 0n) {
    out.push((Number(rest >> 56n) & 0xfe) | 0x01);
    rest = BigInt.asUintN(64, rest << 7n);
  }
  out.push((out.pop() ?? 0) & 0xfe);
  return out;
};

const orderedBytes = (value: Component): number[] => {
  if (typeof value === "number") return orderedNumber(value);
  if (typeof value !== "string") return [...hashBytes(value, 0)];
  return [0x08, ...Array.from(Buffer.from(value, "utf8"), (byte) => (byte < 0xff ? byte + 1 : byte)), 0x00];
};

const version1 = (values: KeyValues): string => {
  const cut = values.map((value) => (typeof value === "string" ? value.slice(0, 100) : value));
  const hash = murmur32(Buffer.concat(cut.map((value) => hashBytes(value, 0x00))));
  return hex(Uint8Array.from([...orderedNumber(hash), ...cut.flatMap(orderedBytes)]));
};

export interface HashedKey {
  readonly epk: string;
  /** The values as JSON, `{}` for undefined. Different values have different texts: `keyValue` lets no -0 and no Infinity in. */
  readonly text: string;
}

const known = new Map<string, HashedKey>();

/** A key's EPK; of a partial key of several levels the beginning that all below it share. */
export const hashedKey = (values: KeyValues, { kind, version }: PartitionKeyDefinition): HashedKey => {
  const text = JSON.stringify(values.map((value) => (value === undefined ? {} : value)));
  const name = `${kind}${version}${text}`;
  const found = known.get(name);
  if (found !== undefined) return found;
  const epk =
    kind === "MultiHash"
      ? values.map((value) => version2([value])).join("")
      : version === 2
        ? version2(values)
        : version1(values);
  if (known.size >= 10_000) known.clear();
  const hashed = { epk, text };
  known.set(name, hashed);
  return hashed;
};

export const effectivePartitionKey = (values: KeyValues, definition: PartitionKeyDefinition): string =>
  hashedKey(values, definition).epk;
