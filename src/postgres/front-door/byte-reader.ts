/** Reads exact amounts from a stream, with bounds; for the phase before the login is decided. */
import type { Duplex } from "node:stream";

/** The peer went away, or the deadline passed: nothing can be answered. */
export class Gone extends Error {
  constructor(what: string) {
    super(what);
    this.name = "Gone";
  }
}

/** More than this much unread means the peer floods: stop taking until it is read. */
const highWater = 256 * 1024;

export class ByteReader {
  readonly #stream: Duplex;
  #chunks: Buffer[] = [];
  #size = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("data", this.#take);
    stream.on("end", this.#end);
    stream.on("close", this.#end);
  }

  readonly #take = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size > highWater) this.#stream.pause();
    this.#wake?.();
  };

  readonly #end = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  /** Bytes that arrived and were not read. */
  get buffered(): number {
    return this.#size;
  }

  /** Waits for exactly `count` bytes (at most 256 KiB). @throws Gone when the stream ends before. */
  async exactly(count: number): Promise<Buffer> {
    if (count > highWater) throw new RangeError(`${count} bytes are more than a reader holds.`);
    while (this.#size < count) {
      if (this.#ended) throw new Gone("The connection ended.");
      const arrived = Promise.withResolvers<void>();
      this.#wake = arrived.resolve;
      this.#stream.resume();
      await arrived.promise;
      this.#wake = undefined;
    }
    const all = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks);
    const rest = all.subarray(count);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
    return all.subarray(0, count);
  }

  /** Puts bytes back to the front. */
  unread(bytes: Buffer): void {
    this.#chunks.unshift(bytes);
    this.#size += bytes.length;
  }

  /** Reads one typed message. @throws RangeError when its length is absurd. */
  async message(limit: number): Promise<{ readonly type: string; readonly body: Buffer; readonly whole: Buffer }> {
    const head = await this.exactly(5);
    const length = head.readInt32BE(1);
    if (length < 4 || length > limit) throw new RangeError(`A message of ${length} bytes.`);
    const body = await this.exactly(length - 4);
    return { type: String.fromCharCode(head[0] ?? 0), body, whole: Buffer.concat([head, body]) };
  }

  /** Stops reading (the stream is left paused). @returns what had arrived. */
  detach(): Buffer {
    this.#stream.pause();
    this.#stream.off("data", this.#take);
    this.#stream.off("end", this.#end);
    this.#stream.off("close", this.#end);
    const rest = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#size = 0;
    return rest;
  }
}
