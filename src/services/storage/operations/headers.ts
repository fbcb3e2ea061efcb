/** Between request and reply headers and what the engine keeps. */
import type { Request } from "../../../kernel/message.ts";
import { conditionsOf } from "../engine/conditions.ts";
import type { Guards } from "../engine/blobs.ts";
import { leaseHeaders } from "../engine/leases.ts";
import type { AccessTier, BlobRecord, ContentHeaders, Metadata, Tags } from "../engine/records.ts";
import { storageFault } from "../faults.ts";
import type { BlobCall } from "../target.ts";

export const header = (request: Request, name: string): string | undefined => {
  const value = request.header(name);
  return value === undefined || value === "" ? undefined : value;
};

export const badHeader = (name: string, value: string): Error =>
  storageFault("invalidHeader", {}, { detail: { HeaderName: name, HeaderValue: value.slice(0, 200) } });

const rfc1123 = new Map<number, string>();

/** `Last-Modified`: whole seconds. A second's text is kept, as many answers share it. */
export const httpDate = (ms: number): string => {
  const second = Math.floor(ms / 1000);
  let text = rfc1123.get(second);
  if (text === undefined) {
    text = new Date(second * 1000).toUTCString();
    if (rfc1123.size >= 1000) rfc1123.clear();
    rfc1123.set(second, text);
  }
  return text;
};

/** What a successful write answers about the new state. */
export const written = (record: { readonly etag: string; readonly modified: number }): Record<string, string> => ({
  etag: `"${record.etag}"`,
  "last-modified": httpDate(record.modified),
});

export const encrypted = { "x-ms-request-server-encrypted": "true" } as const;

const metadataLimit = 8 * 1024;

/**
 * `x-ms-meta-*`; names are C# identifiers whose letter case is kept (storage.md 2). Repeated names join with commas.
 * @throws Fault 400 InvalidMetadata, EmptyMetadataKey, MetadataTooLarge
 */
export const metadataOf = (request: Request): Metadata | undefined => {
  let found: Record<string, string> | undefined;
  let size = 0;
  for (const [name, value] of request.rawHeaders) {
    if (name.length < 10 || name.slice(0, 10).toLowerCase() !== "x-ms-meta-") continue;
    const key = name.slice(10);
    if (key === "") throw storageFault("emptyMetadataKey");
    if (!/^[A-Za-z_]\w*$/.test(key)) throw storageFault("invalidMetadata");
    found ??= Object.create(null) as Record<string, string>;
    const kept = Object.keys(found).find((each) => each.toLowerCase() === key.toLowerCase()) ?? key;
    found[kept] = found[kept] === undefined ? value : `${found[kept]},${value}`;
    size += key.length + value.length;
  }
  if (size > metadataLimit) throw storageFault("metadataTooLarge");
  return found === undefined ? undefined : { ...found };
};

export const metadataHeaders = (metadata: Metadata | undefined): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata ?? {})) headers[`x-ms-meta-${name}`] = value;
  return headers;
};

