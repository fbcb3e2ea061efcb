import { describe, expect, it } from "vitest";
import { startStorage, version, withContributor } from "./storage.test-support.ts";

describe("storage accounts", () => {
  it("show endpoints and defaults, take changes, and give keys by listKeys only", async () => {
    await using tenant = await startStorage();
    const { body } = await tenant.arm("GET", tenant.accountId());
    expect(body).toMatchObject({
      name: "acme",
      kind: "StorageV2",
      sku: { name: "Standard_LRS", tier: "Standard" },
      properties: {
        provisioningState: "Succeeded",
        allowBlobPublicAccess: false,
        primaryEndpoints: { blob: "https://acme.blob.core.windows.net/" },
      },
    });
    const { body: keys } = await tenant.arm("POST", `${tenant.accountId()}/listKeys`);
    expect(keys["keys"]).toMatchObject([{ keyName: "key1", permissions: "FULL" }, { keyName: "key2" }]);
    expect(JSON.stringify(body)).not.toContain(await tenant.keyOf());
    const patched = await tenant.arm("PATCH", tenant.accountId(), { properties: { allowBlobPublicAccess: true } });
    expect(patched).toMatchObject({
      status: 200,
      body: { properties: { allowBlobPublicAccess: true, accessTier: "Hot" } },
    });
    const key = await tenant.keyOf();
    expect((await tenant.createAccount("acme")).status).toBe(200);
    expect(await tenant.keyOf()).toBe(key);
  });

  it("have names that are checked and unique", async () => {
    await using tenant = await startStorage();
    const check = async (name: string) =>
      (
        await tenant.arm("POST", `${tenant.subscription}/providers/Microsoft.Storage/checkNameAvailability`, {
          name,
          type: "Microsoft.Storage/storageAccounts",
        })
      ).body;
    expect(await check("free")).toMatchObject({ nameAvailable: true });
    expect(await check("acme")).toMatchObject({ nameAvailable: false, reason: "AlreadyExists" });
    expect(await check("Not-Valid")).toMatchObject({ nameAvailable: false, reason: "AccountNameInvalid" });
    await tenant.arm("PUT", `${tenant.subscription}/resourceGroups/rg2`, { location: "eastus" });
    const other = `${tenant.subscription}/resourceGroups/rg2/providers/Microsoft.Storage/storageAccounts/acme`;
    expect(
      await tenant.arm("PUT", other, { location: "eastus", sku: { name: "Standard_LRS" }, kind: "StorageV2" }),
    ).toMatchObject({
      status: 409,
      body: { error: { code: "StorageAccountAlreadyTaken" } },
    });
  });

  it("take their data with them, and a new one of the same name is empty and has other keys", async () => {
    const { tenant, app, send } = await withContributor();
    await using _ = tenant;
    await send("/photos/x", { method: "PUT", body: "x", headers: { "x-ms-blob-type": "BlockBlob" } });
    const key = await tenant.keyOf();
    expect((await tenant.arm("DELETE", tenant.accountId())).status).toBe(200);
    expect((await send("/photos/x")).status).toBe(421);
    await tenant.createAccount("acme");
    expect((await send("/photos/x")).code).toBe("ContainerNotFound");
    expect(await tenant.keyOf()).not.toBe(key);
    expect(app).toBeDefined();
  });

  it("have containers in ARM that are those of the data plane", async () => {
    const { tenant, send } = await withContributor();
    await using _ = tenant;
    const at = `${tenant.accountId()}/blobServices/default/containers`;
    const listed = await tenant.arm("GET", at);
    expect(listed.body["value"]).toMatchObject([{ name: "photos", properties: { publicAccess: "None" } }]);
    expect(
      (await tenant.arm("PUT", `${at}/made`, { properties: { publicAccess: "None", metadata: { a: "b" } } })).status,
    ).toBe(201);
    expect((await send("/made?restype=container")).headers["x-ms-meta-a"]).toBe("b");
    expect(await tenant.arm("PUT", `${at}/open`, { properties: { publicAccess: "Blob" } })).toMatchObject({
      status: 409,
      body: { error: { code: "PublicAccessNotPermitted" } },
    });
    expect((await tenant.arm("DELETE", `${at}/made`)).status).toBe(200);
    expect((await send("/made?restype=container")).code).toBe("ContainerNotFound");
    expect((await tenant.arm("GET", `${tenant.accountId()}/blobServices/default`)).body).toMatchObject({
      name: "default",
    });
    expect(
      (
        await tenant.arm("PUT", `${tenant.accountId()}/blobServices/default`, {
          properties: { isVersioningEnabled: true },
        })
      ).status,
    ).toBe(400);
  });
});

