import { BlobSASPermissions, ContainerSASPermissions, generateBlobSASQueryParameters } from "@azure/storage-blob";
import { describe, expect, it } from "vitest";
import { startStorage, version, withContributor } from "./storage.test-support.ts";

const block = { "x-ms-blob-type": "BlockBlob" } as const;
const base = "https://acme.blob.core.windows.net";
const soon = (): Date => new Date(Date.now() + 3600_000);

describe("copies within an account", () => {
  it("take content, headers and metadata, and are finished at once", async () => {
    const { tenant, app, send } = await withContributor();
    await using _ = tenant;
    const container = tenant.sdk(app).getContainerClient("photos");
    const source = container.getBlockBlobClient("a b");
    await source.upload("hello", 5, { metadata: { k: "v" }, blobHTTPHeaders: { blobContentType: "text/plain" } });
    const target = container.getBlockBlobClient("copy");
    const poller = await target.beginCopyFromURL(source.url);
    expect((await poller.pollUntilDone()).copyStatus).toBe("success");
    expect(await target.getProperties()).toMatchObject({
      contentType: "text/plain",
      metadata: { k: "v" },
      copyStatus: "success",
      copySource: `${base}/photos/a%20b`,
      copyProgress: "5/5",
    });
    await source.delete();
    expect((await target.downloadToBuffer()).toString()).toBe("hello");
    await target.beginCopyFromURL(target.url);
    await target.delete();
    expect(
      (await send("/photos/copy?comp=copy&copyid=x", { method: "PUT", headers: { "x-ms-copy-action": "abort" } })).code,
    ).toBe("NoPendingCopyOperation");
    expect(tenant.errors).toEqual([]);
  });

  it("share contents safely, whatever is deleted first", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    const copy = (from: string, to: string) =>
      send(`/photos/${to}`, { method: "PUT", headers: { "x-ms-copy-source": `${base}/photos/${from}` } });
    await send("/photos/a", { method: "PUT", body: "shared", headers: block });
    for (const [from, to] of [
      ["a", "b"],
      ["b", "c"],
      ["c", "c"],
    ] as const)
      expect((await copy(from, to)).status).toBe(202);
    await send("/photos/b", { method: "PUT", body: "own", headers: block });
    await send("/photos/a", { method: "DELETE" });
    expect((await send("/photos/c")).text).toBe("shared");
    expect((await copy("c", "d")).status).toBe(202);
    await send("/photos/c", { method: "DELETE" });
    expect((await send("/photos/d")).text).toBe("shared");
    await send("/photos/d", { method: "DELETE" });
    expect(tenant.errors).toEqual([]);
  });

  it("need the right to read the source, checked on its own", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    await send("/secret?restype=container", { method: "PUT" });
    await send("/secret/x", { method: "PUT", body: "secret", headers: block });
    const writer = await tenant.principal("writer");
    tenant.assign(
      "Storage Blob Data Contributor",
      writer,
      `${tenant.accountId()}/blobServices/default/containers/photos`,
    );
    const own = tenant.as(await tenant.token(writer));
    const copy = (headers: Record<string, string>, path = "/photos/x", body?: string) =>
      own(path, { method: "PUT", headers, ...(body === undefined ? {} : { body }) });
    const from = { "x-ms-copy-source": `${base}/secret/x` };
    for (const headers of [from, { ...from, "x-ms-requires-sync": "true" }, { ...from, ...block }])
      expect(await copy(headers)).toMatchObject({ status: 403, code: "CannotVerifyCopySource" });
    expect((await copy(from, "/photos/x?comp=block&blockid=YQ%3D%3D")).code).toBe("CannotVerifyCopySource");
    expect((await own("/photos/x")).status).toBe(404);
    const sas = generateBlobSASQueryParameters(
      { containerName: "secret", blobName: "x", permissions: BlobSASPermissions.parse("r"), expiresOn: soon() },
      await tenant.sharedKey(),
    );
    expect((await copy({ "x-ms-copy-source": `${base}/secret/x?${String(sas)}` })).status).toBe(202);
    expect((await own("/photos/x")).text).toBe("secret");
    expect((await own("/photos/x")).headers["x-ms-copy-source"]).toBe(`${base}/secret/x`);
    const forged = `${base}/secret/x?${String(sas).replace(/sig=[^&]*/, "sig=AAAA")}`;
    expect(await copy({ "x-ms-copy-source": forged })).toMatchObject({ status: 403, code: "CannotVerifyCopySource" });
    const delegated = { ...from, "x-ms-copy-source-authorization": `Bearer ${await tenant.token(writer)}` };
    expect((await copy({ ...delegated, ...block })).status).toBe(403);
  });

  it("do not let a SAS on the target read other blobs of the account", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    await send("/photos/x", { method: "PUT", body: "secret", headers: block });
    const sas = generateBlobSASQueryParameters(
      { containerName: "photos", permissions: ContainerSASPermissions.parse("w"), expiresOn: soon() },
      await tenant.sharedKey(),
    );
    const answer = await tenant.send(`/photos/y?${String(sas)}`, {
      method: "PUT",
      headers: { "x-ms-version": version, "x-ms-copy-source": `${base}/photos/x` },
    });
    expect(answer).toMatchObject({ status: 401, code: "CannotVerifyCopySource" });
  });
});

