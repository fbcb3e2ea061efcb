import { empty, type Reply } from "../../../kernel/message.ts";
import type { Accounts } from "../accounts.ts";
import { dataActions } from "../actions.ts";
import { appendBlock, putBlock } from "../engine/blocks.ts";
import { putBlob } from "../engine/blobs.ts";
import { readParts } from "../engine/content.ts";
import { type Adapt, cloneBlob } from "../engine/copies.ts";
import type { Engine } from "../engine/engine.ts";
import { rangeOf } from "../engine/ranges.ts";
import type { BlobRecord, Tags } from "../engine/records.ts";
import { storageFault } from "../faults.ts";
import { blobOperation, type BlobCall, type BlobOperation, blobPlace } from "../target.ts";
import { appendLimitsOf, appendLimit, blockIdOf, blockLimit } from "./blocks.ts";
import { committing, forget, type Received, receiveSource } from "./body.ts";
import { type CopySource, openSource } from "./copy-source.ts";
import {
  contentHeadersOf,
  encrypted,
  guardsOf,
  header,
  leaseIdOf,
  metadataOf,
  tagsOf,
  tierOf,
  written,
} from "./headers.ts";
import { blobSas, data, writeOrAdd, writeOrAddAlways } from "./rules.ts";

const path = "/:container/**:blob";
const MiB = 1024 * 1024;
const synchronousLimit = 256 * MiB;
const create = { "*": "w", [dataActions.add]: "c" } as const;

/**
 * Copies within the tenant (storage.md 3.3, 5.4). All are finished when they answer: within an account no byte moves,
 * between accounts the bytes are read and written.
 */
export const copyOperations = (engine: Engine, accounts: Accounts): readonly BlobOperation[] => [
  blobOperation({
    name: "CopyBlob",
    method: "PUT",
    path,
    headers: { "x-ms-copy-source": true },
    needs: writeOrAdd(engine),
    sas: blobSas(create),
    handle: (call) => copy(engine, accounts, call),
  }),
  blobOperation({
    name: "CopyBlobFromURL",
    method: "PUT",
    path,
    headers: { "x-ms-copy-source": true, "x-ms-requires-sync": "true" },
    needs: writeOrAdd(engine),
    sas: blobSas(create),
    handle: (call) => copy(engine, accounts, call, true),
  }),
  blobOperation({
    name: "PutBlobFromURL",
    method: "PUT",
    path,
    headers: { "x-ms-copy-source": true, "x-ms-blob-type": "BlockBlob" },
    needs: writeOrAdd(engine),
    sas: blobSas(create),
    handle: (call) => putFromUrl(engine, accounts, call),
  }),
  blobOperation({
    name: "PutBlockFromURL",
    method: "PUT",
    path,
    query: { comp: "block" },
    headers: { "x-ms-copy-source": true },
    needs: data(dataActions.write),
    sas: blobSas({ "*": "w" }),
    handle: async (call) => {
      const id = blockIdOf(call);
      const received = await readSource(engine, accounts, call, blockLimit);
      const { upload } = received;
      if (upload === undefined) throw storageFault("invalidRange");
      await committing(engine, received, () => putBlock(engine, blobPlace(call), id, upload, leaseIdOf(call.request)));
      return empty(201, { "content-md5": received.md5, ...encrypted });
    },
  }),
  blobOperation({
    name: "AppendBlockFromURL",
    method: "PUT",
    path,
    query: { comp: "appendblock" },
    headers: { "x-ms-copy-source": true },
    needs: writeOrAddAlways,
    sas: blobSas({ "*": "w", [dataActions.add]: "a" }),
    handle: async (call) => {
      const received = await readSource(engine, accounts, call, appendLimit);
      const { upload } = received;
      if (upload === undefined) throw storageFault("invalidRange");
      const { record, offset } = await committing(engine, received, () =>
        appendBlock(engine, blobPlace(call), upload, appendLimitsOf(call), guardsOf(call)),
      );
      return empty(201, {
        ...written(record),
        ...encrypted,
        "content-md5": received.md5,
        "x-ms-blob-append-offset": String(offset),
        "x-ms-blob-committed-block-count": String(record.parts.length),
      });
    },
  }),
  blobOperation({
    name: "AbortCopyBlob",
    method: "PUT",
    path,
    query: { comp: "copy" },
    needs: data(dataActions.write),
    sas: blobSas({ "*": "w" }),
    handle: () => {
      // A copy is finished before anybody can abort it.
      throw storageFault("noPendingCopy");
    },
  }),
];

