/**
 * CRC-64/NVME as Storage uses it: reflected polynomial 0x9A6C9329AC4BC9B5, initial value and final xor all ones, written
 * as little-endian base64 (storage.md 6.4; test vector there). Two 32-bit halves, as BigInt would be a hundred times slower.
 */
const low = new Uint32Array(256);
const high = new Uint32Array(256);

for (let byte = 0; byte < 256; byte++) {
  let lo = byte;
  let hi = 0;
  for (let bit = 0; bit < 8; bit++) {
    const carry = lo & 1;
    lo = ((lo >>> 1) | (hi << 31)) >>> 0;
    hi >>>= 1;
    if (carry === 1) {
      lo = (lo ^ 0xac4bc9b5) >>> 0;
      hi = (hi ^ 0x9a6c9329) >>> 0;
    }
  }
  low[byte] = lo;
  high[byte] = hi;
}

export interface Crc64 {
  update(bytes: Uint8Array): Crc64;
  /** Base64. */
  digest(): string;
}

export const crc64 = (): Crc64 => {
  let lo = 0xffffffff;
  let hi = 0xffffffff;
  const sum: Crc64 = {
    update: (bytes) => {
      for (const byte of bytes) {
        const index = (lo ^ byte) & 0xff;
        lo = (((lo >>> 8) | (hi << 24)) ^ (low[index] ?? 0)) >>> 0;
        hi = ((hi >>> 8) ^ (high[index] ?? 0)) >>> 0;
      }
      return sum;
    },
    digest: () => {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32LE((lo ^ 0xffffffff) >>> 0, 0);
      bytes.writeUInt32LE((hi ^ 0xffffffff) >>> 0, 4);
      return bytes.toString("base64");
    },
  };
  return sum;
};
