/** Between a collection's typed values and the rows of a driver: JSON, sealed members, index entries, etags. */
import { randomBytes } from "node:crypto";
import type { Driver, IndexEntry, Place, Row } from "./driver.ts";
import { checkText } from "./keys.ts";
import type { Sealer } from "./seal.ts";
import type { CollectionSpec, Entry } from "./store.ts";

export interface Codec<T> {
  readonly collection: string;
  readonly indexed: boolean;
  /** Names a place after checking that every driver can hold it. */
  place(partition: string, key: string): Place;
  encode(place: Place, value: T): { readonly json: string; readonly entries: readonly IndexEntry[] };
  value(place: Place, json: string): T;
  entry(partition: string, row: Row): Entry<T>;
  /** Before an index is used. @throws TypeError when the collection does not declare it */
  useIndex(driver: Driver, index: string): Promise<void>;
}

/** Collections whose indexes are known to be complete, by driver: `name` and index names. */
const complete = new WeakMap<Driver, Set<string>>();

const entriesOf = <T>(spec: CollectionSpec<T>, value: T, key: string): IndexEntry[] => {
  const entries: IndexEntry[] = [];
  for (const [index, valuesOf] of Object.entries(spec.indexes ?? {})) {
    const found = valuesOf(value, key) ?? [];
    for (const text of new Set(typeof found === "string" ? [found] : found)) {
      if (text === "") continue;
      checkText(`value of index ${index}`, text);
      entries.push([index, text]);
    }
  }
  return entries;
};

/** Several readers share a kept value, so none may change it. Values come from JSON: objects, arrays and scalars. */
const frozen = <T>(value: T): T => {
  if (typeof value === "object" && value !== null) {
    Object.freeze(value);
    for (const member of Object.values(value)) frozen(member);
  }
  return value;
};

/** @param sealer Needed by collections with sealed members. */
const codecOf = <T>(spec: CollectionSpec<T>, sealer: Sealer): Codec<T> => {
  checkText("collection name", spec.name);
  const { name: collection, sealed = [] } = spec;
  const placeOf = (partition: string, key: string): Place => {
    checkText("partition", partition);
    checkText("key", key);
    return { collection, partition, key };
  };
  const toJson = ({ partition, key }: Place, value: T): string => {
    if (sealed.length === 0) return JSON.stringify(value);
    const stored = { ...value } as Record<string, unknown>;
    for (const member of sealed) {
      const plain: unknown = stored[member];
      if (plain !== undefined) {
        stored[member] = sealer.seal([collection, partition, key, member], JSON.stringify(plain));
      }
    }
    return JSON.stringify(stored);
  };
  const fromJson = ({ partition, key }: Place, json: string): T => {
    if (sealed.length === 0) return JSON.parse(json) as T;
    const stored = JSON.parse(json) as Record<string, unknown>;
    for (const member of sealed) {
      const text = stored[member];
      if (typeof text === "string") {
        stored[member] = JSON.parse(sealer.open([collection, partition, key, member], text));
      }
    }
    return stored as T;
  };
  return {
    collection,
    indexed: Object.keys(spec.indexes ?? {}).length > 0,
    place: placeOf,
    encode: (place, value) => {
      if (value === undefined) throw new TypeError(`undefined was put into "${collection}"; JSON has no such value.`);
      return { json: toJson(place, value), entries: entriesOf(spec, value, place.key) };
    },
    value: fromJson,
    entry: (partition, { key, json, etag, sequence, kept }) => {
      const read = (): T => fromJson({ collection, partition, key }, json);
      const value = kept === undefined ? read() : ((kept.value ??= frozen(read())) as T);
      return { key, value, etag, sequence };
    },
    useIndex: async (driver, index) => {
      if (!spec.indexes || !Object.hasOwn(spec.indexes, index)) {
        throw new TypeError(`The collection "${collection}" declares no index "${index}".`);
      }
      const known = complete.get(driver) ?? new Set();
      complete.set(driver, known);
      const indexes = Object.keys(spec.indexes).sort().join(" ");
      const name = `${collection}\0${indexes}`;
      if (known.has(name)) return;
      await driver.index(collection, indexes, ({ json, ...place }) =>
        entriesOf(spec, fromJson(place, json), place.key),
      );
      known.add(name);
    },
  };
};

/** Codecs of one store, made once per collection: services name a collection at every request. */
export const codecsOf = (sealer: Sealer): (<T>(spec: CollectionSpec<T>) => Codec<T>) => {
  const known = new WeakMap<object, unknown>();
  return <T>(spec: CollectionSpec<T>): Codec<T> => {
    // Kept under the specification that it was made from, so its type is that one's.
    const made = (known.get(spec) as Codec<T> | undefined) ?? codecOf(spec, sealer);
    known.set(spec, made);
    return made;
  };
};

/**
 * Etags of one opened store: 16 or more hexadecimal digits. A random beginning per opening and a running number keep
 * them apart between openings, processes and tenants that were deleted and made again.
 */
export const etagSource = (): (() => string) => {
  const beginning = randomBytes(5).toString("hex");
  let number = 0;
  return () => beginning + (++number).toString(16).padStart(6, "0");
};
