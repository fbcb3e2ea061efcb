import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc64 } from "./engine/crc64.ts";
import { withContributor } from "./storage.test-support.ts";

const block = { "x-ms-blob-type": "BlockBlob" } as const;
const md5 = (text: string): string => createHash("md5").update(text).digest("base64");

describe("Put Blob and Get Blob", () => {
  it("keep content headers, metadata in its letter case, tags and checksums", async () => {
    const { tenant, app, send } = await withContributor();
    await using _ = tenant;
    const headers = {
      ...block,
      "x-ms-blob-content-type": "text/plain",
      "Content-Type": "application/octet-stream",
      "x-ms-blob-cache-control": "no-cache",
      "x-ms-meta-CaseKept": "Yes",
    };
    const put = await send("/photos/x", { method: "PUT", body: "Hello World", headers });
    expect(put.status).toBe(201);
    expect(put.headers).toMatchObject({
      "content-md5": "sQqNsWTgdUEFt6mb5y4/5Q==",
      "x-ms-request-server-encrypted": "true",
    });
    const got = await send("/photos/x");
    expect(got.headers).toMatchObject({
      "content-type": "text/plain",
      "cache-control": "no-cache",
      "x-ms-meta-casekept": "Yes",
      "content-md5": put.headers["content-md5"],
      etag: put.headers["etag"],
      "x-ms-lease-state": "available",
    });
    const tagged = { ...block, "x-ms-tags": "a=1&b=2" };
    expect((await send("/photos/t", { method: "PUT", headers: tagged })).code).toBe("AuthorizationPermissionMismatch");
    tenant.assign("Storage Blob Data Owner", app, tenant.accountId());
    expect((await send("/photos/t", { method: "PUT", headers: tagged })).status).toBe(201);
    expect((await send("/photos/t")).headers["x-ms-tag-count"]).toBe("2");
    expect((await send("/photos/t?comp=tags")).text).toContain("<Tag><Key>a</Key><Value>1</Value></Tag>");
    const found = await send(`/?comp=blobs&where=${encodeURIComponent("\"a\" = '1' AND @container = 'photos'")}`);
    expect(found.text).toContain("<Name>t</Name><ContainerName>photos</ContainerName>");
    expect((await send("/photos/t", { headers: { "x-ms-if-tags": "\"a\" = '2'" } })).status).toBe(412);
  });

  it("compare checksums and store nothing when they differ", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    const put = (headers: Record<string, string>) =>
      send("/photos/x", { method: "PUT", body: "Hello World", headers: { ...block, ...headers } });
    expect((await put({ "Content-MD5": md5("other") })).code).toBe("Md5Mismatch");
    expect((await put({ "Content-MD5": "x" })).code).toBe("InvalidMd5");
    expect((await put({ "x-ms-content-crc64": "AAAAAAAAAAA=" })).code).toBe("Crc64Mismatch");
    expect((await put({ "x-ms-content-crc64": "YeJLfssylmU=", "Content-MD5": md5("x") })).code).toBe(
      "BothCrc64AndMd5HeaderPresent",
    );
    expect((await put({ "x-ms-structured-body": "XSM/1.0; properties=crc64" })).code).toBe("UnsupportedHeader");
    expect((await send("/photos/x")).code).toBe("BlobNotFound");
    expect((await put({ "x-ms-content-crc64": "YeJLfssylmU=" })).status).toBe(201);
    expect(crc64().update(Buffer.from("Hello World")).digest()).toBe("YeJLfssylmU=");
  });

  it("give any range of any content", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    const content = Buffer.from(Array.from({ length: 300 }, (_, index) => index % 251));
    await send("/photos/one", { method: "PUT", body: content, headers: block });
    const ids = ["MDA=", "MDE=", "MDI="];
    for (const [index, id] of ids.entries())
      await send(`/photos/three?comp=block&blockid=${encodeURIComponent(id)}`, {
        method: "PUT",
        body: content.subarray(index * 100, index * 100 + 100),
      });
    const list = `<BlockList>${ids.map((id) => `<Latest>${id}</Latest>`).join("")}</BlockList>`;
    expect((await send("/photos/three?comp=blocklist", { method: "PUT", body: list })).status).toBe(201);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("one", "three"),
        fc.nat(310),
        fc.option(fc.nat(400)),
        async (blob, start, last) => {
          const range = `bytes=${start}-${last ?? ""}`;
          const answer = await send(`/photos/${blob}`, { headers: { "x-ms-range": range } });
          if (last !== null && last < start) {
            expect(answer.status).toBe(200);
            expect(answer.bytes).toEqual(content);
          } else if (start >= 300) {
            expect(answer).toMatchObject({ status: 416, code: "InvalidRange" });
            expect(answer.headers["content-range"]).toBe("bytes */300");
          } else {
            const end = Math.min((last ?? 1000) + 1, 300);
            expect(answer.status).toBe(206);
            expect(answer.headers["content-range"]).toBe(`bytes ${start}-${end - 1}/300`);
            expect(answer.bytes).toEqual(content.subarray(start, end));
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("refuse every range of an empty blob", async () => {
    const { tenant, app, send } = await withContributor();
    await using _ = tenant;
    await send("/photos/empty", { method: "PUT", headers: block });
    expect((await send("/photos/empty", { headers: { "x-ms-range": "bytes=0-33554431" } })).status).toBe(416);
    expect((await send("/photos/empty")).bytes).toHaveLength(0);
    const client = tenant.sdk(app).getContainerClient("photos").getBlobClient("empty");
    expect(await client.downloadToBuffer()).toHaveLength(0);
  });

  it("keep a reader's old content while the blob is overwritten, and release it afterwards", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    for (let round = 0; round < 3; round++)
      await send("/photos/x", { method: "PUT", body: `v${round}`, headers: block });
    expect((await send("/photos/x")).text).toBe("v2");
    expect(tenant.errors).toEqual([]);
  });

  it("upload and download in blocks through the SDK", async () => {
    const { tenant, app } = await withContributor();
    await using _ = tenant;
    const content = Buffer.alloc(9 * 1024 * 1024, "lanyard");
    const client = tenant.sdk(app).getContainerClient("photos").getBlockBlobClient("big");
    await client.uploadData(content, { blockSize: 1024 * 1024, concurrency: 5, maxSingleShotSize: 1024 });
    expect((await client.downloadToBuffer()).equals(content)).toBe(true);
    const blocks = await client.getBlockList("all");
    expect(blocks.committedBlocks).toHaveLength(9);
    expect(blocks.uncommittedBlocks ?? []).toHaveLength(0);
    await client.uploadData(content.subarray(0, 5_000_000));
    expect((await client.downloadToBuffer()).equals(content.subarray(0, 5_000_000))).toBe(true);
  });
});

describe("conditions", () => {
  it("of reads and writes answer as Azure does", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    const put = (headers: Record<string, string> = {}) =>
      send("/photos/x", { method: "PUT", body: "x", headers: { ...block, ...headers } });
    expect(await put({ "If-Match": '"0x8D0"' })).toMatchObject({ status: 412, code: "ConditionNotMet" });
    expect((await put({ "If-None-Match": "*" })).status).toBe(201);
    expect(await put({ "If-None-Match": "*" })).toMatchObject({ status: 409, code: "BlobAlreadyExists" });
    const etag = (await send("/photos/x")).headers["etag"] ?? "";
    const get = (headers: Record<string, string>) => send("/photos/x", { headers });
    const notModified = await get({ "If-None-Match": etag });
    expect(notModified).toMatchObject({ status: 304, code: "ConditionNotMet", text: "" });
    expect((await get({ "If-None-Match": etag.replaceAll('"', "") })).status).toBe(304);
    expect((await get({ "If-Match": `"0x1", ${etag}` })).status).toBe(200);
    expect((await get({ "If-Match": '"0x1"' })).status).toBe(412);
    expect((await get({ "If-None-Match": "*" })).code).toBe("UnsatisfiableCondition");
    const later = new Date(Date.now() + 60_000).toUTCString();
    const before = new Date(Date.now() - 60_000).toUTCString();
    expect((await get({ "If-Modified-Since": later })).status).toBe(304);
    expect((await get({ "If-Modified-Since": before })).status).toBe(200);
    expect((await get({ "If-Unmodified-Since": before })).status).toBe(412);
    expect((await send("/photos/none", { headers: { "If-Match": etag } })).status).toBe(412);
    expect((await put({ "If-Match": etag, "If-None-Match": "*" })).code).toBe("MultipleConditionHeadersNotSupported");
    expect((await put({ "If-Modified-Since": "yesterday" })).code).toBe("InvalidHeaderValue");
    expect((await put({ "If-Match": etag })).status).toBe(201);
    expect((await put({ "If-Match": etag })).status).toBe(412);
    expect((await send("/photos/x", { method: "DELETE", headers: { "If-Match": etag } })).status).toBe(412);
  });

  it("let exactly one of many concurrent creators win", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        send("/photos/x", { method: "PUT", body: String(index), headers: { ...block, "If-None-Match": "*" } }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
  });
});

