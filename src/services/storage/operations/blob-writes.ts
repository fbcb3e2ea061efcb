import { empty, type Reply } from "../../../kernel/message.ts";
import { dataActions } from "../actions.ts";
import { changeBlob, deleteBlob, putBlob, type SnapshotsChoice } from "../engine/blobs.ts";
import { containerOf, type Engine } from "../engine/engine.ts";
import type { BlobRecord } from "../engine/records.ts";
import { storageFault } from "../faults.ts";
import { blobOperation, type BlobCall, type BlobOperation, blobPlace, containerPlace } from "../target.ts";
import { childText, parseXml } from "../xml.ts";
import { committing, emptyMd5, receiveBody } from "./body.ts";
import {
  badHeader,
  checkedTags,
  contentHeadersOf,
  encrypted,
  guardsOf,
  header,
  metadataOf,
  tagsOf,
  tierOf,
  written,
} from "./headers.ts";
import { blobSas, data, writeOrAdd } from "./rules.ts";

const path = "/:container/**:blob";
const MiB = 1024 * 1024;
export const putBlobLimit = 5000 * MiB;

/** Put Blob and the changes beside its content (storage.md 3.3). */
export const blobWriteOperations = (engine: Engine): readonly BlobOperation[] => [
  blobOperation({
    name: "PutBlob",
    method: "PUT",
    path,
    bodyLimit: putBlobLimit,
    needs: writeOrAdd(engine),
    sas: blobSas({ "*": "w", [dataActions.add]: "c" }),
    handle: (call) => put(engine, call),
  }),
  blobOperation({
    name: "SetBlobMetadata",
    method: "PUT",
    path,
    query: { comp: "metadata" },
    needs: data(dataActions.write),
    sas: blobSas({ "*": "w" }),
    handle: async (call) => {
      const metadata = metadataOf(call.request);
      const record = await changeBlob(engine, blobPlace(call), guardsOf(call), (kept) => {
        const { metadata: _, ...rest } = kept;
        return metadata === undefined ? rest : { ...rest, metadata };
      });
      return empty(200, { ...written(record), ...encrypted });
    },
  }),
  blobOperation({
    name: "SetBlobHTTPHeaders",
    method: "PUT",
    path,
    query: { comp: "properties" },
    needs: data(dataActions.write),
    sas: blobSas({ "*": "w" }),
    handle: async (call) => {
      const change = headersChange(call);
      return empty(200, written(await changeBlob(engine, blobPlace(call), guardsOf(call), change)));
    },
  }),
  blobOperation({
    name: "SetBlobTags",
    method: "PUT",
    path,
    query: { comp: "tags" },
    bodyLimit: 64 * 1024,
    needs: data(dataActions.tagsWrite),
    sas: blobSas({ "*": "t" }),
    handle: async (call) => {
      const tags = readTags(await call.body.text());
      await changeBlob(
        engine,
        blobPlace(call),
        guardsOf(call),
        ({ tags: _, ...rest }) => (Object.keys(tags).length === 0 ? rest : { ...rest, tags }),
        false,
      );
      return empty(204);
    },
  }),
  blobOperation({
    name: "SetBlobTier",
    method: "PUT",
    path,
    query: { comp: "tier" },
    needs: data(dataActions.write),
    sas: blobSas({ "*": "w" }),
    handle: (call) => setTier(engine, call),
  }),
  blobOperation({
    name: "DeleteBlob",
    method: "DELETE",
    path,
    needs: data(dataActions.delete),
    sas: blobSas({ "*": "d" }),
    handle: async (call) => {
      if (call.request.query.has("versionid")) throw storageFault("blobNotFound");
      await deleteBlob(
        engine,
        blobPlace(call),
        { snapshot: call.target.snapshot, snapshots: snapshotsChoice(call) },
        guardsOf(call),
      );
      return empty(202, { "x-ms-delete-type-permanent": "true" });
    },
  }),
];

