/** Calls between two threads: each side offers methods and calls the other's. */
import type { MessagePort } from "node:worker_threads";

export type Methods = Readonly<Record<string, (...args: never[]) => unknown>>;

type Packet =
  | { readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

export type Call = (method: string, ...args: readonly unknown[]) => Promise<unknown>;

export interface Channel {
  readonly call: Call;
  /** Fails calls that wait for an answer; for a thread that ended. */
  fail(reason: string): void;
}

/** What a Worker and a MessagePort have in common. */
export interface Port {
  postMessage(value: unknown): void;
  on(event: "message", listener: (packet: Packet) => void): unknown;
}

export const channel = (port: Port | MessagePort, methods: Methods): Channel => {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let next = 0;

  const answer = async (id: number, method: string, args: readonly unknown[]): Promise<void> => {
    try {
      const offered = methods[method];
      if (offered === undefined) throw new Error(`No method ${method}.`);
      port.postMessage({ id, value: await Reflect.apply(offered, undefined, args) });
    } catch (error) {
      port.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  };

  port.on("message", (packet: Packet) => {
    if ("method" in packet) {
      void answer(packet.id, packet.method, packet.args);
      return;
    }
    const call = waiting.get(packet.id);
    waiting.delete(packet.id);
    if ("error" in packet) call?.reject(new Error(packet.error));
    else call?.resolve(packet.value);
  });

  return {
    call: async (method, ...args) => {
      const id = (next += 1);
      const result = Promise.withResolvers<unknown>();
      waiting.set(id, result);
      port.postMessage({ id, method, args });
      return result.promise;
    },
    fail: (reason) => {
      for (const call of waiting.values()) call.reject(new Error(reason));
      waiting.clear();
    },
  };
};
