/** Entry of a thread of `rsa-pool.ts`: private RSA operations, one after the other. */
import type { KeyObject } from "node:crypto";
import { parentPort } from "node:worker_threads";
import { privateRsaHere, type RsaWork } from "./services/key-vault/private-rsa.ts";

/** What the pool sends. A key crosses once and goes by its number from then on. */
export type RsaPacket =
  | { readonly learn: number; readonly key: KeyObject }
  | { readonly forget: number }
  | { readonly id: number; readonly with: number; readonly work: RsaWork };

export interface RsaAnswer {
  readonly id: number;
  /** Undefined: the value does not fit. */
  readonly value: Uint8Array | undefined;
}

const port = parentPort;
if (port === null) throw new Error("This module runs in a worker thread.");

const keys = new Map<number, KeyObject>();

port.on("message", (packet: RsaPacket) => {
  if ("learn" in packet) keys.set(packet.learn, packet.key);
  else if ("forget" in packet) keys.delete(packet.forget);
  else {
    const key = keys.get(packet.with);
    if (key === undefined) throw new Error("The pool named a key that it did not send.");
    port.postMessage({ id: packet.id, value: privateRsaHere(key, packet.work) } satisfies RsaAnswer);
  }
});
