/** Taking a byte stream in: limit, MD5, and the choice between memory and a sink for large contents. */
import { createHash, hash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { TooLarge, type Upload } from "./store.ts";

/** Where the bytes of a large content go. */
export interface Sink {
  /** May return before the bytes are written; at most about one buffer behind. */
  write(chunk: Uint8Array): Promise<void> | void;
  /** Resolves when all bytes are durable. */
  finish(): Promise<void>;
  /** Leaves nothing behind. */
  abort(): Promise<void>;
}

export interface Received extends Upload {
  /** The bytes of a small content; undefined: they went to the sink. */
  readonly data: Buffer | undefined;
}

/**
 * Reads `source` to its end. Up to `small` bytes stay in memory; beyond that all bytes go to the sink.
 * @throws TooLarge beyond `limit` bytes, with a `Readable` left paused for the caller to drain or destroy; or whatever the source throws; the sink is then gone
 */
export const receive = async (
  source: AsyncIterable<Uint8Array> | Uint8Array,
  ref: string,
  options: { readonly limit: number; readonly small: number; readonly openSink: () => Promise<Sink> },
): Promise<Received> => {
  const { limit, small, openSink } = options;
  if (source instanceof Uint8Array && source.byteLength <= Math.min(limit, small)) {
    const data = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
    return { ref, size: data.length, md5: hash("md5", data, "buffer"), data };
  }
  const held: Uint8Array[] = [];
  let size = 0;
  let large: { readonly sink: Sink; readonly digest: ReturnType<typeof createHash> } | undefined;
  try {
    // Leaving the loop must not destroy a request: its 413 has yet to be sent over the same socket.
    const chunks = source instanceof Readable ? source.iterator({ destroyOnReturn: false }) : source;
    for await (const chunk of chunks instanceof Uint8Array ? [chunks] : (chunks as AsyncIterable<Uint8Array>)) {
      size += chunk.byteLength;
      if (size > limit) throw new TooLarge(limit);
      if (!large && size <= small) {
        held.push(chunk);
        continue;
      }
      large ??= { sink: await openSink(), digest: createHash("md5") };
      for (const part of [...held.splice(0), chunk]) {
        large.digest.update(part);
        await large.sink.write(part);
      }
    }
    if (!large) {
      const data = Buffer.concat(held, size);
      return { ref, size, md5: hash("md5", data, "buffer"), data };
    }
    await large.sink.finish();
    return { ref, size, md5: large.digest.digest(), data: undefined };
  } catch (error) {
    await large?.sink.abort();
    throw error;
  }
};

/** References in the order of their making, unique over processes: time, a random part and a running number. */
export const refSource = (): (() => string) => {
  const time = Date.now().toString(16).padStart(12, "0");
  const beginning = `${time}${randomBytes(4).toString("hex")}`;
  let number = 0;
  return () => beginning + (++number).toString(16).padStart(8, "0");
};
