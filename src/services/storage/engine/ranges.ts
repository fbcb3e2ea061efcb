import { storageFault } from "../faults.ts";

/** Bytes [start, end). */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads `x-ms-range` or `Range` against a size (storage.md 6.5). Malformed and multiple ranges are ignored; the end is
 * clipped.
 * @throws Fault 416 when it begins at or beyond the end, which every range of an empty content does
 */
export const rangeOf = (text: string | undefined, size: number): ByteRange | undefined => {
  const form = /^bytes=(\d+)-(\d*)$/.exec(text?.trim() ?? "");
  if (form === null) return undefined;
  const start = Number(form[1]);
  const last = form[2] === "" ? Number.POSITIVE_INFINITY : Number(form[2]);
  if (last < start) return undefined;
  if (start >= size) throw storageFault("invalidRange", {}, { headers: { "content-range": `bytes */${size}` } });
  return { start, end: Math.min(last + 1, size) };
};
