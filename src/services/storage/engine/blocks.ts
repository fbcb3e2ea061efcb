import type { Upload } from "../../../store/store.ts";
import { storageFault } from "../faults.ts";
import { checkReplace, type Guards, type NewContent, readBlob, releaseBlocks, replaced } from "./blobs.ts";
import { checkWrite } from "./conditions.ts";
import { droppedParts, partOf, releaseParts } from "./content.ts";
import { type BlobPlace, containerOf, type Engine, inContainer } from "./engine.ts";
import { afterWrite, checkBlobWrite } from "./leases.ts";
import {
  below,
  type BlobRecord,
  blobSpec,
  type BlockRecord,
  blockSpec,
  containerPartition,
  type ContentPart,
  stagingSpec,
} from "./records.ts";

/** Blocks of a blob that are put one by one and committed by a list (storage.md 6.3). */
const longestId = 64;
const mostBlocks = 50_000;

/** Decoded length of a block id. @throws Fault 400 */
export const blockIdLength = (id: string): number => {
  const bytes = Buffer.from(id, "base64");
  const detail = { detail: { QueryParameterName: "blockid", QueryParameterValue: id.slice(0, 100) } };
  if (id === "" || bytes.toString("base64") !== id) throw storageFault("invalidQuery", {}, detail);
  if (bytes.length > longestId) throw storageFault("outOfRangeInput", {}, detail);
  return bytes.length;
};

const keyOf = (blob: string, id: string): string => below(blob, Buffer.from(id, "base64").toString("hex"));

export const putBlock = (
  engine: Engine,
  place: BlobPlace,
  id: string,
  upload: Upload,
  leaseId: string | undefined,
): Promise<void> =>
  inContainer(engine, place, async (scene) => {
    const { tx, own } = scene;
    const idLength = blockIdLength(id);
    const existing = await readBlob(scene, place.blob);
    if (existing !== undefined) checkBlobWrite(existing.lease, leaseId, engine.clock.now());
    else if (leaseId !== undefined) throw storageFault("leaseNotPresentBlob");
    if (existing?.type === "AppendBlob") throw storageFault("invalidBlobType");
    const staging = tx.collection(stagingSpec);
    const staged = await staging.get(own, place.blob);
    if (staged === undefined) await staging.put(own, place.blob, { idLength, created: engine.clock.now() });
    else if (staged.value.idLength !== idLength) throw storageFault("invalidBlobOrBlock");
    const blocks = tx.collection(blockSpec);
    const before = await blocks.get(own, keyOf(place.blob, id));
    if (before !== undefined) tx.release(before.value.ref);
    tx.attach(upload);
    await blocks.put(own, keyOf(place.blob, id), { id, ref: upload.ref, size: upload.size });
  });

export interface BlockName {
  readonly from: "Latest" | "Uncommitted" | "Committed";
  readonly id: string;
}

/** Put Block List: the named blocks become the blob; all other uncommitted ones are gone. */
export const commitBlocks = (
  engine: Engine,
  place: BlobPlace,
  names: readonly BlockName[],
  content: Omit<NewContent, "parts" | "size" | "type">,
  guards: Guards,
): Promise<BlobRecord> =>
  inContainer(engine, place, async (scene) => {
    const { tx, own } = scene;
    if (names.length > mostBlocks) throw storageFault("blockListTooLong");
    const existing = await readBlob(scene, place.blob);
    checkReplace(engine, existing, guards);
    if (existing !== undefined && existing.type !== "BlockBlob") throw storageFault("invalidBlobType");
    const committed = new Map((existing?.parts ?? []).map((part) => [part.id, part]));
    const blocks = tx.collection(blockSpec);
    const parts: ContentPart[] = [];
    for (const { from, id } of names) {
      const fresh = from === "Committed" ? undefined : (await blocks.get(own, keyOf(place.blob, id)))?.value;
      const kept = from === "Uncommitted" ? undefined : committed.get(id);
      const block = fresh ?? kept;
      if (block === undefined) throw storageFault("invalidBlockList");
      parts.push({ ref: block.ref, size: block.size, id });
    }
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const record = replaced(engine, existing, { ...content, type: "BlockBlob", parts, size });
    await releaseParts(scene, droppedParts(existing?.parts ?? [], parts));
    await releaseBlocks(engine, scene, place.blob, new Set(parts.map(({ ref }) => ref)));
    await tx.collection(stagingSpec).delete(own, place.blob);
    await tx.collection(blobSpec).put(own, place.blob, record);
    return record;
  });

export interface BlockLists {
  readonly record: BlobRecord | undefined;
  readonly committed: readonly ContentPart[];
  readonly uncommitted: readonly BlockRecord[];
}

/** @throws Fault BlobNotFound when there is neither a blob nor a block */
export const blockLists = async (engine: Engine, place: BlobPlace): Promise<BlockLists> => {
  const { uid } = await containerOf(engine, place);
  const own = containerPartition(place.account, uid);
  const { store } = engine;
  const record = (await store.collection(blobSpec).get(own, place.blob))?.value;
  const found = await store.collection(blockSpec).list(own, { prefix: below(place.blob, ""), limit: 1_000_000 });
  if (record === undefined && found.length === 0) throw storageFault("blobNotFound");
  if (record !== undefined && record.type !== "BlockBlob") throw storageFault("invalidBlobType");
  return {
    record,
    committed: (record?.parts ?? []).filter(({ id }) => id !== undefined),
    uncommitted: found.map(({ value }) => value),
  };
};

export interface AppendLimits {
  readonly position: number | undefined;
  readonly maxSize: number | undefined;
}

/** Append Block. @returns the record and where the block begins */
export const appendBlock = (
  engine: Engine,
  place: BlobPlace,
  upload: Upload,
  limits: AppendLimits,
  guards: Guards,
): Promise<{ readonly record: BlobRecord; readonly offset: number }> =>
  inContainer(engine, place, async (scene) => {
    const existing = await readBlob(scene, place.blob);
    checkWrite(guards.conditions, existing);
    if (existing === undefined) throw storageFault("blobNotFound");
    const now = engine.clock.now();
    checkBlobWrite(existing.lease, guards.leaseId, now);
    if (existing.type !== "AppendBlob") throw storageFault("invalidBlobType");
    if (existing.sealed === true) throw storageFault("blobSealed");
    const { size: offset, lease: _, ...rest } = existing;
    if (limits.position !== undefined && limits.position !== offset) throw storageFault("appendPositionNotMet");
    if (limits.maxSize !== undefined && offset + upload.size > limits.maxSize) throw storageFault("maxBlobSizeNotMet");
    if (existing.parts.length >= mostBlocks) throw storageFault("blockCountExceeded");
    const lease = afterWrite(existing.lease, now);
    const record: BlobRecord = {
      ...rest,
      size: offset + upload.size,
      parts: [...existing.parts, ...partOf(upload)],
      etag: engine.nextEtag(),
      modified: now,
      ...(lease === undefined ? {} : { lease }),
    };
    scene.tx.attach(upload);
    await scene.tx.collection(blobSpec).put(scene.own, place.blob, record);
    return { record, offset };
  });
