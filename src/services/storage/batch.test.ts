import { describe, expect, it } from "vitest";
import { withContributor } from "./storage.test-support.ts";

const block = { "x-ms-blob-type": "BlockBlob" } as const;

describe("Blob Batch", () => {
  it("deletes and sets tiers through the SDK, by token and by key", async () => {
    const { tenant, app } = await withContributor();
    await using _ = tenant;
    for (const who of [app, await tenant.sharedKey()]) {
      const service = tenant.sdk(who);
      const container = service.getContainerClient("photos");
      const blobs = ["a", "b c"].map((name) => container.getBlockBlobClient(name));
      for (const blob of blobs) await blob.upload("x", 1);
      const client = service.getBlobBatchClient();
      const tiers = await client.setBlobsAccessTier(blobs, "Cool");
      expect(tiers).toMatchObject({ subResponsesSucceededCount: 2, subResponsesFailedCount: 0 });
      expect((await blobs[0]?.getProperties())?.accessTier).toBe("Cool");
      const gone = container.getBlockBlobClient("gone");
      const answers = await client.deleteBlobs([...blobs, gone]);
      expect(answers).toMatchObject({ subResponsesSucceededCount: 2, subResponsesFailedCount: 1 });
      expect(answers.subResponses[2]).toMatchObject({ status: 404, errorCode: "BlobNotFound" });
    }
    expect(tenant.errors).toEqual([]);
  });

  it("gives a part no more than the part's own credentials do", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    await send("/photos/x", { method: "PUT", body: "x", headers: block });
    const reader = await tenant.principal("reader");
    tenant.assign("Storage Blob Data Reader", reader, tenant.accountId());
    const batch = (headers: string): Promise<{ status: number; text: string }> =>
      send("/?comp=batch", {
        method: "POST",
        headers: { "Content-Type": "multipart/mixed; boundary=b1" },
        body: `--b1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 0\r\n\r\nDELETE /photos/x HTTP/1.1\r\n${headers}\r\n\r\n--b1--\r\n`,
      });
    const none = await batch("Content-Length: 0");
    expect(none.status).toBe(202);
    expect(none.text).toContain("HTTP/1.1 401");
    const other = await batch(`Authorization: Bearer ${await tenant.token(reader)}`);
    expect(other.text).toContain("HTTP/1.1 403");
    expect(other.text).toContain("x-ms-error-code: AuthorizationPermissionMismatch");
    expect((await send("/photos/x")).status).toBe(200);
  });

  it("runs nothing of a batch that it cannot read whole", async () => {
    const { tenant, app, send } = await withContributor();
    await using _ = tenant;
    await send("/photos/x", { method: "PUT", body: "x", headers: block });
    const token = await tenant.token(app);
    const part = (request: string): string =>
      `--b1\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\n${request} HTTP/1.1\r\nAuthorization: Bearer ${token}\r\n\r\n`;
    const batch = (body: string, path = "/?comp=batch") =>
      send(path, { method: "POST", headers: { "Content-Type": "multipart/mixed; boundary=b1" }, body });
    for (const body of [
      "",
      "--b1--",
      part("DELETE /photos/x"),
      `${part("DELETE /photos/x")}--b1\r\nrubbish\r\n--b1--`,
      `${part("DELETE /photos/x")}${part("PUT /photos/x?comp=tier")}--b1--`,
      `${part("GET /photos/x")}--b1--`,
      `${part("DELETE /photos?restype=container").replace("/photos?", "/photos/?")}--b1--`,
      `${part("DELETE /photos?restype=container")}--b1--`,
      `${part("PUT /photos/y")}--b1--`,
      `${part("DELETE /photos/x").repeat(257)}--b1--`,
    ])
      expect((await batch(body)).status, body.slice(0, 200)).toBe(400);
    expect((await batch(`${part("DELETE /photos/x")}--b1--`, "/other?restype=container&comp=batch")).status).toBe(400);
    expect((await send("/photos/x")).status).toBe(200);
    expect((await batch(`${part("DELETE /photos/x")}--b1--`, "/photos?restype=container&comp=batch")).status).toBe(202);
    expect((await send("/photos/x")).status).toBe(404);
  });
});
