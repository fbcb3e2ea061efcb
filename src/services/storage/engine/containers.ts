import type { Entry } from "../../../store/store.ts";
import { storageFault } from "../faults.ts";
import type { Conditions } from "./conditions.ts";
import { checkWrite } from "./conditions.ts";
import { releaseParts } from "./content.ts";
import { containerKey, type ContainerPlace, type Engine } from "./engine.ts";
import { checkContainerDelete, checkGiven, leaseStep, type LeaseOutcome, type LeaseRequest } from "./leases.ts";
import {
  accountPartition,
  blobSpec,
  blockSpec,
  containerPartition,
  type ContainerRecord,
  containerSpec,
  garbageSpec,
  type Metadata,
  type PublicAccess,
  snapshotSpec,
  stagingSpec,
  type StoredPolicy,
} from "./records.ts";

export interface ContainerGuards {
  readonly conditions: Conditions | undefined;
  readonly leaseId: string | undefined;
}

/** @throws Fault ContainerAlreadyExists */
export const createContainer = async (
  engine: Engine,
  place: ContainerPlace,
  options: { readonly metadata: Metadata | undefined; readonly access: PublicAccess | undefined },
): Promise<ContainerRecord> => {
  const partition = accountPartition(place.account);
  const created: ContainerRecord = {
    uid: engine.ids.guid(),
    etag: engine.nextEtag(),
    modified: engine.clock.now(),
    ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
    ...(options.access === undefined ? {} : { access: options.access }),
  };
  await engine.store.transact([partition], async (tx) => {
    const rows = tx.collection(containerSpec);
    if ((await rows.get(partition, place.container)) !== undefined) throw storageFault("containerExists");
    await rows.put(partition, place.container, created);
  });
  engine.containers.forget(containerKey(place));
  return created;
};

/** Rewrites a container's record. @throws Fault ContainerNotFound */
export const changeContainer = async (
  engine: Engine,
  place: ContainerPlace,
  change: (record: ContainerRecord) => ContainerRecord,
): Promise<ContainerRecord> => {
  const partition = accountPartition(place.account);
  try {
    return await engine.store.transact([partition], async (tx) => {
      const rows = tx.collection(containerSpec);
      const kept = (await rows.get(partition, place.container))?.value;
      if (kept === undefined) throw storageFault("containerNotFound");
      const changed = change(kept);
      await rows.put(partition, place.container, changed);
      return changed;
    });
  } finally {
    engine.containers.forget(containerKey(place));
  }
};

const touched = (engine: Engine, record: ContainerRecord): ContainerRecord => ({
  ...record,
  etag: engine.nextEtag(),
  modified: engine.clock.now(),
});

const guard = (engine: Engine, record: ContainerRecord, { conditions, leaseId }: ContainerGuards): void => {
  checkWrite(conditions, record);
  checkGiven(record.lease, leaseId, engine.clock.now(), "container");
};

export const setContainerMetadata = (
  engine: Engine,
  place: ContainerPlace,
  metadata: Metadata | undefined,
  guards: ContainerGuards,
): Promise<ContainerRecord> =>
  changeContainer(engine, place, (record) => {
    guard(engine, record, guards);
    const { metadata: _, ...rest } = record;
    return { ...touched(engine, rest), ...(metadata === undefined ? {} : { metadata }) };
  });

/** Replaces access level and stored policies together (storage.md 7.2). */
export const setContainerAcl = (
  engine: Engine,
  place: ContainerPlace,
  acl: { readonly access: PublicAccess | undefined; readonly policies: readonly StoredPolicy[] },
  guards: ContainerGuards,
): Promise<ContainerRecord> =>
  changeContainer(engine, place, (record) => {
    guard(engine, record, guards);
    const { access: _, policies: __, ...rest } = record;
    return {
      ...touched(engine, rest),
      ...(acl.access === undefined ? {} : { access: acl.access }),
      ...(acl.policies.length === 0 ? {} : { policies: acl.policies }),
    };
  });

