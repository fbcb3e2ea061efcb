/** Together at most this many bytes. */
const CAPACITY = 16 * 1024 * 1024;

export interface HotContents {
  readonly get: (ref: string) => Buffer | undefined;
  /** The content is gone. */
  readonly forget: (ref: string) => void;
}

/**
 * Small contents that were read before. A reference names the same bytes for ever, so nothing here grows old; readers share
 * the bytes and change none of them. When it is full, what was read first goes first.
 */
export const hotContents = (read: (ref: string) => Buffer | undefined): HotContents => {
  const contents = new Map<string, Buffer>();
  let size = 0;
  const forget = (ref: string): void => {
    size -= contents.get(ref)?.length ?? 0;
    contents.delete(ref);
  };
  return {
    get: (ref) => {
      const known = contents.get(ref);
      if (known !== undefined) return known;
      const found = read(ref);
      if (found === undefined || found.length > CAPACITY / 16) return found;
      contents.set(ref, found);
      size += found.length;
      for (const oldest of contents.keys()) {
        if (size <= CAPACITY) break;
        forget(oldest);
      }
      return found;
    },
    forget,
  };
};
