import { hash } from "node:crypto";
import { empty, queryValue, type Reply } from "../../../kernel/message.ts";
import { sasGrantOf } from "../auth/sas.ts";
import { dataActions } from "../actions.ts";
import { findBlob } from "../engine/blobs.ts";
import { conditionsOf } from "../engine/conditions.ts";
import { readParts } from "../engine/content.ts";
import type { Engine } from "../engine/engine.ts";
import { rangeOf } from "../engine/ranges.ts";
import type { BlobRecord } from "../engine/records.ts";
import { storageFault } from "../faults.ts";
import { blobOperation, type BlobCall, type BlobOperation, blobPlace } from "../target.ts";
import { document } from "../xml.ts";
import { badHeader, blobHeaders, header, leaseIdOf, metadataHeaders, tierHeaders, written } from "./headers.ts";
import { tagSetXml } from "./list-blobs.ts";
import { blobSas, data } from "./rules.ts";

const path = "/:container/**:blob";

/** Get Blob and what tells about it (storage.md 3.3, 6.5). */
export const blobReadOperations = (engine: Engine): readonly BlobOperation[] => [
  blobOperation({
    name: "GetBlob",
    method: "GET",
    path,
    needs: data(dataActions.read),
    sas: blobSas({ "*": "r" }),
    anonymous: "blob",
    handle: (call) => getBlob(engine, call),
  }),
  blobOperation({
    name: "GetBlobProperties",
    method: "HEAD",
    path,
    needs: data(dataActions.read),
    sas: blobSas({ "*": "r" }),
    anonymous: "blob",
    handle: async (call) => {
      const record = await find(engine, call);
      const headers = {
        ...blobHeaders(record, call.clock.now()),
        ...tierHeaders(record),
        "content-length": String(record.size),
        ...(record.md5 === undefined ? {} : { "content-md5": record.md5 }),
        ...sasGrantOf(call.caller)?.overrides,
      };
      return empty(200, headers);
    },
  }),
  blobOperation({
    name: "GetBlobMetadata",
    method: ["GET", "HEAD"],
    path,
    query: { comp: "metadata" },
    needs: data(dataActions.read),
    sas: blobSas({ "*": "r" }),
    anonymous: "blob",
    handle: async (call) => {
      const record = await find(engine, call);
      return empty(200, { ...written(record), ...metadataHeaders(record.metadata) });
    },
  }),
  blobOperation({
    name: "GetBlobTags",
    method: "GET",
    path,
    query: { comp: "tags" },
    needs: data(dataActions.tagsRead),
    sas: blobSas({ "*": "t" }),
    handle: async (call) => {
      const record = await find(engine, call);
      const text = document(tagSetXml(record.tags ?? {}));
      return { status: 200, body: { text, type: "application/xml" } };
    },
  }),
];

const find = async (engine: Engine, call: BlobCall): Promise<BlobRecord> => {
  if (queryValue(call.request, "versionid") !== undefined) throw storageFault("blobNotFound");
  return findBlob(engine, blobPlace(call), {
    snapshot: call.target.snapshot,
    conditions: conditionsOf(call.request),
    leaseId: leaseIdOf(call.request),
  });
};

const rangeMd5Limit = 4 * 1024 * 1024;

const getBlob = async (engine: Engine, call: BlobCall): Promise<Reply> => {
  const { request } = call;
  const record = await find(engine, call);
  if (record.tier === "Archive") throw storageFault("blobArchived");
  if (header(request, "x-ms-structured-body") !== undefined)
    throw storageFault("unsupportedHeader", {}, { detail: { HeaderName: "x-ms-structured-body" } });
  const range = rangeOf(header(request, "x-ms-range") ?? header(request, "range"), record.size);
  const wantsMd5 = header(request, "x-ms-range-get-content-md5")?.toLowerCase() === "true";
  if (wantsMd5 && (range === undefined || range.end - range.start > rangeMd5Limit))
    throw badHeader("x-ms-range-get-content-md5", "true");
  const { start, end } = range ?? { start: 0, end: record.size };
  const content = await readParts(engine, record.parts, start, end);
  const headers = blobHeaders(record, call.clock.now());
  if (record.md5 !== undefined) headers[range === undefined ? "content-md5" : "x-ms-blob-content-md5"] = record.md5;
  if (range !== undefined) headers["content-range"] = `bytes ${start}-${end - 1}/${record.size}`;
  const overrides = sasGrantOf(call.caller)?.overrides;
  if (overrides !== undefined) Object.assign(headers, overrides);
  const status = range === undefined ? 200 : 206;
  if ("stream" in content && !wantsMd5)
    return { status, headers, body: { stream: content.stream, length: end - start } };
  const bytes = "bytes" in content ? content.bytes : Buffer.concat(await content.stream.toArray());
  if (wantsMd5) headers["content-md5"] = md5Of(bytes);
  return { status, headers, body: { bytes } };
};

const md5Of = (bytes: Buffer): string => hash("md5", bytes, "buffer").toString("base64");
