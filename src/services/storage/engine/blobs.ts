import type { Upload } from "../../../store/store.ts";
import { storageFault } from "../faults.ts";
import { checkRead, checkWrite, type Conditions, onlyNew } from "./conditions.ts";
import { partOf, releaseParts } from "./content.ts";
import { type BlobPlace, containerOf, type Engine, inContainer, type Scene } from "./engine.ts";
import { afterWrite, checkBlobWrite, checkGiven } from "./leases.ts";
import {
  type AccessTier,
  below,
  type BlobRecord,
  blobSpec,
  type BlobType,
  blockSpec,
  containerPartition,
  type ContentHeaders,
  type CopyRecord,
  type ContentPart,
  type Metadata,
  snapshotSpec,
  stagingSpec,
  type Tags,
} from "./records.ts";

/** What a write demands of the blob it meets. */
export interface Guards {
  readonly conditions: Conditions | undefined;
  readonly leaseId: string | undefined;
  /** The caller may create but not overwrite. */
  readonly createOnly?: boolean;
}

/** What a blob is to become. */
export interface NewContent {
  readonly type: BlobType;
  readonly size: number;
  readonly parts: readonly ContentPart[];
  readonly md5: string | undefined;
  readonly headers: ContentHeaders;
  readonly metadata: Metadata | undefined;
  readonly tags: Tags | undefined;
  readonly tier: AccessTier | undefined;
  readonly copy?: CopyRecord;
}

/** Checks in the order of storage.md 6.1: conditions, `*`, overwriting right, lease. */
export const checkReplace = (engine: Engine, existing: BlobRecord | undefined, guards: Guards): void => {
  checkWrite(guards.conditions, existing);
  if (existing === undefined) {
    if (guards.leaseId !== undefined) throw storageFault("leaseNotPresentBlob");
    return;
  }
  if (onlyNew(guards.conditions)) throw storageFault("blobExists");
  if (guards.createOnly === true) throw storageFault("unauthorizedOverwrite");
  checkBlobWrite(existing.lease, guards.leaseId, engine.clock.now());
};

/** The record of new content in the place of an old one: lease and snapshots stay, the rest is new. */
export const replaced = (engine: Engine, existing: BlobRecord | undefined, content: NewContent): BlobRecord => {
  const now = engine.clock.now();
  const lease = afterWrite(existing?.lease, now);
  const { type, size, parts, md5, headers, metadata, tags, tier, copy } = content;
  return {
    type,
    etag: engine.nextEtag(),
    created: existing?.created ?? now,
    modified: now,
    size,
    ...(md5 === undefined ? {} : { md5 }),
    headers,
    parts,
    ...(metadata === undefined ? {} : { metadata }),
    ...(tags === undefined ? {} : { tags }),
    ...(tier === undefined ? {} : { tier, tierChanged: now }),
    ...(lease === undefined ? {} : { lease }),
    ...(copy === undefined ? {} : { copy }),
    ...(existing?.snapshots === undefined ? {} : { snapshots: existing.snapshots }),
  };
};

/** Put Blob: one transaction. The upload becomes the content; what it replaces is released. */
export const putBlob = async (
  engine: Engine,
  place: BlobPlace,
  upload: Upload | undefined,
  content: Omit<NewContent, "parts" | "size">,
  guards: Guards,
): Promise<BlobRecord> => {
  const parts = upload === undefined ? [] : partOf(upload);
  return inContainer(engine, place, async (scene) => {
    const existing = await readBlob(scene, place.blob);
    checkReplace(engine, existing, guards);
    const record = replaced(engine, existing, { ...content, parts, size: upload?.size ?? 0 });
    // An empty content has no part, and so nobody who would release it.
    if (upload !== undefined && upload.size > 0) scene.tx.attach(upload);
    if (existing !== undefined) await releaseParts(scene, existing.parts);
    await dropBlocks(engine, scene, place.blob);
    await scene.tx.collection(blobSpec).put(scene.own, place.blob, record);
    return record;
  });
};

/** The uncommitted blocks of a name go when the blob is written whole. */
export const dropBlocks = async (engine: Engine, scene: Scene, blob: string): Promise<void> => {
  const staging = scene.tx.collection(stagingSpec);
  if ((await staging.get(scene.own, blob)) === undefined) return;
  await staging.delete(scene.own, blob);
  await releaseBlocks(engine, scene, blob, new Set());
};

/** Releases the uncommitted blocks of a name but those in `keep` (references). */
export const releaseBlocks = async (
  engine: Engine,
  scene: Scene,
  blob: string,
  keep: ReadonlySet<string>,
): Promise<void> => {
  // Listed outside the transaction: a block that arrives meanwhile counts as put afterwards.
  const found = await engine.store.collection(blockSpec).list(scene.own, { prefix: below(blob, ""), limit: 1_000_000 });
  const blocks = scene.tx.collection(blockSpec);
  for (const { key } of found) {
    const block = await blocks.get(scene.own, key);
    if (block === undefined) continue;
    if (!keep.has(block.value.ref)) scene.tx.release(block.value.ref);
    await blocks.delete(scene.own, key);
  }
};

