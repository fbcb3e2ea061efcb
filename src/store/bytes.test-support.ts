/** The part of the contract about byte contents. */
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { ConditionFailed, TooLarge, type CollectionSpec, type Store } from "./store.ts";

const things: CollectionSpec<unknown> = { name: "things" };

async function* pieces(content: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) {
    await turn();
    yield content.subarray(at, at + size);
  }
}

export const bytesContract = (driver: string, store: () => Store): void => {
  describe(`bytes of the ${driver} store`, () => {
    const sizes = [0, 1, 4096, 65_536, 65_537, 3_000_001];

    test.each(sizes)("%i bytes are received, attached, read in ranges and released", async (size) => {
      const content = randomBytes(size);
      const upload = await store().bytes.receive(pieces(content));
      expect(upload.size).toBe(size);
      expect(upload.md5.equals(createHash("md5").update(content).digest())).toBe(true);
      await store().transact([], async (tx) => tx.attach(upload));
      const read = async (start?: number, end?: number) => buffer(store().bytes.read(upload.ref, start, end));
      expect((await read()).equals(content)).toBe(true);
      for (const [start, end] of [
        [0, 1],
        [1, size],
        [size - 5, size],
        [size >> 1, (size >> 1) + 70_000],
        [size, size],
        [5, undefined],
      ] as const) {
        const from = Math.max(0, start);
        expect((await read(from, end)).equals(content.subarray(from, end))).toBe(true);
      }
      const inline = await store().bytes.inline(upload.ref);
      if (size <= 65_536) expect(inline?.equals(content)).toBe(true);
      await store().transact([], async (tx) => tx.release(upload.ref));
      await expect(buffer(store().bytes.read(upload.ref))).rejects.toThrow(/no content/);
      expect(await store().bytes.inline(upload.ref)).toBeUndefined();
    });

    test("a reader that is under way keeps reading after the release", async () => {
      const content = randomBytes(2_000_000);
      const upload = await store().bytes.receive(pieces(content));
      await store().transact([], async (tx) => tx.attach(upload));
      const reader = store().bytes.read(upload.ref);
      const first = await new Promise<Buffer>((resolve) => reader.once("data", resolve));
      reader.pause();
      await store().transact([], async (tx) => tx.release(upload.ref));
      const rest = await buffer(reader);
      expect(Buffer.concat([first, rest]).equals(content)).toBe(true);
    });

    test("contents joined into one stream come in order, by their ranges, whatever is released meanwhile", async () => {
      const contents = [100, 400_000, 0, 70_000, 5000].map((size) => randomBytes(size));
      const uploads = await Promise.all(contents.map((content) => store().bytes.receive(pieces(content))));
      await store().transact([], async (tx) => uploads.forEach((upload) => tx.attach(upload)));
      const parts = uploads.map(({ ref }, i) => (i === 1 ? { ref, start: 10, end: 300_000 } : { ref }));
      const wanted = Buffer.concat(contents.map((c, i) => (i === 1 ? c.subarray(10, 300_000) : c)));
      const [early, late] = [store().bytes.join(parts), store().bytes.join(parts)];
      const first = await new Promise<Buffer>((resolve) => early.once("data", resolve));
      early.pause();
      await store().transact([], async (tx) => uploads.forEach((upload) => tx.release(upload.ref)));
      expect(Buffer.concat([first, await buffer(early)]).equals(wanted)).toBe(true);
      expect((await buffer(late)).equals(wanted)).toBe(true);
      await expect
        .poll(async () => buffer(store().bytes.read(uploads[1]?.ref ?? "")).catch(String))
        .toMatch(/no content/);
      expect(await store().bytes.inline(uploads[0]?.ref ?? "")).toBeUndefined();
    });

    test("a stream beyond its limit is refused, and not destroyed", async () => {
      for (const size of [100, 200_000]) {
        const content = randomBytes(size);
        await expect(store().bytes.receive(pieces(content), { limit: size - 1 })).rejects.toThrow(TooLarge);
        const request = Readable.from(pieces(content));
        await expect(store().bytes.receive(request, { limit: size - 1 })).rejects.toThrow(TooLarge);
        expect(request.destroyed).toBe(false);
        await store().bytes.discard((await store().bytes.receive(pieces(content), { limit: size })).ref);
      }
    });

    test("a discarded upload cannot be attached, nor one be attached twice", async () => {
      for (const size of [100, 200_000]) {
        const gone = await store().bytes.receive(pieces(randomBytes(size)));
        await store().bytes.discard(gone.ref);
        await expect(store().transact([], async (tx) => tx.attach(gone))).rejects.toThrow(/no upload/);
        const kept = await store().bytes.receive(pieces(randomBytes(size)));
        await store().transact([], async (tx) => tx.attach(kept));
        await expect(store().transact([], async (tx) => tx.attach(kept))).rejects.toThrow(/no upload/);
        await store().bytes.discard(kept.ref);
        expect((await buffer(store().bytes.read(kept.ref))).length).toBe(size);
      }
    });

    test("an upload is not attached when the transaction fails, and can be attached again", async () => {
      const p = "bytes";
      const upload = await store().bytes.receive(pieces(randomBytes(100)));
      const failing = store().transact([p], async (tx) => {
        tx.attach(upload);
        await tx.collection(things).put(p, "a", 1, { ifMatch: "x" });
      });
      await expect(failing).rejects.toThrow(ConditionFailed);
      await store().transact([p], async (tx) => tx.attach(upload));
      expect((await store().bytes.inline(upload.ref))?.length).toBe(100);
    });
  });
};
