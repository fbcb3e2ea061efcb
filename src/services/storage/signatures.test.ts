import { createHmac } from "node:crypto";
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  BlobSASPermissions,
  ContainerSASPermissions,
  generateAccountSASQueryParameters,
  generateBlobSASQueryParameters,
  SASProtocol,
  type BlobSASSignatureValues,
  type StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { describe, expect, it } from "vitest";
import { version, withBlob } from "./storage.test-support.ts";

const hour = 3600 * 1000;
const soon = (): Date => new Date(Date.now() + hour);

const get = { headers: { "x-ms-version": version } };
const blobPath = "/photos/a%20b/c.txt";

describe("a Shared Key", () => {
  it("made by the SDK does everything, with odd names, metadata and content headers", async () => {
    const { tenant, key } = await withBlob();
    await using _ = tenant;
    const blob = tenant.sdk(key).getContainerClient("photos").getBlockBlobClient("ü +&%/x?.txt");
    await blob.upload("x", 1, {
      metadata: { a_b: "1", a0: " spaced  value", Zz: "2" },
      blobHTTPHeaders: { blobContentLanguage: "de", blobContentEncoding: "gzip" },
    });
    expect((await blob.getProperties()).metadata).toMatchObject({ a_b: "1", a0: "spaced  value" });
    const found: string[] = [];
    for await (const item of tenant.sdk(key).getContainerClient("photos").listBlobsFlat({ prefix: "ü +&" }))
      found.push(item.name);
    expect(found).toEqual(["ü +&%/x?.txt"]);
    expect(tenant.errors).toEqual([]);
  });

  it("is refused when wrong, too old, of another account or regenerated", async () => {
    const { tenant, key } = await withBlob();
    await using _ = tenant;
    await tenant.createAccount("other");
    const other = await tenant.sharedKey("other");
    await expect(tenant.sdk(other).getContainerClient("photos").getProperties()).rejects.toMatchObject({
      statusCode: 403,
    });
    const wrong = await tenant.send("/photos?restype=container", {
      headers: { "x-ms-version": version, "x-ms-date": new Date().toUTCString(), authorization: "SharedKey acme:AAAA" },
    });
    expect(wrong).toMatchObject({ status: 403, code: "AuthenticationFailed" });
    const old = await tenant.send("/photos?restype=container", {
      headers: {
        "x-ms-version": version,
        "x-ms-date": new Date(Date.now() - 16 * 60_000).toUTCString(),
        authorization: "SharedKey acme:AAAA",
      },
    });
    expect(old.text).toContain("Request date header too old");
    await tenant.arm("POST", `${tenant.accountId()}/regenerateKey`, { keyName: "key1" });
    await expect(tenant.sdk(key).getContainerClient("photos").getProperties()).rejects.toMatchObject({
      code: "AuthenticationFailed",
    });
  });

  it("is switched off by allowSharedKeyAccess, and so are the signatures made with it", async () => {
    const { tenant, key } = await withBlob();
    await using _ = tenant;
    const sas = generateBlobSASQueryParameters(
      { containerName: "photos", permissions: ContainerSASPermissions.parse("r"), expiresOn: soon() },
      key,
    );
    expect((await tenant.send(`${blobPath}?${String(sas)}`, get)).status).toBe(200);
    await tenant.arm("PATCH", tenant.accountId(), { properties: { allowSharedKeyAccess: false } });
    await expect(tenant.sdk(key).getContainerClient("photos").getProperties()).rejects.toMatchObject({
      code: "KeyBasedAuthenticationNotPermitted",
    });
    expect((await tenant.send(`${blobPath}?${String(sas)}`, get)).code).toBe("KeyBasedAuthenticationNotPermitted");
  });

  it("cannot get a user delegation key", async () => {
    const { tenant, key } = await withBlob();
    await using _ = tenant;
    await expect(tenant.sdk(key).getUserDelegationKey(new Date(), soon())).rejects.toMatchObject({
      code: "AuthenticationFailed",
    });
  });
});

