/**
 * The store as one script sees it: its own writes held back, its reads remembered and repeated. Nothing of it reaches the
 * store before `commitTo`, which first finds out whether what was read still holds.
 */
import type { Collection, CollectionSpec, Entry, Store, Transaction } from "../../../store/store.ts";
import { openSlices } from "../engine/slices.ts";

type Settable<T> = { -readonly [Member in keyof T]: T[Member] };

interface Place {
  readonly spec: CollectionSpec<unknown>;
  readonly partition: string;
  readonly key: string;
}
interface Read extends Place {
  readonly entry: Entry<unknown> | undefined;
}
interface Write extends Place {
  /** Undefined: deleted. */
  readonly entry: Settable<Entry<unknown>> | undefined;
}

/** Somebody else has written what the script read. */
export class Stale extends Error {}

export interface Overlay {
  /** `get`, `put` and `delete`, without conditions: what items are made of. */
  readonly tx: Transaction;
  readonly writes: () => readonly Write[];
  /** Grows with every write. */
  readonly changes: () => number;
  /** @throws Stale. Entries that `tx` handed out learn their sequence when the transaction has committed. */
  commitTo(tx: Transaction): Promise<() => void>;
}

const notHere = (what: string) => new Error(`A script's transaction has no ${what}.`);

export const openOverlay = (store: Store): Overlay => {
  const reads = new Map<string, Read>();
  const writes = new Map<string, Write>();
  let changes = 0;
  const write = (place: Write): void => {
    changes += 1;
    writes.set(nameOf(place), place);
  };
  const nameOf = ({ spec, partition, key }: Place): string => `${spec.name}\0${partition}\0${key}`;

  const read = async (place: Place): Promise<Entry<unknown> | undefined> => {
    const name = nameOf(place);
    const own = writes.get(name);
    if (own !== undefined) return own.entry;
    const known = reads.get(name);
    if (known !== undefined) return known.entry;
    const entry = await store.collection(place.spec).get(place.partition, place.key);
    // Somebody asked for the same meanwhile: one answer for both.
    const first = reads.get(name) ?? { ...place, entry };
    reads.set(name, first);
    return first.entry;
  };

  const collection = <T>(typed: CollectionSpec<T>): Collection<T> => {
    const spec = typed as CollectionSpec<unknown>;
    return {
      get: async (partition, key) => (await read({ spec, partition, key })) as Entry<T> | undefined,
      put: (partition, key, value, condition) => {
        if (condition !== undefined) return Promise.reject(notHere("conditions"));
        const entry = { key, value, etag: "", sequence: 0 };
        write({ spec, partition, key, entry });
        return Promise.resolve(entry);
      },
      delete: async (partition, key, condition) => {
        if (condition !== undefined) throw notHere("conditions");
        const place = { spec, partition, key };
        const existed = (await read(place)) !== undefined;
        write({ ...place, entry: undefined });
        return existed;
      },
      list: () => Promise.reject(notHere("lists")),
      find: () => Promise.reject(notHere("indexes")),
    };
  };

  return {
    tx: {
      collection,
      attach: () => {
        throw notHere("contents");
      },
      release: () => {
        throw notHere("contents");
      },
    },
    writes: () => [...writes.values()],
    changes: () => changes,
    commitTo: async (tx) => {
      const slices = openSlices();
      for (const { spec, partition, key, entry } of reads.values()) {
        await slices.next();
        const now = await tx.collection(spec).get(partition, key);
        if (now?.etag !== entry?.etag) throw new Stale();
      }
      const settled: (() => void)[] = [];
      for (const { spec, partition, key, entry } of writes.values()) {
        await slices.next();
        if (entry === undefined) {
          await tx.collection(spec).delete(partition, key);
          continue;
        }
        const put = await tx.collection(spec).put(partition, key, entry.value);
        settled.push(() => {
          entry.sequence = put.sequence;
        });
      }
      return () => {
        for (const settle of settled) settle();
      };
    },
  };
};
