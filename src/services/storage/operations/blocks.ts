import { empty, queryValue, type Reply } from "../../../kernel/message.ts";
import { dataActions } from "../actions.ts";
import { appendBlock, blockIdLength, type BlockName, blockLists, commitBlocks, putBlock } from "../engine/blocks.ts";
import { changeBlob } from "../engine/blobs.ts";
import { containerOf, type Engine } from "../engine/engine.ts";
import { checkGiven } from "../engine/leases.ts";
import { storageFault } from "../faults.ts";
import { blobOperation, type BlobCall, type BlobOperation, blobPlace, containerPlace } from "../target.ts";
import { document, element, parseXml } from "../xml.ts";
import { committing, receiveBody } from "./body.ts";
import {
  badHeader,
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
export const blockLimit = 4000 * MiB;
export const appendLimit = 100 * MiB;

/** Block blobs in blocks, and append blobs (storage.md 3.3, 6.3, 6.6). */
export const blockOperations = (engine: Engine): readonly BlobOperation[] => [
  blobOperation({
    name: "PutBlock",
    method: "PUT",
    path,
    query: { comp: "block" },
    bodyLimit: blockLimit,
    needs: data(dataActions.write),
    sas: blobSas({ "*": "w" }),
    handle: (call) => block(engine, call),
  }),
  blobOperation({
    name: "PutBlockList",
    method: "PUT",
    path,
    query: { comp: "blocklist" },
    bodyLimit: 16 * MiB,
    needs: writeOrAdd(engine),
    sas: blobSas({ "*": "w", [dataActions.add]: "c" }),
    handle: (call) => blockList(engine, call),
  }),
  blobOperation({
    name: "GetBlockList",
    method: "GET",
    path,
    query: { comp: "blocklist" },
    needs: data(dataActions.read),
    sas: blobSas({ "*": "r" }),
    handle: (call) => getBlockList(engine, call),
  }),
  blobOperation({
    name: "AppendBlock",
    method: "PUT",
    path,
    query: { comp: "appendblock" },
    bodyLimit: appendLimit,
    needs: writeOrAddAlways,
    sas: blobSas({ "*": "w", [dataActions.add]: "a" }),
    handle: (call) => append(engine, call),
  }),
  blobOperation({
    name: "SealAppendBlob",
    method: "PUT",
    path,
    query: { comp: "seal" },
    needs: writeOrAddAlways,
    sas: blobSas({ "*": "w", [dataActions.add]: "a" }),
    handle: async (call) => {
      const record = await changeBlob(engine, blobPlace(call), guardsOf(call), (kept) => {
        if (kept.type !== "AppendBlob") throw storageFault("invalidBlobType");
        return { ...kept, sealed: true };
      });
      return empty(200, { ...written(record), "x-ms-blob-sealed": "true" });
    },
  }),
];

/** The id in the query; `+` may have been sent raw and then reads as a space. */
export const blockIdOf = (call: Pick<BlobCall, "request">): string => {
  const id = queryValue(call.request, "blockid");
  if (id === undefined) throw storageFault("missingQuery", {}, { detail: { QueryParameterName: "blockid" } });
  const sound = id.replaceAll(" ", "+");
  blockIdLength(sound);
  return sound;
};

const block = async (engine: Engine, call: BlobCall): Promise<Reply> => {
  const id = blockIdOf(call);
  const leaseId = leaseIdOf(call.request);
  if (call.body.length === 0) throw badHeader("Content-Length", "0");
  await containerOf(engine, containerPlace(call));
  const received = await receiveBody(engine, call, blockLimit);
  const { upload } = received;
  if (upload === undefined) throw badHeader("Content-Length", "0");
  await committing(engine, received, () => putBlock(engine, blobPlace(call), id, upload, leaseId));
  return empty(201, { ...checksumHeaders(call, received), ...encrypted });
};

/** Answers the checksum that the client sent (storage.md 6.4). */
export const checksumHeaders = (
  call: Pick<BlobCall, "request">,
  received: { readonly md5: string; readonly crc64: string | undefined },
): Record<string, string> => ({
  ...(header(call.request, "content-md5") === undefined ? {} : { "content-md5": received.md5 }),
  ...(received.crc64 === undefined ? {} : { "x-ms-content-crc64": received.crc64 }),
});

const blockList = async (engine: Engine, call: BlobCall): Promise<Reply> => {
  const { request } = call;
  if (call.body.length === undefined) throw storageFault("missingLength");
  const names = blockNames(await call.body.text());
  const md5 = header(request, "x-ms-blob-content-md5");
  if (md5 !== undefined && Buffer.from(md5, "base64").length !== 16) throw storageFault("invalidMd5");
  const record = await commitBlocks(
    engine,
    blobPlace(call),
    names,
    {
      // The request's own type is that of the list.
      headers: contentHeadersOf(request, false),
      metadata: metadataOf(request),
      tags: tagsOf(request),
      tier: tierOf(request),
      md5,
    },
    guardsOf(call),
  );
  return empty(201, { ...written(record), ...encrypted });
};

/** The order counts across the kinds of elements. */
const blockNames = (text: string): readonly BlockName[] =>
  parseXml(text, "BlockList").children.map(({ name, text: id }) => {
    if (name !== "Latest" && name !== "Uncommitted" && name !== "Committed") throw storageFault("invalidXml");
    return { from: name, id: id.trim() };
  });

const getBlockList = async (engine: Engine, call: BlobCall): Promise<Reply> => {
  const type = queryValue(call.request, "blocklisttype")?.toLowerCase() ?? "committed";
  if (!["committed", "uncommitted", "all"].includes(type))
    throw storageFault("invalidQuery", {}, { detail: { QueryParameterName: "blocklisttype" } });
  const { record, committed, uncommitted } = await blockLists(engine, blobPlace(call));
  checkGiven(record?.lease, leaseIdOf(call.request), call.clock.now(), "blob");
  const list = (name: string, blocks: readonly { readonly id?: string; readonly size: number }[]): string =>
    `<${name}>${blocks.map(({ id, size }) => `<Block>${element("Name", id)}${element("Size", size)}</Block>`).join("")}</${name}>`;
  const text = document(
    `<BlockList>${type === "uncommitted" ? "" : list("CommittedBlocks", committed)}` +
      `${type === "committed" ? "" : list("UncommittedBlocks", uncommitted)}</BlockList>`,
  );
  return {
    status: 200,
    headers: {
      ...(record === undefined ? {} : written(record)),
      "x-ms-blob-content-length": String(record?.size ?? 0),
    },
    body: { text, type: "application/xml" },
  };
};

const number = (call: Pick<BlobCall, "request">, name: string): number | undefined => {
  const text = header(call.request, name);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badHeader(name, text);
  return Number(text);
};

export const appendLimitsOf = (call: Pick<BlobCall, "request">) => ({
  position: number(call, "x-ms-blob-condition-appendpos"),
  maxSize: number(call, "x-ms-blob-condition-maxsize"),
});

const append = async (engine: Engine, call: BlobCall): Promise<Reply> => {
  const limits = appendLimitsOf(call);
  const guards = guardsOf(call);
  if (call.body.length === 0) throw badHeader("Content-Length", "0");
  await containerOf(engine, containerPlace(call));
  const received = await receiveBody(engine, call, appendLimit);
  const { upload } = received;
  if (upload === undefined) throw badHeader("Content-Length", "0");
  const { record, offset } = await committing(engine, received, () =>
    appendBlock(engine, blobPlace(call), upload, limits, guards),
  );
  return empty(201, {
    ...written(record),
    ...checksumHeaders(call, received),
    ...encrypted,
    "x-ms-blob-append-offset": String(offset),
    "x-ms-blob-committed-block-count": String(record.parts.length),
  });
};