const put = async (engine: Engine, call: BlobCall): Promise<Reply> => {
  const { request } = call;
  const type = header(request, "x-ms-blob-type");
  if (type === undefined) throw storageFault("missingHeader", {}, { detail: { HeaderName: "x-ms-blob-type" } });
  const isAppend = type.toLowerCase() === "appendblob";
  if (!isAppend && type.toLowerCase() !== "blockblob") throw unknownType(type);
  const content = {
    type: isAppend ? ("AppendBlob" as const) : ("BlockBlob" as const),
    headers: contentHeadersOf(request),
    metadata: metadataOf(request),
    tags: tagsOf(request),
    tier: tierOf(request),
  };
  if (isAppend && content.tier !== undefined) throw storageFault("tierNotSupported");
  if (isAppend && (call.body.length ?? 0) > 0) throw badHeader("Content-Length", String(call.body.length));
  const guards = guardsOf(call);
  // Refused before a large body is read.
  await containerOf(engine, containerPlace(call));
  const received = await receiveBody(engine, call, isAppend ? 0 : putBlobLimit, [
    "x-ms-blob-content-md5",
    "content-md5",
  ]);
  const { upload } = received;
  const md5 = isAppend ? undefined : (upload?.md5.toString("base64") ?? emptyMd5);
  const record = await committing(engine, received, () =>
    putBlob(engine, blobPlace(call), upload, { ...content, md5 }, guards),
  );
  const headers: Record<string, string> = { ...written(record), ...encrypted };
  if (md5 !== undefined) headers["content-md5"] = md5;
  if (received.crc64 !== undefined) headers["x-ms-content-crc64"] = received.crc64;
  return empty(201, headers);
};

const unknownType = (type: string): Error =>
  type.toLowerCase() === "pageblob"
    ? storageFault(
        "unsupportedHeader",
        {},
        {
          detail: { HeaderName: "x-ms-blob-type", HeaderValue: type },
          hint: "Page blobs are not built; the storage service's README lists what is.",
        },
      )
    : badHeader("x-ms-blob-type", type);

/** If one of the six is sent, all six are set (storage.md 6.3). */
const headersChange = (call: BlobCall): ((kept: BlobRecord) => BlobRecord) => {
  const { request } = call;
  const md5 = header(request, "x-ms-blob-content-md5");
  const headers = contentHeadersOf(request, false);
  if (header(request, "x-ms-sequence-number-action") ?? header(request, "x-ms-blob-content-length"))
    throw storageFault("invalidBlobType");
  if (md5 !== undefined && Buffer.from(md5, "base64").length !== 16) throw storageFault("invalidMd5");
  if (md5 === undefined && Object.keys(headers).length === 0) return (kept) => kept;
  return ({ md5: _, ...kept }) => ({ ...kept, headers, ...(md5 === undefined ? {} : { md5 }) });
};

const readTags = (text: string): Readonly<Record<string, string>> => {
  const sets = parseXml(text, "Tags").children.filter(({ name }) => name === "TagSet");
  return checkedTags(
    sets.flatMap((set) =>
      set.children.map(
        (tag) => [childText(tag, "Key") ?? "", tag.children.find(({ name }) => name === "Value")?.text ?? ""] as const,
      ),
    ),
  );
};

const setTier = async (engine: Engine, call: BlobCall): Promise<Reply> => {
  const tier = tierOf(call.request);
  if (tier === undefined) throw storageFault("missingHeader", {}, { detail: { HeaderName: "x-ms-access-tier" } });
  if (call.target.snapshot !== undefined) throw storageFault("blobNotFound");
  let archived = false;
  await changeBlob(
    engine,
    blobPlace(call),
    guardsOf(call),
    (kept) => {
      if (kept.type !== "BlockBlob") throw storageFault("tierNotSupported");
      archived = kept.tier === "Archive" && tier !== "Archive";
      return { ...kept, tier, tierChanged: call.clock.now() };
    },
    false,
  );
  return empty(archived ? 202 : 200);
};

const snapshotsChoice = (call: BlobCall): SnapshotsChoice => {
  const text = header(call.request, "x-ms-delete-snapshots");
  if (text === undefined) return undefined;
  const choice = text.toLowerCase();
  if (choice !== "include" && choice !== "only") throw badHeader("x-ms-delete-snapshots", text);
  if (call.target.snapshot !== undefined)
    throw storageFault("invalidOperation", { why: "x-ms-delete-snapshots is not permitted on a snapshot." });
  return choice;
};
