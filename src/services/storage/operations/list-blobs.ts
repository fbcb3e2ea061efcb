import { queryValue, type Reply } from "../../../kernel/message.ts";
import { dataActions } from "../actions.ts";
import type { Engine } from "../engine/engine.ts";
import { isLocked, leaseState } from "../engine/leases.ts";
import { listBlobs, type ListItem } from "../engine/listing.ts";
import type { BlobRecord } from "../engine/records.ts";
import { storageFault } from "../faults.ts";
import { blobOperation, type BlobCall, type BlobOperation, containerPlace } from "../target.ts";
import { document, element, escapeXml, nameElement } from "../xml.ts";
import { defaultType, httpDate } from "./headers.ts";
import { containerSas, data } from "./rules.ts";

const most = 5000;
const known = new Set([
  "copy",
  "deleted",
  "metadata",
  "snapshots",
  "uncommittedblobs",
  "versions",
  "tags",
  "immutabilitypolicy",
  "legalhold",
  "deletedwithversions",
  "permissions",
]);

/** `maxresults`: more than 5000 means 5000. @throws Fault 400 OutOfRangeQueryParameterValue */
export const maxResultsOf = (call: Pick<BlobCall, "request">): number => {
  const text = queryValue(call.request, "maxresults");
  if (text === undefined || text === "") return most;
  const number = Number(text);
  const detail = { detail: { QueryParameterName: "maxresults", QueryParameterValue: text.slice(0, 50) } };
  if (!/^-?\d{1,15}$/.test(text)) throw storageFault("invalidQuery", {}, detail);
  if (number <= 0) throw storageFault("queryOutOfRange", {}, detail);
  return Math.min(number, most);
};

/** `include`, comma-joined or repeated. */
export const includesOf = (call: Pick<BlobCall, "request">): ReadonlySet<string> =>
  new Set(
    call.request.query
      .getAll("include")
      .flatMap((text) => text.split(","))
      .map((text) => text.trim().toLowerCase())
      .filter((text) => text !== ""),
  );

/** A text query parameter that names a place in the listing. @throws Fault 400 */
export const placeParameter = (call: Pick<BlobCall, "request">, name: string): string | undefined => {
  const text = queryValue(call.request, name);
  if (text === undefined) return undefined;
  if (text.includes("\0") || !text.isWellFormed())
    throw storageFault("invalidQuery", {}, { detail: { QueryParameterName: name } });
  return text;
};

export const listBlobsOperation = (engine: Engine): BlobOperation =>
  blobOperation({
    name: "ListBlobs",
    method: "GET",
    path: "/:container",
    query: { restype: "container", comp: "list" },
    needs: {
      depends: (call) => {
        const list = data(dataActions.read, "Blob.List");
        return includesOf(call).has("tags") ? { all: [list, data(dataActions.tagsRead)] } : list;
      },
      says: `\`${dataActions.read}\` (data); with tags \`${dataActions.tagsRead}\` (data) too`,
    },
    sas: containerSas({ "*": "l" }, true),
    anonymous: "container",
    handle: (call) => list(engine, call),
  });

const list = async (engine: Engine, call: BlobCall): Promise<Reply> => {
  const include = includesOf(call);
  for (const name of include)
    if (!known.has(name))
      throw storageFault(
        "invalidQuery",
        {},
        { detail: { QueryParameterName: "include", QueryParameterValue: name.slice(0, 50) } },
      );
  const prefix = placeParameter(call, "prefix");
  const delimiter = placeParameter(call, "delimiter");
  const marker = queryValue(call.request, "marker");
  const limit = maxResultsOf(call);
  const page = await listBlobs(engine, containerPlace(call), {
    prefix: prefix ?? "",
    delimiter: delimiter === "" ? undefined : delimiter,
    marker,
    limit,
    snapshots: include.has("snapshots"),
    uncommitted: include.has("uncommittedblobs"),
  });
  const { host } = call.request;
  const now = call.clock.now();
  let blobs = "";
  for (const item of page.items) blobs += itemXml(item, include, now);
  const text = document(
    `<EnumerationResults ServiceEndpoint="https://${escapeXml(host)}/" ContainerName="${escapeXml(call.target.container ?? "")}">` +
      element("Prefix", prefix) +
      element("Marker", marker) +
      (call.request.query.has("maxresults") ? element("MaxResults", limit) : "") +
      element("Delimiter", delimiter) +
      `<Blobs>${blobs}</Blobs>${page.next === undefined ? "<NextMarker />" : element("NextMarker", page.next)}</EnumerationResults>`,
  );
  return { status: 200, body: { text, type: "application/xml" } };
};

