import type { Place, Row, Write } from "../driver.ts";

/** More rows than this, or larger ones, are read from the database each time. */
const REMEMBERED = 5000;
const LARGEST = 16 * 1024;

/** A row that may be asked for again. */
type Remembered = { -readonly [Member in keyof Row]: Row[Member] } & { unread?: boolean };

export interface HotRows {
  readonly get: (place: Place) => Row | undefined;
  /** What is remembered of a place: its row, null where there is none, undefined when it has to be read. */
  readonly known: (place: Place) => Row | null | undefined;
  /** A row was written: what is remembered of it is what it is now. */
  readonly written: (write: Write, sequence: number) => void;
  /** After a rollback: nothing of what was written is there. */
  readonly forget: () => void;
}

/**
 * Rows that were read before, such as the account, the container and the principal of every request. This process is the
 * only one that writes (lock.ts), so a row is good until it is written, and then what was written is: who reads a row to
 * write it, again and again, reads it from the database once. That a row is not there is remembered too: a transaction that
 * reads it asks again when it commits.
 */
export const hotRows = (read: (place: Place) => Row | undefined): HotRows => {
  const rows = new Map<string, Remembered | null>();
  const nameOf = ({ collection, partition, key }: Place): string => `${collection}\0${partition}\0${key}`;
  return {
    get: (place) => {
      const name = nameOf(place);
      const known = rows.get(name);
      if (known === null) return undefined;
      if (known?.unread === true) {
        known.unread = false;
        return known;
      }
      if (known !== undefined) {
        // From the second time on it pays to keep what the text means as well.
        known.kept ??= {};
        return known;
      }
      const row = read(place);
      if (row !== undefined && row.json.length > LARGEST) return row;
      if (rows.size >= REMEMBERED) rows.delete(rows.keys().next().value ?? "");
      rows.set(name, row ?? null);
      return row;
    },
    known: (place) => rows.get(nameOf(place)),
    written: (write, sequence) => {
      const name = nameOf(write);
      const { key, json, etag } = write;
      if (!rows.has(name)) return;
      if (json === undefined) rows.set(name, null);
      else if (json.length > LARGEST) rows.delete(name);
      else rows.set(name, { key, json, etag, sequence, unread: true });
    },
    forget: () => rows.clear(),
  };
};
