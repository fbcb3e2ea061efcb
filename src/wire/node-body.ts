import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { BodyTooLarge, BodyTruncated, type RawBody } from "../kernel/message.ts";

/** A request body of node:http that knows whether it was touched. */
export interface IncomingBody extends RawBody {
  /** True once somebody began to read. */
  readonly started: boolean;
  /** True while the client waits for `100 Continue` before it sends the body. */
  readonly awaited: boolean;
}

/**
 * The body of a node:http request. Small bodies are gathered without a stream of their own.
 * @param proceed sends `100 Continue`; given when the client waits for it, and called when the body is first read
 */
export const incomingBody = (message: IncomingMessage, proceed?: () => void): IncomingBody => {
  const announced = message.headers["content-length"];
  const length = announced === undefined ? undefined : Number(announced);
  const absent = length === undefined && message.headers["transfer-encoding"] === undefined;
  let started = false;
  let waiting = proceed;

  const start = (): void => {
    if (started) throw new Error("A request body can be read only once.");
    started = true;
    waiting?.();
    waiting = undefined;
  };

  const gather = (limit: number): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const done = (): void => {
        message.off("data", onData).off("end", onEnd).off("error", onBroken).off("close", onBroken);
      };
      const onData = (chunk: Buffer): void => {
        size += chunk.length;
        if (size > limit) {
          done();
          message.pause();
          reject(new BodyTooLarge(limit));
        } else chunks.push(chunk);
      };
      const onEnd = (): void => {
        done();
        const [only] = chunks;
        resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size));
      };
      const onBroken = (): void => {
        done();
        reject(new BodyTruncated());
      };
      message.on("data", onData).on("end", onEnd).on("error", onBroken).on("close", onBroken);
    });

  return {
    length,
    get started() {
      return started;
    },
    get awaited() {
      return waiting !== undefined;
    },
    stream: () => {
      start();
      return absent ? Readable.from([]) : message;
    },
    bytes: async (limit) => {
      if (length !== undefined && length > limit) throw new BodyTooLarge(limit);
      start();
      if (absent || length === 0) return Buffer.alloc(0);
      if (message.destroyed && !message.readableEnded) throw new BodyTruncated();
      return gather(limit);
    },
  };
};