describe("an account SAS", () => {
  const made = (key: StorageSharedKeyCredential, permissions: string, types: string, services = "b"): string =>
    generateAccountSASQueryParameters(
      {
        expiresOn: soon(),
        permissions: AccountSASPermissions.parse(permissions),
        resourceTypes: AccountSASResourceTypes.parse(types).toString(),
        services: AccountSASServices.parse(services).toString(),
      },
      key,
    ).toString();

  it("grants what its letters say and names what is missing", async () => {
    const { tenant, key } = await withBlob();
    await using _ = tenant;
    expect((await tenant.send(`/?comp=list&${made(key, "l", "s")}`, get)).status).toBe(200);
    expect((await tenant.send(`/?comp=list&${made(key, "l", "c")}`, get)).code).toBe(
      "AuthorizationResourceTypeMismatch",
    );
    expect((await tenant.send(`/?comp=list&${made(key, "r", "s")}`, get)).code).toBe("AuthorizationPermissionMismatch");
    expect((await tenant.send(`/?comp=list&${made(key, "l", "s", "q")}`, get)).code).toBe(
      "AuthorizationServiceMismatch",
    );
    expect((await tenant.send(`${blobPath}?${made(key, "r", "o")}`, get)).text).toBe("hello");
    const acl = await tenant.send(`/photos?restype=container&comp=acl&${made(key, "rwdlac", "sco")}`, get);
    expect(acl.code).toBe("AuthorizationFailure");
  });
});

