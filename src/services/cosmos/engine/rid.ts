/** Resource ids: base64 with `-` for `/`; 4 bytes for a database, 8 for a container, 16 below one (cosmos.md 6). */
import type { Ids } from "../../../kernel/ids.ts";

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replaceAll("/", "-");
const decode = (rid: string): Buffer => Buffer.from(rid.replaceAll("-", "/"), "base64");

export const databaseRid = (ids: Ids): string => encode(ids.bytes(4));

/** The first own byte is 0x80 or more, or clients take the container for a user. */
export const containerRid = (database: string, ids: Ids): string => {
  const own = ids.bytes(4);
  own[0] = (own[0] ?? 0) | 0x80;
  return encode(Buffer.concat([decode(database), own]));
};

/** Below 0x80, or clients take the user for a container. */
export const userRid = (database: string, ids: Ids): string => {
  const own = ids.bytes(4);
  own[0] = (own[0] ?? 0) & 0x7f;
  return encode(Buffer.concat([decode(database), own]));
};

export const permissionRid = (user: string, ids: Ids): string => encode(Buffer.concat([decode(user), ids.bytes(8)]));

/** Kinds of things below a container, as the high half of the last byte. */
export const itemRid = (container: string, order: number): string => child(container, order, 0);
export const scriptRid = (container: string, number: number, segment: "sprocs" | "triggers" | "udfs"): string =>
  child(container, number, { sprocs: 8, triggers: 7, udfs: 6 }[segment]);
export const rangeRid = (container: string): string => child(container, 2, 5);

const child = (container: string, number: number, kind: number): string => {
  const own = Buffer.alloc(8);
  own.writeBigUInt64LE(BigInt(number));
  own[7] = ((own[7] ?? 0) & 0x0f) | (kind << 4);
  return encode(Buffer.concat([decode(container), own]));
};

export const looksLikeRid = (text: string): boolean => /^(?:[A-Za-z0-9+-]{6}==|[A-Za-z0-9+-]{11}=)$/.test(text);

export const looksLikeChildRid = (text: string): boolean => /^[A-Za-z0-9+-]{22}==$/.test(text);

/** Ever larger numbers that follow the clock: 4096 per millisecond, below 2^53. */
export const orderSource = (wall: () => number): (() => number) => {
  const since = Date.UTC(2024, 0, 1);
  let last = 0;
  return () => {
    last = Math.max(last + 1, (wall() - since) * 4096);
    return last;
  };
};