export const readBlob = async (scene: Scene, blob: string): Promise<BlobRecord | undefined> =>
  (await scene.tx.collection(blobSpec).get(scene.own, blob))?.value;

/** A blob or one of its snapshots, for reading. @throws Fault ContainerNotFound, ConditionNotMet, BlobNotFound, 412 */
export const findBlob = async (
  engine: Engine,
  place: BlobPlace,
  options: {
    readonly snapshot: string | undefined;
    readonly conditions: Conditions | undefined;
    readonly leaseId: string | undefined;
  },
): Promise<BlobRecord> => {
  const record = await lookUp(engine, place, options.snapshot);
  checkRead(options.conditions, record);
  if (record === undefined) throw storageFault("blobNotFound");
  if (options.leaseId !== undefined) checkGiven(record.lease, options.leaseId, engine.clock.now(), "blob");
  return record;
};

/** A blob or snapshot, if it is there. @throws Fault ContainerNotFound */
export const lookUp = async (
  engine: Engine,
  place: BlobPlace,
  snapshot: string | undefined,
): Promise<BlobRecord | undefined> => {
  const { uid } = await containerOf(engine, place);
  const own = containerPartition(place.account, uid);
  const { store } = engine;
  if (snapshot === undefined) return (await store.collection(blobSpec).get(own, place.blob))?.value;
  return (await store.collection(snapshotSpec).get(own, below(place.blob, snapshot)))?.value;
};

/** Changes what stands beside a blob's content. `touch`: a new etag and time. @throws Fault */
export const changeBlob = (
  engine: Engine,
  place: BlobPlace,
  guards: Guards,
  change: (record: BlobRecord) => BlobRecord,
  touch = true,
): Promise<BlobRecord> =>
  inContainer(engine, place, async (scene) => {
    const existing = await readBlob(scene, place.blob);
    checkWrite(guards.conditions, existing);
    if (existing === undefined) throw storageFault("blobNotFound");
    const now = engine.clock.now();
    checkBlobWrite(existing.lease, guards.leaseId, now);
    const { lease: _, ...changed } = change(existing);
    const lease = afterWrite(existing.lease, now);
    const record = {
      ...changed,
      ...(lease === undefined ? {} : { lease }),
      ...(touch ? { etag: engine.nextEtag(), modified: now } : {}),
    };
    await scene.tx.collection(blobSpec).put(scene.own, place.blob, record);
    return record;
  });

export type SnapshotsChoice = "include" | "only" | undefined;

/** Delete Blob, of a base blob (with or without its snapshots), of one snapshot, or of a blob never committed. */
export const deleteBlob = (
  engine: Engine,
  place: BlobPlace,
  options: { readonly snapshot: string | undefined; readonly snapshots: SnapshotsChoice },
  guards: Guards,
): Promise<void> =>
  inContainer(engine, place, async (scene) => {
    const rows = scene.tx.collection(blobSpec);
    const existing = await readBlob(scene, place.blob);
    if (options.snapshot !== undefined) return deleteSnapshot(scene, place.blob, options.snapshot, existing, guards);
    checkWrite(guards.conditions, existing);
    if (existing === undefined) {
      if ((await scene.tx.collection(stagingSpec).get(scene.own, place.blob)) === undefined)
        throw storageFault("blobNotFound");
      return dropBlocks(engine, scene, place.blob);
    }
    checkBlobWrite(existing.lease, guards.leaseId, engine.clock.now());
    const count = existing.snapshots ?? 0;
    if (options.snapshots === undefined && count > 0) throw storageFault("snapshotsPresent");
    if (count > 0) await dropSnapshots(engine, scene, place.blob);
    if (options.snapshots === "only") {
      const { snapshots: _, ...rest } = existing;
      await rows.put(scene.own, place.blob, rest);
      return;
    }
    await releaseParts(scene, existing.parts);
    await rows.delete(scene.own, place.blob);
    await dropBlocks(engine, scene, place.blob);
  });

const deleteSnapshot = async (
  scene: Scene,
  blob: string,
  snapshot: string,
  base: BlobRecord | undefined,
  guards: Guards,
): Promise<void> => {
  const rows = scene.tx.collection(snapshotSpec);
  const key = below(blob, snapshot);
  const found = (await rows.get(scene.own, key))?.value;
  checkWrite(guards.conditions, found);
  if (found === undefined) throw storageFault("blobNotFound");
  await releaseParts(scene, found.parts);
  await rows.delete(scene.own, key);
  if (base === undefined) return;
  const { snapshots = 1, ...rest } = base;
  await scene.tx
    .collection(blobSpec)
    .put(scene.own, blob, snapshots > 1 ? { ...rest, snapshots: snapshots - 1 } : rest);
};

const dropSnapshots = async (engine: Engine, scene: Scene, blob: string): Promise<void> => {
  const found = await engine.store
    .collection(snapshotSpec)
    .list(scene.own, { prefix: below(blob, ""), limit: 1_000_000 });
  const rows = scene.tx.collection(snapshotSpec);
  for (const { key } of found) {
    const snapshot = await rows.get(scene.own, key);
    if (snapshot === undefined) continue;
    await releaseParts(scene, snapshot.value.parts);
    await rows.delete(scene.own, key);
  }
};