describe("the blob service", () => {
  it("keeps CORS rules, answers preflights by them and adds its headers to errors too", async () => {
    const { tenant, app } = await withContributor();
    await using _ = tenant;
    tenant.assign("Owner", app, tenant.accountId());
    const service = tenant.sdk(app);
    const preflight = (origin: string, method = "PUT") =>
      tenant.send("/photos/x", {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": method,
          "access-control-request-headers": "x-ms-blob-type",
        },
      });
    expect((await preflight("https://app.test")).code).toBe("CorsPreflightFailure");
    await service.setProperties({
      cors: [
        {
          allowedOrigins: "https://app.test",
          allowedMethods: "GET,PUT",
          allowedHeaders: "x-ms-*",
          exposedHeaders: "x-ms-*",
          maxAgeInSeconds: 60,
        },
      ],
    });
    expect((await service.getProperties()).cors).toMatchObject([
      { allowedOrigins: "https://app.test", maxAgeInSeconds: 60 },
    ]);
    const allowed = await preflight("https://app.test");
    expect(allowed).toMatchObject({ status: 200 });
    expect(allowed.headers).toMatchObject({
      "access-control-allow-origin": "https://app.test",
      "access-control-max-age": "60",
    });
    expect((await preflight("https://evil.test")).status).toBe(403);
    expect((await preflight("https://app.test", "DELETE")).status).toBe(403);
    const refused = await tenant.send("/photos/x", {
      headers: { origin: "https://app.test", "x-ms-version": version },
    });
    expect(refused.status).toBe(401);
    expect(refused.headers["access-control-allow-origin"]).toBe("https://app.test");
    expect(refused.headers["access-control-expose-headers"]).toContain("x-ms-error-code");
    const other = await tenant.send("/photos/x", { headers: { origin: "https://evil.test", "x-ms-version": version } });
    expect(other.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("lists containers for who may read them at the account, in pages", async () => {
    const { tenant, app, send } = await withContributor();
    await using _ = tenant;
    for (const name of ["one", "two", "three"]) await send(`/${name}?restype=container`, { method: "PUT" });
    const names: string[] = [];
    for await (const page of tenant.sdk(app).listContainers({ prefix: "t" }).byPage({ maxPageSize: 1 }))
      names.push(...page.containerItems.map((item) => item.name));
    expect(names).toEqual(["three", "two"]);
    expect((await send("/?restype=account&comp=properties")).code).toBe("AuthorizationPermissionMismatch");
    tenant.assign("Contributor", app, tenant.accountId());
    expect((await send("/?restype=account&comp=properties")).headers).toMatchObject({
      "x-ms-sku-name": "Standard_LRS",
      "x-ms-account-kind": "StorageV2",
    });
  });

  it("reads from the secondary host and writes nothing there", async () => {
    const { tenant, app } = await withContributor();
    await using _ = tenant;
    const send = tenant.as(await tenant.token(app));
    const host = "acme-secondary.blob.core.windows.net";
    expect((await send("/photos?restype=container", { host })).status).toBe(200);
    expect((await send("/photos?restype=container", { host, method: "DELETE" })).status).toBe(403);
  });
});
