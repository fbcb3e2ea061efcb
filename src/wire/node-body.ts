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
export const incomingBody = (message: IncomingMessage, proceed?: () => void): IncomingBody =>
  new MessageBody(message, proceed);

/** A class because every request makes one: its members are shared, where closures and getters would be made anew. */
class MessageBody implements IncomingBody {
  readonly length: number | undefined;
  started = false;
  readonly #message: IncomingMessage;
  #proceed: (() => void) | undefined;

  constructor(message: IncomingMessage, proceed: (() => void) | undefined) {
    const announced = message.headers["content-length"];
    this.length = announced === undefined ? undefined : Number(announced);
    this.#message = message;
    this.#proceed = proceed;
  }

  get awaited(): boolean {
    return this.#proceed !== undefined;
  }

  get #absent(): boolean {
    return this.length === undefined && this.#message.headers["transfer-encoding"] === undefined;
  }

  stream(): Readable {
    this.#start();
    return this.#absent ? Readable.from([]) : this.#message;
  }

  async bytes(limit: number): Promise<Buffer> {
    const { length } = this;
    const message = this.#message;
    if (length !== undefined && length > limit) throw new BodyTooLarge(limit);
    this.#start();
    if (this.#absent || length === 0) return Buffer.alloc(0);
    if (message.destroyed && !message.readableEnded) throw new BodyTruncated();
    return gather(message, limit);
  }

  #start(): void {
    if (this.started) throw new Error("A request body can be read only once.");
    this.started = true;
    this.#proceed?.();
    this.#proceed = undefined;
  }
}

const gather = (message: IncomingMessage, limit: number): Promise<Buffer> =>
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