describe("a service SAS", () => {
  const made = (key: StorageSharedKeyCredential, values: Omit<BlobSASSignatureValues, "containerName">): string =>
    generateBlobSASQueryParameters({ containerName: "photos", expiresOn: soon(), ...values }, key).toString();

  it("opens its blob or container and nothing else", async () => {
    const { tenant, key } = await withBlob();
    await using _ = tenant;
    const blob = made(key, { blobName: "a b/c.txt", permissions: BlobSASPermissions.parse("r") });
    expect((await tenant.send(`${blobPath}?${blob}`, get)).text).toBe("hello");
    expect((await tenant.send(`/photos/other?${blob}`, get)).code).toBe("AuthenticationFailed");
    expect((await tenant.send(`/photos?restype=container&comp=list&${blob}`, get)).code).toBe("AuthenticationFailed");
    expect((await tenant.send(blobPath + `?${blob}`, { ...get, method: "DELETE" })).code).toBe(
      "AuthorizationPermissionMismatch",
    );
    const container = made(key, { permissions: ContainerSASPermissions.parse("racwdl") });
    expect((await tenant.send(`/photos?restype=container&comp=list&${container}`, get)).status).toBe(200);
    expect((await tenant.send(`/photos?restype=container&${container}`, get)).code).toBe(
      "AuthorizationPermissionMismatch",
    );
    expect((await tenant.send(`/photos?restype=container&${container}`, { ...get, method: "DELETE" })).status).toBe(
      403,
    );
    expect((await tenant.send(`/other/x?${container}`, get)).code).toBe("AuthenticationFailed");
  });

  it("is refused when any signed value is changed", async () => {
    const { tenant, key } = await withBlob();
    await using _ = tenant;
    const sas = made(key, {
      permissions: ContainerSASPermissions.parse("r"),
      startsOn: new Date(Date.now() - hour),
      ipRange: { start: "127.0.0.1" },
      protocol: SASProtocol.Https,
      contentType: "text/x-own",
    });
    const good = await tenant.send(`${blobPath}?${sas}`, get);
    expect(good.headers["content-type"]).toBe("text/x-own");
    for (const [name, value] of [
      ["sp", "rw"],
      ["se", "2099-01-01T00:00:00Z"],
      ["st", "2001-01-01T00:00:00Z"],
      ["sip", "0.0.0.0-255.255.255.255"],
      ["spr", "https,http"],
      ["sv", "2020-12-06"],
      ["sr", "b"],
      ["rsct", "text/html"],
      ["sig", "AAAA"],
    ] as const) {
      const forged = new URLSearchParams(sas);
      forged.set(name, value);
      expect((await tenant.send(`${blobPath}?${forged.toString()}`, get)).code, name).toBe("AuthenticationFailed");
    }
  });

  it("holds for its time, address and protocol only", async () => {
    const { tenant, key } = await withBlob();
    await using _ = tenant;
    const read = { permissions: ContainerSASPermissions.parse("r") };
    const elsewhere = made(key, { ...read, ipRange: { start: "10.0.0.1", end: "10.0.0.9" } });
    expect((await tenant.send(`${blobPath}?${elsewhere}`, get)).code).toBe("AuthorizationSourceIPMismatch");
    await tenant.arm("PATCH", tenant.accountId(), { properties: { supportsHttpsTrafficOnly: false } });
    const https = made(key, { ...read, protocol: SASProtocol.Https });
    expect((await tenant.send(`${blobPath}?${https}`, { ...get, secure: false })).code).toBe(
      "AuthorizationProtocolMismatch",
    );
    const later = made(key, { ...read, startsOn: new Date(Date.now() + hour / 2) });
    expect((await tenant.send(`${blobPath}?${later}`, get)).text).toContain(
      "Signature not valid in the specified time frame",
    );
    tenant.advance(40 * 60_000);
    expect((await tenant.send(`${blobPath}?${later}`, get)).status).toBe(200);
    tenant.advance(40 * 60_000);
    expect((await tenant.send(`${blobPath}?${later}`, get)).status).toBe(403);
  });

  it("with create alone makes a blob but does not overwrite one", async () => {
    const { tenant, key } = await withBlob();
    await using _ = tenant;
    const create = made(key, { permissions: ContainerSASPermissions.parse("c") });
    const put = {
      method: "PUT" as const,
      body: "x",
      headers: { "x-ms-version": version, "x-ms-blob-type": "BlockBlob" },
    };
    expect((await tenant.send(`/photos/new?${create}`, put)).status).toBe(201);
    expect(await tenant.send(`/photos/new?${create}`, put)).toMatchObject({
      status: 403,
      code: "UnauthorizedBlobOverwrite",
    });
  });

  it("follows the container's stored access policy", async () => {
    const { tenant, key } = await withBlob();
    await using _ = tenant;
    const container = tenant.sdk(key).getContainerClient("photos");
    const policy = (permissions: string) => [
      { id: "readers", accessPolicy: { permissions, expiresOn: soon(), startsOn: new Date(Date.now() - hour) } },
    ];
    await container.setAccessPolicy(undefined, policy("r"));
    expect((await container.getAccessPolicy()).signedIdentifiers[0]).toMatchObject({
      id: "readers",
      accessPolicy: { permissions: "r" },
    });
    const sas = generateBlobSASQueryParameters({ containerName: "photos", identifier: "readers" }, key).toString();
    expect((await tenant.send(`${blobPath}?${sas}`, get)).status).toBe(200);
    await container.setAccessPolicy(undefined, policy("w"));
    expect((await tenant.send(`${blobPath}?${sas}`, get)).code).toBe("AuthorizationPermissionMismatch");
    await container.setAccessPolicy();
    expect((await tenant.send(`${blobPath}?${sas}`, get)).code).toBe("AuthenticationFailed");
  });
});

describe("SharedKeyLite", () => {
  it("is accepted with the text that the documentation gives", async () => {
    const { tenant } = await withBlob();
    await using _ = tenant;
    const date = new Date().toUTCString();
    const sign = async (resource: string): Promise<string> =>
      createHmac("sha256", Buffer.from(await tenant.keyOf(), "base64"))
        .update(`GET\n\n\n\nx-ms-date:${date}\nx-ms-version:${version}\n/acme${resource}`)
        .digest("base64");
    const ask = (path: string, signature: string) =>
      tenant.send(path, {
        headers: { "x-ms-date": date, "x-ms-version": version, authorization: `SharedKeyLite acme:${signature}` },
      });
    expect((await ask(blobPath, await sign(blobPath))).text).toBe("hello");
    expect((await ask("/?comp=list", await sign("/?comp=list"))).status).toBe(200);
    expect((await ask(blobPath, await sign("/photos/other"))).status).toBe(403);
  });
});