/** Neither etag nor modification time change (storage.md 6.2). */
export const leaseContainer = async (
  engine: Engine,
  place: ContainerPlace,
  request: LeaseRequest,
  conditions: Conditions | undefined,
): Promise<{ readonly record: ContainerRecord; readonly outcome: LeaseOutcome }> => {
  let outcome: LeaseOutcome = { lease: undefined };
  const record = await changeContainer(engine, place, (kept) => {
    checkWrite(conditions, kept);
    outcome = leaseStep(kept.lease, request, engine.clock.now(), "container");
    const { lease: _, ...rest } = kept;
    return { ...rest, ...(outcome.lease === undefined ? {} : { lease: outcome.lease }) };
  });
  return { record, outcome };
};

/** The container is gone when this resolves; its content is released in the background, and after a crash at the next start. */
export const deleteContainer = async (
  engine: Engine,
  place: ContainerPlace,
  guards: ContainerGuards,
): Promise<void> => {
  const partition = accountPartition(place.account);
  const uid = await engine.store.transact([partition], async (tx) => {
    const rows = tx.collection(containerSpec);
    const kept = (await rows.get(partition, place.container))?.value;
    if (kept === undefined) throw storageFault("containerNotFound");
    checkWrite(guards.conditions, kept);
    checkContainerDelete(kept.lease, guards.leaseId, engine.clock.now());
    await rows.delete(partition, place.container);
    await tx.collection(garbageSpec).put(partition, kept.uid, { uid: kept.uid });
    return kept.uid;
  });
  engine.containers.forget(containerKey(place));
  // Nobody waits for it: a container may hold a hundred thousand blobs. When it fails, the next start tries again.
  collect(engine, place.account, uid).catch(() => undefined);
};

const batch = 200;

/** Releases what a deleted container held. */
const collect = async (engine: Engine, account: string, uid: string): Promise<void> => {
  const shared = accountPartition(account);
  const own = containerPartition(account, uid);
  const sweep = async <T>(
    spec: { readonly name: string },
    refsOf: (value: T) => readonly { readonly ref: string }[],
  ): Promise<void> => {
    const rows = engine.store.collection<T>(spec);
    for (;;) {
      const found: Entry<T>[] = await rows.list(own, { limit: batch });
      if (found.length === 0) return;
      await engine.store.transact([shared, own], async (tx) => {
        for (const { key } of found) {
          const entry = await tx.collection<T>(spec).get(own, key);
          if (entry === undefined) continue;
          await releaseParts({ tx, shared }, refsOf(entry.value));
          await tx.collection<T>(spec).delete(own, key);
        }
      });
    }
  };
  await sweep(snapshotSpec, (value: { parts: readonly { ref: string }[] }) => value.parts);
  await sweep(blobSpec, (value: { parts: readonly { ref: string }[] }) => value.parts);
  await sweep(blockSpec, (value: { ref: string }) => [value]);
  await sweep(stagingSpec, () => []);
  await engine.store.collection(garbageSpec).delete(shared, uid);
};

/** Releases what deletions that a crash interrupted have left. */
export const collectGarbage = async (engine: Engine, account: string): Promise<void> => {
  for (const { key } of await engine.store.collection(garbageSpec).list(accountPartition(account), { limit: 100_000 }))
    await collect(engine, account, key);
};

/** Deletes every container of an account. */
export const dropAccount = async (engine: Engine, account: string): Promise<void> => {
  const rows = engine.store.collection(containerSpec);
  for (;;) {
    const found = await rows.list(accountPartition(account), { limit: batch });
    if (found.length === 0) break;
    for (const { key, value } of found) {
      const { lease: _, ...rest } = value;
      if (value.lease !== undefined) await changeContainer(engine, { account, container: key }, () => rest);
      await deleteContainer(engine, { account, container: key }, { conditions: undefined, leaseId: undefined });
    }
  }
  await collectGarbage(engine, account);
};