describe("blocks", () => {
  it("stay invisible until committed, keep the list's order and vanish otherwise", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    const putBlock = (id: string, body: string) =>
      send(`/photos/x?comp=block&blockid=${encodeURIComponent(id)}`, { method: "PUT", body });
    const commit = (inner: string) =>
      send("/photos/x?comp=blocklist", { method: "PUT", body: `<?xml version="1.0"?><BlockList>${inner}</BlockList>` });
    await putBlock("YQ==", "A");
    await putBlock("Yg==", "B");
    await putBlock("Yg==", "BB");
    expect((await putBlock("YWFh", "C")).code).toBe("InvalidBlobOrBlock");
    expect((await putBlock("!", "C")).code).toBe("InvalidQueryParameterValue");
    expect((await send("/photos/x")).status).toBe(404);
    expect((await send("/photos?restype=container&comp=list")).text).not.toContain("<Blob>");
    expect((await send("/photos?restype=container&comp=list&include=uncommittedblobs")).text).toContain(
      "<Name>x</Name>",
    );
    expect((await commit("<Latest>Yg==</Latest><Uncommitted>YQ==</Uncommitted><Latest>Yg==</Latest>")).status).toBe(
      201,
    );
    expect((await send("/photos/x")).text).toBe("BBABB");
    await putBlock("Yg==", "new");
    expect((await commit("<Committed>Yg==</Committed><Latest>Yg==</Latest>")).status).toBe(201);
    expect((await send("/photos/x")).text).toBe("BBnew");
    expect((await commit("<Latest>YQ==</Latest>")).code).toBe("InvalidBlockList");
    expect((await commit("<Latest>")).code).toBe("InvalidXmlDocument");
    expect((await send("/photos/x?comp=blocklist", { method: "PUT", body: "<!DOCTYPE x><BlockList/>" })).code).toBe(
      "InvalidXmlDocument",
    );
    expect((await commit("")).status).toBe(201);
    expect((await send("/photos/x")).text).toBe("");
  });
});

