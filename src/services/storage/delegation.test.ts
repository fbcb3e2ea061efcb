import { ContainerSASPermissions, generateBlobSASQueryParameters } from "@azure/storage-blob";
import { describe, expect, it } from "vitest";
import { version, withBlob } from "./storage.test-support.ts";

const hour = 3600 * 1000;
const soon = (): Date => new Date(Date.now() + hour);
const get = { headers: { "x-ms-version": version } };
const blobPath = "/photos/a%20b/c.txt";

describe("a user delegation SAS", () => {
  const delegated = async (role: "Storage Blob Data Reader" | "Storage Blob Data Contributor") => {
    const { tenant, key } = await withBlob();
    const issuer = await tenant.principal("issuer");
    const assignment = tenant.assign(role, issuer, tenant.accountId());
    const delegation = await tenant.sdk(issuer).getUserDelegationKey(new Date(Date.now() - 60_000), soon());
    const sas = (permissions: string, sasVersion?: string): string =>
      generateBlobSASQueryParameters(
        {
          containerName: "photos",
          permissions: ContainerSASPermissions.parse(permissions),
          expiresOn: soon(),
          ...(sasVersion === undefined ? {} : { version: sasVersion }),
        },
        delegation,
        "acme",
      ).toString();
    return { tenant, key, issuer, assignment, delegation, sas };
  };

  it("works with every text that the SDK signs", async () => {
    const { tenant, sas } = await delegated("Storage Blob Data Reader");
    await using _ = tenant;
    for (const sasVersion of [undefined, "2018-11-09", "2020-02-10", "2020-12-06", "2025-07-05"])
      expect((await tenant.send(`${blobPath}?${sas("r", sasVersion)}`, get)).text, sasVersion).toBe("hello");
  });

  it("grants the intersection of its letters and the issuer's roles at the time of use", async () => {
    const { tenant, sas, assignment } = await delegated("Storage Blob Data Reader");
    await using _ = tenant;
    const all = sas("racwdl");
    expect((await tenant.send(`${blobPath}?${all}`, get)).status).toBe(200);
    const put = await tenant.send(`/photos/new?${all}`, {
      method: "PUT",
      body: "x",
      headers: { "x-ms-version": version, "x-ms-blob-type": "BlockBlob" },
    });
    expect(put).toMatchObject({ status: 403, code: "AuthorizationPermissionMismatch" });
    tenant.index.removeAssignment(assignment);
    expect((await tenant.send(`${blobPath}?${all}`, get)).code).toBe("AuthorizationPermissionMismatch");
  });

  it("dies with its issuer, with the key's end and with a revocation", async () => {
    const { tenant, sas, issuer } = await delegated("Storage Blob Data Reader");
    await using _ = tenant;
    const read = sas("r");
    expect((await tenant.arm("POST", `${tenant.accountId()}/revokeUserDelegationKeys`)).status).toBe(200);
    expect((await tenant.send(`${blobPath}?${read}`, get)).code).toBe("AuthenticationFailed");
    const again = await tenant.sdk(issuer).getUserDelegationKey(new Date(Date.now() - 60_000), soon());
    const fresh = generateBlobSASQueryParameters(
      {
        containerName: "photos",
        permissions: ContainerSASPermissions.parse("r"),
        expiresOn: new Date(Date.now() + 5 * hour),
      },
      again,
      "acme",
    ).toString();
    expect((await tenant.send(`${blobPath}?${fresh}`, get)).status).toBe(200);
    tenant.advance(2 * hour);
    expect((await tenant.send(`${blobPath}?${fresh}`, get)).code).toBe("AuthenticationFailed");
    tenant.advance(-2 * hour);
    await tenant.directory.remove(issuer);
    expect((await tenant.send(`${blobPath}?${fresh}`, get)).status).toBe(403);
  });

  it("cannot be made for another issuer with one's own key", async () => {
    const { tenant, delegation } = await delegated("Storage Blob Data Reader");
    await using _ = tenant;
    const owner = await tenant.principal("owner");
    tenant.assign("Storage Blob Data Owner", owner, tenant.accountId());
    const forged = generateBlobSASQueryParameters(
      { containerName: "photos", permissions: ContainerSASPermissions.parse("rwd"), expiresOn: soon() },
      { ...delegation, signedObjectId: owner },
      "acme",
    ).toString();
    expect((await tenant.send(`${blobPath}?${forged}`, get)).code).toBe("AuthenticationFailed");
  });
});

describe("anonymous readers", () => {
  it("are served only when account and container both allow it", async () => {
    const { tenant, key } = await withBlob();
    await using _ = tenant;
    const container = tenant.sdk(key).getContainerClient("photos");
    await expect(container.setAccessPolicy("blob")).rejects.toMatchObject({
      code: "PublicAccessNotPermitted",
      statusCode: 409,
    });
    expect((await tenant.send(blobPath)).code).toBe("PublicAccessNotPermitted");
    await tenant.arm("PATCH", tenant.accountId(), { properties: { allowBlobPublicAccess: true } });
    expect(await tenant.send(blobPath)).toMatchObject({ status: 404, code: "ResourceNotFound" });
    expect(await tenant.send(blobPath, get)).toMatchObject({ status: 401, code: "NoAuthenticationInformation" });
    await container.setAccessPolicy("blob");
    expect((await tenant.send(blobPath)).text).toBe("hello");
    expect((await tenant.send("/photos?restype=container&comp=list", get)).status).toBe(401);
    expect((await tenant.send(blobPath, { method: "DELETE", ...get })).status).toBe(401);
    await container.setAccessPolicy("container");
    expect((await tenant.send("/photos?restype=container&comp=list", get)).status).toBe(200);
    await tenant.arm("PATCH", tenant.accountId(), { properties: { allowBlobPublicAccess: false } });
    expect((await tenant.send(blobPath, get)).status).toBe(401);
  });
});
