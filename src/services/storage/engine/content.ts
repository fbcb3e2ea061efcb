import { Readable } from "node:stream";
import type { Upload } from "../../../store/store.ts";
import type { Engine, Scene } from "./engine.ts";
import { type ContentPart, sharesSpec } from "./records.ts";

const distinct = (parts: readonly { readonly ref: string }[]): ReadonlySet<string> =>
  new Set(parts.map(({ ref }) => ref));

/**
 * Adds an owner to contents (copy, snapshot), so that releasing one owner leaves them to the other. An owner counts once,
 * however often it names a content.
 */
export const shareParts = async (scene: Scene, parts: readonly { readonly ref: string }[]): Promise<void> => {
  const shares = scene.tx.collection(sharesSpec);
  for (const ref of distinct(parts)) {
    const kept = await shares.get(scene.shared, ref);
    await shares.put(scene.shared, ref, { extra: (kept?.value.extra ?? 0) + 1 });
  }
};

/** Takes an owner away: the last owner's bytes go after the commit. */
export const releaseParts = async (
  scene: Pick<Scene, "tx" | "shared">,
  parts: readonly { readonly ref: string }[],
): Promise<void> => {
  const shares = scene.tx.collection(sharesSpec);
  for (const ref of distinct(parts)) {
    const kept = await shares.get(scene.shared, ref);
    if (kept === undefined) scene.tx.release(ref);
    else if (kept.value.extra > 1) await shares.put(scene.shared, ref, { extra: kept.value.extra - 1 });
    else await shares.delete(scene.shared, ref);
  }
};

/** What of the old parts the new ones do not name. */
export const droppedParts = (
  old: readonly ContentPart[],
  kept: readonly { readonly ref: string }[],
): readonly ContentPart[] => {
  const still = new Set(kept.map(({ ref }) => ref));
  return old.filter(({ ref }) => !still.has(ref));
};

export const partOf = ({ ref, size }: Upload): ContentPart[] => (size === 0 ? [] : [{ ref, size }]);

/** The bytes [start, end) of a content: at once when small, as a stream otherwise. */
export const readParts = async (
  engine: Engine,
  parts: readonly ContentPart[],
  start: number,
  end: number,
): Promise<{ readonly bytes: Buffer } | { readonly stream: Readable }> => {
  const [first] = parts;
  if (first === undefined || start >= end) return { bytes: Buffer.alloc(0) };
  const { bytes } = engine.store;
  if (parts.length === 1) {
    const inline = first.size <= inlineAtMost ? await bytes.inline(first.ref) : undefined;
    if (inline !== undefined)
      return { bytes: start === 0 && end === inline.length ? inline : inline.subarray(start, end) };
    return { stream: bytes.read(first.ref, start, end) };
  }
  return { stream: Readable.from(chunks(engine, parts, start, end), { objectMode: false }) };
};

/** Larger contents are streams, whatever the store does with them. */
const inlineAtMost = 256 * 1024;

async function* chunks(
  engine: Engine,
  parts: readonly ContentPart[],
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (const { ref, size } of parts) {
    const from = Math.max(start - offset, 0);
    const to = Math.min(end - offset, size);
    if (from < to) yield* engine.store.bytes.read(ref, from, to) as AsyncIterable<Uint8Array>;
    offset += size;
    if (offset >= end) return;
  }
}
