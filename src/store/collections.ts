/** A store over a driver. Single writes go straight to a commit: no read comes before them. */
import { type Codec, codecsOf, etagSource } from "./codec.ts";
import type { Commit, Driver, EntryCheck, Place, Write } from "./driver.ts";
import { isText, spanOf } from "./keys.ts";
import type { Sealer } from "./seal.ts";
import {
  ConditionFailed,
  type Collection,
  type CollectionSpec,
  type Condition,
  type PlainSpec,
  type Store,
  type Texts,
} from "./store.ts";
import { transactor } from "./transactions.ts";

const checkOf = (place: Place, condition: Condition | undefined): EntryCheck[] => {
  if (!condition) return [];
  return [{ ...place, etag: "ifMatch" in condition ? condition.ifMatch : undefined }];
};

const single = async (driver: Driver, write: Write, condition: Condition | undefined): Promise<number> => {
  const commit: Commit = {
    checks: checkOf(write, condition),
    partitionChecks: [],
    writes: [write],
    attach: [],
    release: [],
  };
  const outcome = await driver.commit(commit);
  if (outcome.kind === "stale") throw new ConditionFailed(outcome.exists);
  return outcome.sequences[0] ?? 0;
};

const collectionOver = <T>(driver: Driver, codec: Codec<T>, nextEtag: () => string): Collection<T> => ({
  get: async (partition, key) => {
    if (!isText(partition, key)) return undefined;
    const found = driver.get(codec.place(partition, key));
    const row = found instanceof Promise ? await found : found;
    return row && codec.entry(partition, row);
  },
  list: async (partition, range = {}) => {
    if (!isText(partition, range.prefix)) return [];
    const rows = await driver.list(codec.collection, partition, spanOf(range));
    return rows.map((row) => codec.entry(partition, row));
  },
  find: async (partition, index, value, range = {}) => {
    await codec.useIndex(driver, index);
    if (!isText(partition, value)) return [];
    const rows = await driver.find(codec.collection, partition, [index, value], spanOf(range));
    return rows.map((row) => codec.entry(partition, row));
  },
  put: async (partition, key, value, condition) => {
    const place = codec.place(partition, key);
    const write = { ...place, ...codec.encode(place, value), etag: nextEtag(), indexed: codec.indexed };
    const sequence = await single(driver, write, condition);
    return { key, value, etag: write.etag, sequence };
  },
  delete: async (partition, key, condition) => {
    const place = codec.place(partition, key);
    const write = { ...place, json: undefined, entries: [], etag: "", indexed: codec.indexed };
    return (await single(driver, write, condition)) > 0;
  },
});

const plain = ({ name, sealed = [] }: PlainSpec): string => {
  if (sealed.length > 0)
    throw new TypeError(`The collection "${name}" has sealed members: its rows go to nobody as they are.`);
  return name;
};

const textsOver = (driver: Driver): Texts => ({
  list: async (spec, partition, range = {}) => {
    const name = plain(spec);
    if (!isText(partition, range.prefix)) return [];
    return (await driver.list(name, partition, spanOf(range))).map(({ key, json, sequence }) => ({
      key,
      json,
      sequence,
    }));
  },
  changes: async (spec, partition, after, limit = 1000) => [
    ...(await driver.changes(plain(spec), partition, after, limit)),
  ],
  sequence: async (partition) => driver.sequence(partition),
});

/** Builds the contract of `store.ts` on a driver. */
export const storeOver = (driver: Driver, sealer: Sealer): Store => {
  const nextEtag = etagSource();
  const codecFor = codecsOf(sealer);
  return {
    collection: (spec) => collectionOver(driver, codecFor(spec), nextEtag),
    transact: transactor(driver, codecFor, nextEtag),
    changes: async <T>(spec: CollectionSpec<T>, partition: string, after: number, limit = 1000) => {
      const codec = codecFor(spec);
      const rows = await driver.changes(spec.name, partition, after, limit);
      return rows.map(({ key, json, sequence }) => ({
        key,
        sequence,
        value: json === undefined ? undefined : codec.value({ collection: spec.name, partition, key }, json),
      }));
    },
    texts: textsOver(driver),
    bytes: driver.bytes,
    close: () => driver.close(),
  };
};