/** The content headers that Put Blob and its kin set; the type falls back to the request's own. */
export const contentHeadersOf = (request: Request, fallback = true): ContentHeaders => {
  const type = header(request, "x-ms-blob-content-type") ?? (fallback ? header(request, "content-type") : undefined);
  const encoding =
    header(request, "x-ms-blob-content-encoding") ?? (fallback ? header(request, "content-encoding") : undefined);
  const language =
    header(request, "x-ms-blob-content-language") ?? (fallback ? header(request, "content-language") : undefined);
  const disposition = header(request, "x-ms-blob-content-disposition");
  const cacheControl =
    header(request, "x-ms-blob-cache-control") ?? (fallback ? header(request, "cache-control") : undefined);
  return {
    ...(type === undefined ? {} : { type }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(language === undefined ? {} : { language }),
    ...(disposition === undefined ? {} : { disposition }),
    ...(cacheControl === undefined ? {} : { cacheControl }),
  };
};

export const defaultType = "application/octet-stream";

const tagCharacters = /^[A-Za-z0-9 +\-./:=_]*$/;

/** Tags within their limits. @throws Fault 400 */
export const checkedTags = (pairs: readonly (readonly [string, string])[]): Tags => {
  const tags: Record<string, string> = {};
  if (pairs.length > 10) throw storageFault("tagsTooLarge");
  for (const [key, value] of pairs) {
    if (key === "") throw storageFault("emptyTagName");
    if (key.length > 128 || value.length > 256) throw storageFault("tagsTooLarge");
    if (!tagCharacters.test(key) || !tagCharacters.test(value)) throw storageFault("invalidTags");
    if (Object.hasOwn(tags, key)) throw storageFault("duplicateTags");
    tags[key] = value;
  }
  return tags;
};

/** `x-ms-tags`, in the form of a query string. */
export const tagsOf = (request: Request): Tags | undefined => {
  const text = header(request, "x-ms-tags");
  if (text === undefined) return undefined;
  const tags = checkedTags([...new URLSearchParams(text)]);
  return Object.keys(tags).length === 0 ? undefined : tags;
};

export const tiers: readonly AccessTier[] = ["Hot", "Cool", "Cold", "Archive"];

export const tierOf = (request: Request): AccessTier | undefined => {
  const text = header(request, "x-ms-access-tier");
  if (text === undefined) return undefined;
  const tier = tiers.find((each) => each.toLowerCase() === text.toLowerCase());
  if (tier === undefined) throw badHeader("x-ms-access-tier", text);
  return tier;
};

const guid = /^\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i;

export const leaseIdOf = (request: Request, name = "x-ms-lease-id"): string | undefined => {
  const text = header(request, name);
  if (text !== undefined && !guid.test(text)) throw badHeader(name, text);
  return text;
};

export const guardsOf = (call: Pick<BlobCall, "request" | "target">): Guards => ({
  conditions: conditionsOf(call.request),
  leaseId: leaseIdOf(call.request),
  ...(call.target.createOnly ? { createOnly: true } : {}),
});

/** Headers of GET and HEAD (storage.md 6.5). Lengths, ranges and MD5 are the caller's. */
export const blobHeaders = (record: BlobRecord, now: number): Record<string, string> => {
  const { headers: content, tags, copy } = record;
  const headers: Record<string, string> = {
    "last-modified": httpDate(record.modified),
    etag: `"${record.etag}"`,
    "content-type": content.type ?? defaultType,
    "accept-ranges": "bytes",
    "x-ms-creation-time": httpDate(record.created),
    "x-ms-blob-type": record.type,
    "x-ms-server-encrypted": "true",
    ...leaseHeaders(record.lease, now),
  };
  if (content.encoding !== undefined) headers["content-encoding"] = content.encoding;
  if (content.language !== undefined) headers["content-language"] = content.language;
  if (content.disposition !== undefined) headers["content-disposition"] = content.disposition;
  if (content.cacheControl !== undefined) headers["cache-control"] = content.cacheControl;
  if (record.metadata !== undefined) Object.assign(headers, metadataHeaders(record.metadata));
  if (tags !== undefined) headers["x-ms-tag-count"] = String(Object.keys(tags).length);
  if (copy !== undefined)
    Object.assign(headers, {
      "x-ms-copy-id": copy.id,
      "x-ms-copy-source": copy.source,
      "x-ms-copy-status": "success",
      "x-ms-copy-progress": `${record.size}/${record.size}`,
      "x-ms-copy-completion-time": httpDate(copy.completed),
    });
  if (record.type === "AppendBlob") {
    headers["x-ms-blob-committed-block-count"] = String(record.parts.length);
    if (record.sealed === true) headers["x-ms-blob-sealed"] = "true";
  }
  return headers;
};

/** Of HEAD only. */
export const tierHeaders = (record: BlobRecord): Record<string, string> => {
  if (record.type !== "BlockBlob") return {};
  if (record.tier === undefined) return { "x-ms-access-tier": "Hot", "x-ms-access-tier-inferred": "true" };
  return {
    "x-ms-access-tier": record.tier,
    ...(record.tierChanged === undefined ? {} : { "x-ms-access-tier-change-time": httpDate(record.tierChanged) }),
  };
};
