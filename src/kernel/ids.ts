import { randomBytes, randomUUID } from "node:crypto";

/** Where new identifiers and secrets come from; handed to services so that tests can make them predictable. */
export interface Ids {
  guid(): string;
  /** `bytes` random bytes. */
  bytes(bytes: number): Buffer;
}

export const randomIds: Ids = { guid: () => randomUUID(), bytes: (count) => randomBytes(count) };