describe("leases", () => {
  it("guard a blob until they are released, broken or expired", async () => {
    const { tenant, app, send } = await withContributor();
    await using _ = tenant;
    const blob = tenant.sdk(app).getContainerClient("photos").getBlockBlobClient("x");
    await blob.upload("x", 1);
    const lease = blob.getBlobLeaseClient();
    await lease.acquireLease(15);
    expect((await blob.getProperties()).leaseState).toBe("leased");
    await expect(blob.upload("y", 1)).rejects.toMatchObject({ statusCode: 412, code: "LeaseIdMissing" });
    await expect(blob.delete()).rejects.toMatchObject({ code: "LeaseIdMissing" });
    await blob.upload("y", 1, { conditions: { leaseId: lease.leaseId } });
    const other = "11111111-1111-1111-1111-111111111111";
    await expect(blob.upload("y", 1, { conditions: { leaseId: other } })).rejects.toMatchObject({
      code: "LeaseIdMismatchWithBlobOperation",
    });
    await expect(blob.getBlobLeaseClient(other).acquireLease(-1)).rejects.toMatchObject({
      code: "LeaseAlreadyPresent",
    });
    await lease.changeLease(other);
    tenant.advance(16_000);
    expect((await blob.getProperties()).leaseState).toBe("expired");
    await blob.upload("z", 1);
    expect((await blob.getProperties()).leaseState).toBe("available");
    const infinite = blob.getBlobLeaseClient();
    await infinite.acquireLease(-1);
    const broken = await infinite.breakLease(10);
    expect(broken.leaseTime).toBe(10);
    expect((await blob.getProperties()).leaseState).toBe("breaking");
    tenant.advance(11_000);
    expect((await blob.getProperties()).leaseState).toBe("broken");
    await expect(infinite.renewLease()).rejects.toMatchObject({ code: "LeaseIsBrokenAndCannotBeRenewed" });
    await infinite.releaseLease();
    expect(
      (await send("/photos/x?comp=lease", { method: "PUT", headers: { "x-ms-lease-action": "acquire" } })).code,
    ).toBe("MissingRequiredHeader");
  });

  it("guard a container against deletion", async () => {
    const { tenant, app } = await withContributor();
    await using _ = tenant;
    const container = tenant.sdk(app).getContainerClient("photos");
    const lease = container.getBlobLeaseClient();
    await lease.acquireLease(-1);
    await expect(container.delete()).rejects.toMatchObject({ code: "LeaseIdMissing" });
    await container.delete({ conditions: { leaseId: lease.leaseId } });
  });
});

describe("append blobs", () => {
  it("grow by blocks under position and size conditions", async () => {
    const { tenant, app } = await withContributor();
    await using _ = tenant;
    const blob = tenant.sdk(app).getContainerClient("photos").getAppendBlobClient("log");
    await blob.create();
    expect((await blob.appendBlock("one", 3)).blobAppendOffset).toBe("0");
    expect(await blob.appendBlock("two", 3, { conditions: { appendPosition: 3 } })).toMatchObject({
      blobAppendOffset: "3",
      blobCommittedBlockCount: 2,
    });
    await expect(blob.appendBlock("x", 1, { conditions: { appendPosition: 3 } })).rejects.toMatchObject({
      code: "AppendPositionConditionNotMet",
    });
    await expect(blob.appendBlock("x", 1, { conditions: { maxSize: 6 } })).rejects.toMatchObject({
      code: "MaxBlobSizeConditionNotMet",
    });
    expect((await blob.downloadToBuffer()).toString()).toBe("onetwo");
    await blob.seal();
    await expect(blob.appendBlock("x", 1)).rejects.toMatchObject({ code: "BlobIsSealed" });
  });
});