describe("copies between accounts and from URLs", () => {
  it("move the bytes with the credentials that came with the source", async () => {
    await using tenant = await startStorage();
    await tenant.createAccount("other");
    const key = await tenant.sharedKey();
    const otherKey = await tenant.sharedKey("other");
    const source = tenant.sdk(otherKey, "other").getContainerClient("from");
    await source.create();
    await source.getBlockBlobClient("x").upload("0123456789", 10);
    const target = tenant.sdk(key).getContainerClient("into");
    await target.create();
    const plain = "https://other.blob.core.windows.net/from/x";
    await expect(target.getBlockBlobClient("x").syncCopyFromURL(plain)).rejects.toMatchObject({
      code: "CannotVerifyCopySource",
      statusCode: 401,
    });
    const sas = generateBlobSASQueryParameters(
      { containerName: "from", blobName: "x", permissions: BlobSASPermissions.parse("r"), expiresOn: soon() },
      otherKey,
    );
    const url = `${plain}?${String(sas)}`;
    expect(await target.getBlockBlobClient("sync").syncCopyFromURL(url)).toMatchObject({ copyStatus: "success" });
    await target.getBlockBlobClient("put").syncUploadFromURL(url);
    const staged = target.getBlockBlobClient("staged");
    await staged.stageBlockFromURL("YQ==", url, 2, 3);
    await staged.stageBlockFromURL("Yg==", url, 8);
    await staged.commitBlockList(["Yg==", "YQ=="]);
    expect((await target.getBlobClient("sync").downloadToBuffer()).toString()).toBe("0123456789");
    expect((await target.getBlobClient("put").downloadToBuffer()).toString()).toBe("0123456789");
    expect((await staged.downloadToBuffer()).toString()).toBe("89234");
    const reader = await tenant.principal("reader");
    const authorization = { scheme: "Bearer", value: await tenant.token(reader) };
    const withToken = () =>
      target.getBlockBlobClient("token").syncCopyFromURL(plain, { sourceAuthorization: authorization });
    await expect(withToken()).rejects.toMatchObject({ statusCode: 403 });
    tenant.assign("Storage Blob Data Reader", reader, tenant.accountId("other"));
    expect(await withToken()).toMatchObject({ copyStatus: "success" });
    await expect(
      target.getBlockBlobClient("x").syncCopyFromURL("https://nobody.blob.core.windows.net/a/b"),
    ).rejects.toMatchObject({
      statusCode: 404,
      code: "CannotVerifyCopySource",
    });
    await expect(target.getBlockBlobClient("x").syncCopyFromURL("http://169.254.169.254/latest")).rejects.toMatchObject(
      {
        code: "CannotVerifyCopySource",
      },
    );
    expect(tenant.errors).toEqual([]);
  });
});

describe("snapshots", () => {
  it("keep what was, and guard their blob against deletion", async () => {
    const { tenant, app } = await withContributor();
    await using _ = tenant;
    const blob = tenant.sdk(app).getContainerClient("photos").getBlockBlobClient("x");
    await blob.upload("one", 3);
    const { snapshot = "" } = await blob.createSnapshot();
    await blob.createSnapshot();
    await blob.upload("two", 3);
    expect(snapshot).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{7}Z$/);
    expect((await blob.withSnapshot(snapshot).downloadToBuffer()).toString()).toBe("one");
    await expect(blob.delete()).rejects.toMatchObject({ code: "SnapshotsPresent", statusCode: 409 });
    await blob.withSnapshot(snapshot).delete();
    await expect(blob.withSnapshot(snapshot).getProperties()).rejects.toMatchObject({ statusCode: 404 });
    await blob.delete({ deleteSnapshots: "only" });
    expect((await blob.downloadToBuffer()).toString()).toBe("two");
    await blob.delete();
    expect(await blob.exists()).toBe(false);
    expect(tenant.errors).toEqual([]);
  });
});
