import type { BlobTarget } from "../target.ts";

/**
 * Whether `sr` can cover what the request addresses. Which container and blob it is follows from the signature, as both
 * are part of what was signed. `b` does not open snapshots or versions (storage.md 4.4).
 */
export const addressMatches = (
  resource: string,
  target: Pick<BlobTarget, "container" | "blob" | "snapshot">,
): boolean => {
  switch (resource) {
    case "c":
      return target.container !== undefined;
    case "b":
      return target.blob !== undefined && target.snapshot === undefined;
    case "bs":
      return target.blob !== undefined && target.snapshot !== undefined;
    default:
      return false;
  }
};