const itemXml = (item: ListItem, include: ReadonlySet<string>, now: number): string => {
  if (item.kind === "prefix") return `<BlobPrefix>${nameElement(item.name)}</BlobPrefix>`;
  const { name, snapshot, record } = item;
  return (
    `<Blob>${nameElement(name)}${snapshot === undefined ? "" : `<Snapshot>${snapshot}</Snapshot>`}` +
    `<Properties>${propertiesXml(record, include, now, snapshot !== undefined)}</Properties>` +
    (include.has("metadata") ? metadataXml(record.metadata) : "") +
    (include.has("tags") && record.tags !== undefined ? tagSetXml(record.tags) : "") +
    "<OrMetadata /></Blob>"
  );
};

/** The members of a blob in a listing; written by hand, as this is what listing 100,000 blobs spends its time on. */
const propertiesXml = (record: BlobRecord, include: ReadonlySet<string>, now: number, snapshot: boolean): string => {
  const { headers, copy, lease } = record;
  let text =
    `<Creation-Time>${httpDate(record.created)}</Creation-Time><Last-Modified>${httpDate(record.modified)}</Last-Modified>` +
    `<Etag>${record.etag}</Etag><Content-Length>${record.size}</Content-Length>` +
    `<Content-Type>${escapeXml(headers.type ?? defaultType)}</Content-Type>` +
    (headers.encoding === undefined ? "<Content-Encoding />" : element("Content-Encoding", headers.encoding)) +
    (headers.language === undefined ? "<Content-Language />" : element("Content-Language", headers.language)) +
    "<Content-CRC64 />" +
    (record.md5 === undefined ? "<Content-MD5 />" : `<Content-MD5>${record.md5}</Content-MD5>`) +
    (headers.cacheControl === undefined ? "<Cache-Control />" : element("Cache-Control", headers.cacheControl)) +
    (headers.disposition === undefined
      ? "<Content-Disposition />"
      : element("Content-Disposition", headers.disposition)) +
    `<BlobType>${record.type}</BlobType>`;
  if (record.type === "BlockBlob")
    text +=
      record.tier === undefined
        ? "<AccessTier>Hot</AccessTier><AccessTierInferred>true</AccessTierInferred>"
        : `<AccessTier>${record.tier}</AccessTier>${record.tierChanged === undefined ? "" : element("AccessTierChangeTime", httpDate(record.tierChanged))}`;
  if (!snapshot) {
    const state = leaseState(lease, now);
    text += `<LeaseStatus>${isLocked(lease, now) ? "locked" : "unlocked"}</LeaseStatus><LeaseState>${state}</LeaseState>`;
    if (state === "leased") text += element("LeaseDuration", lease?.duration === -1 ? "infinite" : "fixed");
  }
  if (copy !== undefined && include.has("copy"))
    text +=
      element("CopyId", copy.id) +
      element("CopySource", copy.source) +
      "<CopyStatus>success</CopyStatus>" +
      element("CopyProgress", `${record.size}/${record.size}`) +
      element("CopyCompletionTime", httpDate(copy.completed));
  text += "<ServerEncrypted>true</ServerEncrypted>";
  if (record.sealed === true) text += "<Sealed>true</Sealed>";
  if (record.tags !== undefined) text += element("TagCount", Object.keys(record.tags).length);
  return text;
};

export const metadataXml = (metadata: Readonly<Record<string, string>> | undefined): string =>
  metadata === undefined
    ? "<Metadata />"
    : `<Metadata>${Object.entries(metadata)
        .map(([name, value]) => element(name, value))
        .join("")}</Metadata>`;

export const tagSetXml = (tags: Readonly<Record<string, string>>): string =>
  `<Tags><TagSet>${Object.entries(tags)
    .map(([key, value]) => `<Tag>${element("Key", key)}${element("Value", value)}</Tag>`)
    .join("")}</TagSet></Tags>`;
