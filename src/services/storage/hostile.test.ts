import { connect } from "node:net";
import { Readable } from "node:stream";
import * as fc from "fast-check";
import { ContainerSASPermissions, generateBlobSASQueryParameters } from "@azure/storage-blob";
import { describe, expect, it } from "vitest";
import { withContributor } from "./storage.test-support.ts";

const block = { "x-ms-blob-type": "BlockBlob" } as const;

describe("hostile input", () => {
  it("is answered with a clear 4xx in Storage's shape", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    const put = (path: string, headers: Record<string, string> = {}, body = "x") =>
      send(path, { method: "PUT", body, headers: { ...block, ...headers } });
    expect((await put("/ph/x")).code).toBe("OutOfRangeInput");
    expect((await put("/Photos/x")).code).toBe("InvalidResourceName");
    expect((await put("/ph--otos/x")).code).toBe("InvalidResourceName");
    expect((await put("/photos/a%00b")).code).toBe("InvalidUri");
    expect((await put(`/photos/${"x".repeat(1025)}`)).code).toBe("OutOfRangeInput");
    expect((await put("/photos/x", { "x-ms-meta-1a": "v" })).code).toBe("InvalidMetadata");
    expect((await put("/photos/x", { "x-ms-meta-a-b": "v" })).code).toBe("InvalidMetadata");
    expect((await put("/photos/x", { "x-ms-meta-": "v" })).code).toBe("EmptyMetadataKey");
    expect((await put("/photos/x", { "x-ms-meta-a": "v".repeat(9000) })).code).toBe("MetadataTooLarge");
    expect((await put("/photos/x", { "x-ms-meta-__proto__": "v" })).status).toBe(201);
    expect((await put("/photos/x", { "x-ms-blob-type": "PageBlob" })).code).toBe("UnsupportedHeader");
    expect((await put("/photos/x", { "x-ms-blob-type": "Nonsense" })).code).toBe("InvalidHeaderValue");
    expect((await put("/photos/x", { "x-ms-access-tier": "Warm" })).code).toBe("InvalidHeaderValue");
    expect((await put("/photos/x", { "x-ms-version": "nonsense" })).code).toBe("InvalidHeaderValue");
    expect((await put("/photos/x", { "x-ms-version": "2099-01-01" })).headers["x-ms-version"]).toBe("2099-01-01");
    expect((await put("/photos/x?comp=nonsense")).code).toBe("InvalidQueryParameterValue");
    expect((await put("/photos/x?comp=page")).status).toBe(501);
    expect((await put("/nowhere/x")).code).toBe("ContainerNotFound");
    const noType = await send("/photos/x", { method: "PUT", body: "x" });
    expect(noType.code).toBe("MissingRequiredHeader");
    expect(noType.text).toMatch(
      /<Error><Code>MissingRequiredHeader<\/Code><Message>.*\nRequestId:.*\nTime:.*\d{7}Z<\/Message><HeaderName>/s,
    );
    expect(tenant.errors).toEqual([]);
  });

  it("of any kind never ends in a 500", async () => {
    const { tenant, app, send } = await withContributor();
    await using _ = tenant;
    tenant.assign("Owner", app, tenant.accountId());
    tenant.assign("Storage Blob Data Owner", app, tenant.accountId());
    const text = fc.string({ unit: "binary", maxLength: 20 }).map((value) => encodeURIComponent(value.toWellFormed()));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("GET", "PUT", "DELETE", "POST", "HEAD", "OPTIONS"),
        fc.constantFrom("/", "/photos", "/photos/", "//", "/photos//x"),
        text,
        fc.constantFrom("", "container", "service", "account"),
        fc.constantFrom(
          "",
          "list",
          "acl",
          "lease",
          "blocklist",
          "block",
          "tags",
          "batch",
          "copy",
          "metadata",
          "properties",
          "blobs",
          "tier",
          "snapshot",
        ),
        fc.dictionary(
          fc.constantFrom("prefix", "marker", "blockid", "where", "snapshot", "include", "maxresults", "delimiter"),
          text,
        ),
        fc.dictionary(
          fc.constantFrom(
            "x-ms-range",
            "x-ms-lease-id",
            "x-ms-lease-action",
            "if-match",
            "x-ms-copy-source",
            "x-ms-tags",
            "x-ms-if-tags",
            "x-ms-blob-type",
            "content-md5",
          ),
          fc.string({ maxLength: 12 }),
        ),
        fc.string({ maxLength: 40 }),
        async (method, path, name, restype, comp, query, headers, body) => {
          const search = Object.entries({ restype, comp, ...query })
            .filter(([, value]) => value !== "")
            .map(([key, value]) => `${key}=${value}`)
            .join("&");
          const answer = await send(`${path}${name}?${search}`, { method, headers, body });
          expect(answer.status).not.toBe(500);
        },
      ),
      { numRuns: 500 },
    );
    expect(tenant.errors).toEqual([]);
  }, 60_000);

  it("does not reach the headers of an answer, nor exhaust the stack", async () => {
    const { tenant, app, send } = await withContributor();
    await using _ = tenant;
    tenant.assign("Storage Blob Data Owner", app, tenant.accountId());
    await send("/photos/x", { method: "PUT", body: "x", headers: block });
    const sas = (contentDisposition: string): string =>
      generateBlobSASQueryParameters(
        {
          containerName: "photos",
          permissions: ContainerSASPermissions.parse("r"),
          expiresOn: new Date(Date.now() + 3600_000),
          contentDisposition,
        },
        key,
      ).toString();
    const key = await tenant.sharedKey();
    expect((await tenant.send(`/photos/x?${sas("a\r\nSet-Cookie: b")}`)).status).toBe(403);
    const named = await tenant.send(`/photos/x?${sas('attachment; filename="ü.txt"')}`);
    expect(Buffer.from(named.headers["content-disposition"] ?? "", "latin1").toString()).toContain("ü.txt");
    const deep = `${"(".repeat(4000)}"a" = 'b'${")".repeat(4000)}`;
    expect((await send("/photos/x", { headers: { "x-ms-if-tags": deep } })).code).toBe("InvalidHeaderValue");
    const nested = `${"<a>".repeat(50_000)}${"</a>".repeat(50_000)}`;
    expect((await send("/photos/x?comp=blocklist", { method: "PUT", body: nested })).code).toBe("InvalidXmlDocument");
    const at = `${tenant.accountId()}/blobServices/default/containers/made`;
    expect((await tenant.arm("PUT", at, { properties: { metadata: { a: "b\r\nc" } } })).status).toBe(400);
    expect((await send("/photos?restype=container&comp=list&prefix=%01")).text).toContain("<Prefix>\uFFFD</Prefix>");
    expect(tenant.errors).toEqual([]);
  });

  it("demands a length", async () => {
    const { tenant, app } = await withContributor();
    await using _ = tenant;
    const token = await tenant.token(app);
    const answer = await raw(
      await tenant.portOf(),
      `PUT /photos/x HTTP/1.1\r\nHost: acme.blob.core.windows.net\r\nx-ms-version: 2026-04-06\r\nx-ms-blob-type: BlockBlob\r\nAuthorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
    );
    expect(answer).toContain("411");
    expect(answer).toContain("MissingContentLengthHeader");
  });

  it("leaves nothing of a truncated body, small or large", async () => {
    const { tenant, app, send } = await withContributor();
    await using _ = tenant;
    const token = await tenant.token(app);
    for (const length of [1000, 5_000_000]) {
      await raw(
        await tenant.portOf(),
        `PUT /photos/cut HTTP/1.1\r\nHost: acme.blob.core.windows.net\r\nx-ms-version: 2026-04-06\r\nx-ms-blob-type: BlockBlob\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${length}\r\n\r\n${"x".repeat(length - 1)}`,
        true,
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect((await send("/photos/cut")).status).toBe(404);
    }
    expect(tenant.errors).toEqual([]);
  });

  it("keeps no part of a stream that fails midway", async () => {
    const { tenant, app } = await withContributor();
    await using _ = tenant;
    const blob = tenant.sdk(app).getContainerClient("photos").getBlockBlobClient("x");
    const failing = Readable.from(
      (function* () {
        yield Buffer.alloc(1000);
        throw new Error("broken");
      })(),
    );
    await expect(blob.uploadStream(failing, 4 * 1024 * 1024)).rejects.toThrow("broken");
    expect(await blob.exists()).toBe(false);
  });
});

/** Sends raw bytes; `cut`: breaks the connection off once they are sent. */
const raw = (port: number, bytes: string, cut = false): Promise<string> =>
  new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(bytes, () => {
        if (cut) setTimeout(() => socket.destroy(), 50);
      });
    });
    socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
    socket.on("close", () => resolve(answer));
    socket.on("error", (error) => (cut ? resolve(answer) : reject(error)));
  });
