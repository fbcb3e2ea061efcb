import type { Clock } from "../../../kernel/clock.ts";
import type { Ids } from "../../../kernel/ids.ts";
import type { Store, Transaction } from "../../../store/store.ts";
import { storageFault } from "../faults.ts";
import { etagSource } from "./etags.ts";
import { type Recent, recent } from "../../../arm/recent.ts";
import { accountPartition, type ContainerRecord, containerPartition, containerSpec } from "./records.ts";

/** What the engine's functions work with. It knows accounts by an opaque id and nothing of who may do what. */
export interface Engine {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly nextEtag: () => string;
  /** Containers by `account/name`. */
  readonly containers: Recent<ContainerRecord>;
}

export interface ContainerPlace {
  readonly account: string;
  readonly container: string;
}

export interface BlobPlace extends ContainerPlace {
  readonly blob: string;
}

export const openEngine = (options: { readonly store: Store; readonly clock: Clock; readonly ids: Ids }): Engine => {
  const { store, clock, ids } = options;
  const rows = store.collection(containerSpec);
  return {
    store,
    clock,
    ids,
    nextEtag: etagSource(clock, ids),
    containers: recent(10_000, async (key) => {
      const slash = key.indexOf("/");
      return (await rows.get(accountPartition(key.slice(0, slash)), key.slice(slash + 1)))?.value;
    }),
  };
};

export const containerKey = ({ account, container }: ContainerPlace): string => `${account}/${container}`;

/** @throws Fault ContainerNotFound */
export const containerOf = async (engine: Engine, place: ContainerPlace): Promise<ContainerRecord> => {
  const found = await engine.containers.get(containerKey(place));
  if (found === undefined) throw storageFault("containerNotFound");
  return found;
};

/** A transaction on what lies in one container. */
export interface Scene {
  readonly tx: Transaction;
  readonly container: ContainerRecord;
  /** Partition of the account: shares. */
  readonly shared: string;
  /** Partition of the container's content. */
  readonly own: string;
}

/** Runs `work` in one transaction in which the container is known to exist. May run more than once. */
export const inContainer = async <R>(
  engine: Engine,
  place: ContainerPlace,
  work: (scene: Scene) => Promise<R>,
): Promise<R> => {
  const { uid } = await containerOf(engine, place);
  const shared = accountPartition(place.account);
  const own = containerPartition(place.account, uid);
  return engine.store.transact([shared, own], async (tx) => {
    const container = (await tx.collection(containerSpec).get(shared, place.container))?.value;
    if (container?.uid !== uid) throw storageFault("containerNotFound");
    return work({ tx, container, shared, own });
  });
};
