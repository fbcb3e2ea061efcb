import { storageFault } from "../faults.ts";
import { checkReplace, dropBlocks, type Guards, type NewContent, readBlob, replaced } from "./blobs.ts";
import { checkWrite, type Conditions } from "./conditions.ts";
import { releaseParts, shareParts } from "./content.ts";
import { type BlobPlace, containerOf, type Engine, inContainer } from "./engine.ts";
import { checkGiven, type LeaseOutcome, type LeaseRequest, leaseStep } from "./leases.ts";
import {
  accountPartition,
  below,
  type BlobRecord,
  blobSpec,
  containerPartition,
  containerSpec,
  type Metadata,
  snapshotSpec,
} from "./records.ts";

/** What the target of a copy is to be, from the source as it is at the moment of the commit. */
export type Adapt = (source: BlobRecord) => Omit<NewContent, "parts" | "size" | "type">;

/**
 * Copies within an account: the target names the source's content, no byte moves. One transaction, so that the source is
 * what its conditions say.
 */
export const cloneBlob = async (
  engine: Engine,
  source: {
    readonly place: BlobPlace;
    readonly snapshot: string | undefined;
    readonly conditions: Conditions | undefined;
  },
  place: BlobPlace,
  adapt: Adapt,
  guards: Guards,
): Promise<BlobRecord> => {
  const shared = accountPartition(place.account);
  const [from, to] = [await containerOf(engine, source.place), await containerOf(engine, place)];
  const own = containerPartition(place.account, to.uid);
  const other = containerPartition(place.account, from.uid);
  return engine.store.transact([...new Set([shared, own, other])], async (tx) => {
    const container = (await tx.collection(containerSpec).get(shared, place.container))?.value;
    if (container?.uid !== to.uid) throw storageFault("containerNotFound");
    const scene = { tx, container, shared, own };
    const { blob } = source.place;
    const found =
      source.snapshot === undefined
        ? await tx.collection(blobSpec).get(other, blob)
        : await tx.collection(snapshotSpec).get(other, below(blob, source.snapshot));
    checkWrite(source.conditions, found?.value, "sourceConditionNotMet");
    if (found === undefined) throw storageFault("cannotVerifySource", { why: "The specified blob does not exist." });
    const existing = await readBlob(scene, place.blob);
    checkReplace(engine, existing, guards);
    const { type, parts, size } = found.value;
    if (existing !== undefined && existing.type !== type) throw storageFault("invalidBlobType");
    // Shared before the old content is released: they may be the same.
    await shareParts(scene, parts);
    if (existing !== undefined) await releaseParts(scene, existing.parts);
    await dropBlocks(engine, scene, place.blob);
    const record = replaced(engine, existing, { ...adapt(found.value), type, parts, size });
    await tx.collection(blobSpec).put(own, place.blob, record);
    return record;
  });
};

/** Snapshot Blob. @returns the snapshot's id, a time with seven digits, and the record that it keeps */
export const snapshotBlob = (
  engine: Engine,
  place: BlobPlace,
  metadata: Metadata | undefined,
  guards: Guards,
): Promise<{ readonly id: string; readonly record: BlobRecord }> =>
  inContainer(engine, place, async (scene) => {
    const existing = await readBlob(scene, place.blob);
    checkWrite(guards.conditions, existing);
    if (existing === undefined) throw storageFault("blobNotFound");
    const now = engine.clock.now();
    checkGiven(existing.lease, guards.leaseId, now, "blob");
    const rows = scene.tx.collection(snapshotSpec);
    let id: string;
    let tick = 0;
    do id = new Date(now).toISOString().replace("Z", `${String(tick++).padStart(4, "0")}Z`);
    while ((await rows.get(scene.own, below(place.blob, id))) !== undefined);
    const { lease: _, snapshots = 0, ...rest } = existing;
    const record = metadata === undefined ? rest : { ...rest, metadata, etag: engine.nextEtag(), modified: now };
    await shareParts(scene, existing.parts);
    await rows.put(scene.own, below(place.blob, id), record);
    await scene.tx.collection(blobSpec).put(scene.own, place.blob, { ...existing, snapshots: snapshots + 1 });
    return { id, record };
  });

/** Lease Blob: neither etag nor time change. */
export const leaseBlob = (
  engine: Engine,
  place: BlobPlace,
  request: LeaseRequest,
  conditions: Conditions | undefined,
): Promise<{ readonly record: BlobRecord; readonly outcome: LeaseOutcome }> =>
  inContainer(engine, place, async (scene) => {
    const existing = await readBlob(scene, place.blob);
    checkWrite(conditions, existing);
    if (existing === undefined) throw storageFault("blobNotFound");
    const outcome = leaseStep(existing.lease, request, engine.clock.now(), "blob");
    const { lease: _, ...rest } = existing;
    const record = { ...rest, ...(outcome.lease === undefined ? {} : { lease: outcome.lease }) };
    await scene.tx.collection(blobSpec).put(scene.own, place.blob, record);
    return { record, outcome };
  });