/** Tags of the target: the request's, or with the option COPY the source's, which needs the right to read them there. */
const tagsFor = async (call: BlobCall, source: CopySource): Promise<Tags | undefined> => {
  const own = tagsOf(call.request);
  if (header(call.request, "x-ms-copy-source-tag-option")?.toLowerCase() !== "copy") return own;
  if (own !== undefined) throw storageFault("bothTags");
  if (source.place.account !== call.target.account.uid)
    throw storageFault("unsupportedHeader", {}, { detail: { HeaderName: "x-ms-copy-source-tag-option" } });
  const scope = `${call.target.account.id}/blobServices/default/containers/${source.place.container}`;
  await call.require({ kind: "data", name: dataActions.tagsRead, scope });
  return source.record.tags;
};

/** Copies; between accounts by reading and writing. */
const transfer = async (engine: Engine, call: BlobCall, source: CopySource, adapt: Adapt): Promise<BlobRecord> => {
  const place = blobPlace(call);
  const guards = guardsOf(call);
  if (source.place.account === place.account) return cloneBlob(engine, source, place, adapt, guards);
  const received = await read(engine, source.record, 0, source.record.size, source.record.size);
  const { type } = source.record;
  return committing(engine, received, () =>
    putBlob(engine, place, received.upload, { ...adapt(source.record), type }, guards),
  );
};

const read = async (
  engine: Engine,
  record: BlobRecord,
  start: number,
  end: number,
  limit: number,
): Promise<Received> => {
  const content = await readParts(engine, record.parts, start, end);
  const chunks = "stream" in content ? content.stream : [content.bytes];
  return receiveSource(engine, iterate(chunks), limit);
};

async function* iterate(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

const copy = async (engine: Engine, accounts: Accounts, call: BlobCall, synchronous = false): Promise<Reply> => {
  const source = await openSource(engine, accounts, call);
  if (synchronous) {
    if (source.record.type !== "BlockBlob") throw storageFault("invalidBlobType");
    if (source.record.size > synchronousLimit) throw storageFault("copyTooLarge");
    checkSourceMd5(call, source.record.md5);
  }
  const id = call.ids.guid();
  const metadata = metadataOf(call.request);
  const tags = await tagsFor(call, source);
  const tier = tierOf(call.request);
  const record = await transfer(engine, call, source, (from) => ({
    headers: from.headers,
    md5: from.md5,
    metadata: metadata ?? from.metadata,
    tags,
    tier: tier ?? (from.tier === "Archive" ? undefined : from.tier),
    copy: { id, source: source.url, completed: call.clock.now() },
  }));
  return empty(202, { ...written(record), "x-ms-copy-id": id, "x-ms-copy-status": "success" });
};

const checkSourceMd5 = (call: BlobCall, md5: string | undefined): void => {
  const wanted = header(call.request, "x-ms-source-content-md5");
  if (wanted !== undefined && md5 !== undefined && wanted !== md5) throw storageFault("md5Mismatch");
};

const putFromUrl = async (engine: Engine, accounts: Accounts, call: BlobCall): Promise<Reply> => {
  const { request } = call;
  const source = await openSource(engine, accounts, call);
  if (source.record.type !== "BlockBlob") throw storageFault("invalidBlobType");
  checkSourceMd5(call, source.record.md5);
  const own = contentHeadersOf(request, false);
  const takes = header(request, "x-ms-copy-source-blob-properties")?.toLowerCase() !== "false";
  const metadata = metadataOf(request);
  const tags = await tagsFor(call, source);
  const tier = tierOf(request);
  const record = await transfer(engine, call, source, (from) => ({
    headers: takes ? { ...from.headers, ...own } : own,
    md5: from.md5,
    metadata: metadata ?? (takes ? from.metadata : undefined),
    tags,
    tier,
  }));
  const md5 = record.md5 === undefined ? {} : { "content-md5": record.md5 };
  return empty(201, { ...written(record), ...encrypted, ...md5 });
};

/** The stretch of the source that a block is made of. */
const readSource = async (engine: Engine, accounts: Accounts, call: BlobCall, limit: number): Promise<Received> => {
  const { record } = await openSource(engine, accounts, call);
  const range = rangeOf(header(call.request, "x-ms-source-range"), record.size);
  const received = await read(engine, record, range?.start ?? 0, range?.end ?? record.size, limit);
  const wanted = header(call.request, "x-ms-source-content-md5");
  if (wanted === undefined || wanted === received.md5) return received;
  await forget(engine, received);
  throw storageFault("md5Mismatch");
};
