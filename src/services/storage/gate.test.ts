import { describe, expect, it } from "vitest";
import { startStorage, version, withContributor } from "./storage.test-support.ts";

describe("the blob data plane through the Azure SDK with a token", () => {
  it("refuses without a role, names action and scope on record, and serves once the role is there", async () => {
    await using tenant = await startStorage();
    const app = await tenant.principal("app");
    const container = tenant.sdk(app).getContainerClient("photos");
    const refused = await container.create().catch((error: unknown) => error);
    expect(refused).toMatchObject({ statusCode: 403, code: "AuthorizationPermissionMismatch" });
    const [check] = tenant.decisions.at(-1)?.checks ?? [];
    expect(check?.need).toMatchObject({
      kind: "action",
      name: "Microsoft.Storage/storageAccounts/blobServices/containers/write",
      scope: `${tenant.accountId()}/blobServices/default/containers/photos`,
    });
    tenant.assign("Storage Blob Data Contributor", app, tenant.accountId());
    await container.create();
    const blob = container.getBlockBlobClient("a b/ü.png");
    const upload = await blob.upload("hello", 5, {
      blobHTTPHeaders: { blobContentType: "image/png" },
      metadata: { Camera: "x" },
    });
    expect(upload.etag).toMatch(/^"0x[0-9A-F]{15,}"$/);
    const download = await blob.downloadToBuffer();
    expect(download.toString()).toBe("hello");
    const properties = await blob.getProperties();
    expect(properties).toMatchObject({ contentType: "image/png", contentLength: 5, metadata: { camera: "x" } });
    const names: string[] = [];
    for await (const item of container.listBlobsFlat()) names.push(item.name);
    expect(names).toEqual(["a b/ü.png"]);
    await blob.delete();
    await expect(blob.getProperties()).rejects.toMatchObject({ statusCode: 404 });
    await container.delete();
    expect(await container.exists()).toBe(false);
    expect(tenant.errors).toEqual([]);
  });

  it("takes a removed role away at once", async () => {
    await using tenant = await startStorage();
    const app = await tenant.principal("app");
    const assignment = tenant.assign("Storage Blob Data Contributor", app, tenant.accountId());
    const send = tenant.as(await tenant.token(app));
    expect((await send("/photos?restype=container", { method: "PUT" })).status).toBe(201);
    tenant.index.removeAssignment(assignment);
    expect((await send("/photos?restype=container")).code).toBe("AuthorizationPermissionMismatch");
  });

  it("does not let a role on one container reach another whose name begins alike", async () => {
    await using tenant = await startStorage();
    const app = await tenant.principal("app");
    tenant.assign("Storage Blob Data Contributor", app, `${tenant.accountId()}/blobServices/default/containers/photos`);
    const send = tenant.as(await tenant.token(app));
    expect((await send("/photos?restype=container", { method: "PUT" })).status).toBe(201);
    expect((await send("/photos2?restype=container", { method: "PUT" })).status).toBe(403);
    expect((await send("/?comp=list")).status).toBe(403);
  });
});

describe("tokens", () => {
  it("are refused when they are for another audience, expired, edited, unsigned or missing", async () => {
    const { tenant, app, send } = await withContributor();
    await using _ = tenant;
    const challenge = `Bearer authorization_uri=https://login.microsoftonline.com/${tenant.info.tenantId}/oauth2/authorize resource_id=https://storage.azure.com`;
    const refused = async (token: string): Promise<string> => {
      const answer = await tenant.as(token)("/photos?restype=container");
      expect(answer.status).toBe(401);
      expect(answer.code).toBe("InvalidAuthenticationInfo");
      expect(answer.headers["www-authenticate"]).toBe(challenge);
      return answer.text;
    };
    expect(await refused(await tenant.token(app, "https://vault.azure.net"))).toContain("Audience did not match");
    expect(await refused(await tenant.token(app, "https://other.blob.core.windows.net"))).toContain("Audience");
    const good = await tenant.token(app);
    const [head = "", , signature = ""] = good.split(".");
    const claims = JSON.parse(Buffer.from(good.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
    const edited = Buffer.from(JSON.stringify({ ...claims, oid: "00000000-0000-0000-0000-000000000001" })).toString(
      "base64url",
    );
    await refused(`${head}.${edited}.${signature}`);
    const none = Buffer.from(JSON.stringify({ alg: "none", typ: "JWT" })).toString("base64url");
    await refused(`${none}.${good.split(".")[1]}.`);
    await refused("rubbish");
    expect((await send("/photos?restype=container")).status).toBe(200);
    tenant.advance(2 * 3600 * 1000);
    expect(await refused(good)).toContain("The token is expired.");
    const anonymous = await tenant.send("/photos?restype=container", { headers: { "x-ms-version": version } });
    expect(anonymous).toMatchObject({ status: 401, code: "NoAuthenticationInformation" });
    expect(anonymous.headers["www-authenticate"]).toBe(challenge);
    const basic = await tenant.send("/photos?restype=container", { headers: { authorization: "Basic YTpi" } });
    expect(basic).toMatchObject({ status: 400, code: "InvalidAuthenticationInfo" });
  });

  it("are accepted for the service, the account and the application id", async () => {
    const { tenant, app } = await withContributor();
    await using _ = tenant;
    for (const audience of [
      "https://storage.azure.com",
      "https://storage.azure.com/",
      "https://acme.blob.core.windows.net",
      "https://acme.blob.core.windows.net/",
      "e406a681-f3d4-42a8-90b6-c2b029497af1",
    ])
      expect((await tenant.as(await tenant.token(app, audience))("/photos?restype=container")).status).toBe(200);
  });

  it("are refused over clear text and by old protocol versions", async () => {
    const { tenant, app } = await withContributor();
    await using _ = tenant;
    await tenant.arm("PATCH", tenant.accountId(), { properties: { supportsHttpsTrafficOnly: false } });
    const send = tenant.as(await tenant.token(app));
    expect((await send("/photos?restype=container", { secure: false })).status).toBe(401);
    const old = await send("/photos?restype=container", { headers: { "x-ms-version": "2016-05-31" } });
    expect(old).toMatchObject({ status: 403, code: "AuthenticationFailed" });
  });
});
