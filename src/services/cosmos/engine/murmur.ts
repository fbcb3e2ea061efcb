/** MurmurHash3 with seed 0, as the partition key hash uses it. */
const mask64 = (1n << 64n) - 1n;
const rotate64 = (value: bigint, by: bigint): bigint => ((value << by) | (value >> (64n - by))) & mask64;
const mix64 = (value: bigint): bigint => {
  let k = value ^ (value >> 33n);
  k = (k * 0xff51afd7ed558ccdn) & mask64;
  k ^= k >> 33n;
  k = (k * 0xc4ceb9fe1a85ec53n) & mask64;
  return k ^ (k >> 33n);
};
const c1 = 0x87c37b91114253d5n;
const c2 = 0x4cf5ad432745937fn;

const tail64 = (bytes: Buffer, start: number, end: number): bigint => {
  let value = 0n;
  for (let at = Math.min(end, bytes.length) - 1; at >= start; at--) value = (value << 8n) | BigInt(bytes[at] ?? 0);
  return value;
};

/** x64, 128 bits: both halves little-endian. */
export const murmur128 = (bytes: Buffer): Buffer => {
  let h1 = 0n;
  let h2 = 0n;
  const blocks = bytes.length >> 4;
  const scramble1 = (k: bigint): bigint => (rotate64((k * c1) & mask64, 31n) * c2) & mask64;
  const scramble2 = (k: bigint): bigint => (rotate64((k * c2) & mask64, 33n) * c1) & mask64;
  for (let block = 0; block < blocks; block++) {
    h1 ^= scramble1(bytes.readBigUInt64LE(block * 16));
    h1 = ((rotate64(h1, 27n) + h2) * 5n + 0x52dce729n) & mask64;
    h2 ^= scramble2(bytes.readBigUInt64LE(block * 16 + 8));
    h2 = ((rotate64(h2, 31n) + h1) * 5n + 0x38495ab5n) & mask64;
  }
  const start = blocks * 16;
  if (bytes.length > start + 8) h2 ^= scramble2(tail64(bytes, start + 8, start + 16));
  if (bytes.length > start) h1 ^= scramble1(tail64(bytes, start, start + 8));
  const length = BigInt(bytes.length);
  h1 ^= length;
  h2 ^= length;
  h1 = (h1 + h2) & mask64;
  h2 = (h2 + h1) & mask64;
  h1 = mix64(h1);
  h2 = mix64(h2);
  h1 = (h1 + h2) & mask64;
  h2 = (h2 + h1) & mask64;
  const out = Buffer.alloc(16);
  out.writeBigUInt64LE(h1, 0);
  out.writeBigUInt64LE(h2, 8);
  return out;
};

const rotate32 = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
const scramble32 = (k: number): number => Math.imul(rotate32(Math.imul(k, 0xcc9e2d51), 15), 0x1b873593);

/** x86, 32 bits, unsigned. */
export const murmur32 = (bytes: Buffer): number => {
  let h = 0;
  const whole = bytes.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    h ^= scramble32(bytes.readInt32LE(at));
    h = (Math.imul(rotate32(h, 13), 5) + 0xe6546b64) | 0;
  }
  let k = 0;
  for (let at = bytes.length - 1; at >= whole; at--) k = (k << 8) | (bytes[at] ?? 0);
  if (bytes.length > whole) h ^= scramble32(k);
  h ^= bytes.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};
