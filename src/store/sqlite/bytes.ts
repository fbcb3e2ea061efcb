/** Byte contents beside the rows: small ones in the database, large ones in files. */
import { createReadStream, openSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { DatabaseSync } from "node:sqlite";
import { receive, refSource } from "../receive.ts";
import type { Bytes, Part } from "../store.ts";
import { collectOrphans, fileSink, removeFile } from "./files.ts";
import type { Holds } from "./holds.ts";
import { hotContents } from "./hot-contents.ts";
import type { Attachment } from "./rows.ts";

export interface SqliteBytes extends Bytes {
  /** What `Transaction.attach` has to write. @throws when there is no such upload */
  attachment(ref: string): Attachment;
  /** After a commit: the uploads are contents now, the released files can go, unless somebody holds them. */
  committed(attached: readonly Attachment[], released: readonly string[]): void;
  /** Waits for work in the background. */
  close(): Promise<void>;
}

/** @param directory Of the large contents; undefined: everything stays in the database. */
export const sqliteBytes = (
  database: DatabaseSync,
  options: { readonly directory: string | undefined; readonly small: number; readonly held: Holds },
): SqliteBytes => {
  const { directory, small, held } = options;
  const pending = new Map<string, Buffer | undefined>();
  const background = new Set<Promise<void>>();
  let closing = false;
  const nextRef = refSource();
  const readAll = database.prepare("select data from contents where ref = ?");
  const sizeOf = database.prepare("select length(data) as size from contents where ref = ?");
  const readPart = database.prepare("select substr(data, ?, ?) as data from contents where ref = ?");
  const named = database.prepare("select 1 from files where ref = ?");

  const later = (work: Promise<void>): void => {
    const tracked = work
      // A file that cannot be removed now is an orphan of the next opening.
      .catch(() => {})
      .finally(() => background.delete(tracked));
    background.add(tracked);
  };
  const bytesOf = (found: unknown): Buffer => {
    const data = found as Uint8Array;
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  };
  const hot = hotContents((ref) => {
    const found = readAll.get(ref);
    return found && bytesOf(found["data"]);
  });
  /** Fails when it is read, not before somebody listens. */
  const failing = (error: Error): Readable =>
    new Readable({
      read() {
        this.destroy(error);
      },
    });

  const readInline = (ref: string, start: number, end: number | undefined): Readable | undefined => {
    const size = sizeOf.get(ref)?.["size"];
    if (typeof size !== "number") return undefined;
    const length = Math.max(0, Math.min(end ?? size, size) - start);
    const data = length === size ? readAll.get(ref) : readPart.get(start + 1, length, ref);
    return Readable.from([bytesOf(data?.["data"])], { objectMode: false });
  };
  const readFile = (ref: string, start: number, end: number | undefined): Readable => {
    if (end !== undefined && end <= start) return Readable.from([]);
    try {
      if (!directory || !named.get(ref)) throw new Error(`There is no content ${ref}: it was released.`);
      // Opened now: a later release unlinks the name, and this descriptor still reads the bytes.
      const fd = openSync(join(directory, ref), "r");
      const last = end === undefined ? {} : { end: end - 1 };
      return createReadStream("", { fd, start, ...last, highWaterMark: 1 << 18 });
    } catch (error) {
      return failing(error instanceof Error ? error : new Error(String(error)));
    }
  };

  const read: Bytes["read"] = (ref, start = 0, end) => readInline(ref, start, end) ?? readFile(ref, start, end);
  async function* joined(parts: readonly Part[]): AsyncGenerator<Buffer> {
    for (const { ref, start, end } of parts) yield* read(ref, start, end);
  }

  const openedAt = nextRef();
  if (directory) {
    later(
      collectOrphans(
        directory,
        openedAt,
        (ref) => named.get(ref) !== undefined,
        () => closing,
      ),
    );
  }
  return {
    receive: async (source, { limit = Number.POSITIVE_INFINITY } = {}) => {
      const ref = nextRef();
      const { data, ...upload } = await receive(source, ref, {
        limit,
        small: directory ? small : Number.POSITIVE_INFINITY,
        openSink: () => fileSink(directory ?? "", ref),
      });
      pending.set(ref, data);
      return upload;
    },
    read,
    join: (parts) => {
      const letGo = held.take(parts.map((part) => part.ref));
      const stream = Readable.from(joined(parts), { objectMode: false });
      stream.once("close", letGo);
      return stream;
    },
    inline: async (ref) => hot.get(ref),
    discard: async (ref) => {
      if (!pending.has(ref)) return;
      const inFile = pending.get(ref) === undefined;
      pending.delete(ref);
      if (inFile && directory) await removeFile(join(directory, ref));
    },
    attachment: (ref) => {
      if (!pending.has(ref)) throw new Error(`There is no upload ${ref}: it was attached before, or discarded.`);
      return { ref, data: pending.get(ref) };
    },
    committed: (attached, released) => {
      for (const { ref } of attached) pending.delete(ref);
      for (const ref of released) {
        hot.forget(ref);
        if (held.has(ref)) held.released(ref);
        else if (directory) later(removeFile(join(directory, ref)));
      }
    },
    close: async () => {
      closing = true;
      await Promise.all(background);
    },
  };
};
