import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestTenant, type TestTenant } from "../../../test/support/tenant.ts";

let test: TestTenant;
let developer: string;
beforeAll(async () => {
  test = await startTestTenant();
  developer = await test.developerToken("https://graph.microsoft.com/");
});
afterAll(() => test[Symbol.asyncDispose]());

const get = (path: string, token: string | undefined = developer) =>
  test.send({ method: "GET", host: "graph.microsoft.com", path, ...(token === "" ? {} : { token }) });
const names = (answer: { readonly body: { readonly value: readonly { readonly displayName: string }[] } }) =>
  answer.body.value.map((each) => each.displayName);
const filtered = (collection: string, filter: string) =>
  get(`/v1.0/${collection}?$filter=${encodeURIComponent(filter)}`);

/** A service principal without any application permission, and a token of it. */
const plainApp = async (type: "Application" | "ManagedIdentity" = "Application") => {
  const principal = {
    kind: "ServicePrincipal" as const,
    objectId: crypto.randomUUID(),
    appId: crypto.randomUUID(),
    displayName: "plain",
    servicePrincipalType: type,
  };
  await test.tenant.directory.put(principal);
  const { token } = await test.tenant.issuer.issue({
    principal,
    audience: "https://graph.microsoft.com",
    proof: "secret",
  });
  return { principal, token };
};

describe("who may read the directory", () => {
  it("is the developer, by an application permission in the token and nothing else", async () => {
    expect((await get("/v1.0/servicePrincipals")).status).toBe(200);
    const check = test.decisions.at(-1)?.checks[0];
    expect(check).toMatchObject({
      need: { name: "Application.Read.All" },
      verdict: { allowed: true, via: "Microsoft Graph permission Directory.Read.All" },
    });
  });

  it("is no plain service principal and no managed identity, in Graph's words", async () => {
    for (const type of ["Application", "ManagedIdentity"] as const) {
      const { token } = await plainApp(type);
      const refused = await get("/v1.0/users", token);
      expect(refused.status).toBe(403);
      expect(refused.body.error).toMatchObject({
        code: "Authorization_RequestDenied",
        message: "Insufficient privileges to complete the operation.",
      });
      expect(refused.body.error.innerError.date).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
      expect(refused.headers["x-lanyard-hint"]).toContain("User.Read.All");
    }
  });

  it("is an app with a narrower permission, for just that", async () => {
    const { principal } = await plainApp();
    const reader = {
      ...principal,
      appRoles: [{ resourceAppId: "00000003-0000-0000-c000-000000000000", value: "User.Read.All" }],
    };
    await test.tenant.directory.put(reader);
    const { token } = await test.tenant.issuer.issue({
      principal: reader,
      audience: "https://graph.microsoft.com",
      proof: "secret",
    });
    expect((await get("/v1.0/users", token)).status).toBe(200);
    expect((await get("/v1.0/groups", token)).status).toBe(403);
    expect((await get("/v1.0/applications", token)).status).toBe(403);
  });

  it("is a user whose app may act for it", async () => {
    const principal = await test.tenant.directory.principal(test.tenant.info.developerUserId);
    if (principal?.kind !== "User") throw new Error("no user");
    const tokenWith = async (scopes: string) =>
      (
        await test.tenant.issuer.issue({
          principal,
          audience: "https://graph.microsoft.com",
          proof: "user",
          clientAppId: "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
          scopes,
        })
      ).token;
    const me = await get("/v1.0/me", await tokenWith("User.Read"));
    expect(me.body).toMatchObject({ id: principal.objectId, userPrincipalName: principal.userPrincipalName });
    expect((await get("/v1.0/users", await tokenWith("User.Read"))).status).toBe(403);
    expect((await get("/v1.0/users", await tokenWith("Directory.AccessAsUser.All openid"))).status).toBe(200);
  });

  it("does not put Graph's permissions into tokens for other services", async () => {
    const token = await test.developerToken("https://management.azure.com");
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as object;
    expect(claims).not.toHaveProperty("roles");
  });
});

describe("tokens that Graph refuses", () => {
  const edited = (token: string, header: object, change: (claims: Record<string, unknown>) => object) => {
    const [, payload = "", signature = ""] = token.split(".");
    const claims = change(JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>);
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    return { signed: `${encode(header)}.${encode(claims)}`, signature };
  };
  const expectRefused = async (token: string, message: RegExp) => {
    const answer = await get("/v1.0/servicePrincipals", token);
    expect([answer.status, answer.body.error.code]).toEqual([401, "InvalidAuthenticationToken"]);
    expect(answer.body.error.message).toMatch(message);
    expect(answer.headers["www-authenticate"]).toContain("authorization_uri=");
  };

  it("are none at all, and text that is no token", async () => {
    await expectRefused("", /^Access token is empty\.$/);
    await expectRefused("abc", /80049217/);
  });

  it("are for another audience, even one that only looks like Graph's", async () => {
    for (const audience of [
      "https://management.azure.com",
      "https://vault.azure.net",
      "https://graph.microsoft.com.evil",
      "HTTPS://GRAPH.MICROSOFT.COM",
    ])
      await expectRefused(await test.developerToken(audience), /Invalid audience/);
  });

  it("are edited, signed by another key, or signed with `none` or the public key as a secret", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const { kid, publicKey } = test.tenant.issuer.key;
    const more = (claims: Record<string, unknown>) => ({ ...claims, roles: ["Directory.ReadWrite.All"] });
    const rs256 = edited(developer, { alg: "RS256", typ: "JWT", kid }, more);
    await expectRefused(`${rs256.signed}.${rs256.signature}`, /Invalid signature/);
    await expectRefused(
      `${rs256.signed}.${sign("sha256", Buffer.from(rs256.signed), privateKey).toString("base64url")}`,
      /Invalid signature/,
    );
    await expectRefused(`${edited(developer, { alg: "none", typ: "JWT" }, more).signed}.`, /Invalid signature/);
    const hs256 = edited(developer, { alg: "HS256", typ: "JWT", kid }, more).signed;
    const pem = publicKey.export({ type: "spki", format: "pem" });
    await expectRefused(`${hs256}.${createHmac("sha256", pem).update(hs256).digest("base64url")}`, /Invalid signature/);
  });

  it("are expired", async () => {
    const own = await startTestTenant();
    const token = await own.developerToken("https://graph.microsoft.com");
    own.advance(3_700_000);
    const answer = await own.send({ method: "GET", host: "graph.microsoft.com", path: "/v1.0/users", token });
    expect(answer.body.error).toMatchObject({
      code: "InvalidAuthenticationToken",
      message: "Lifetime validation failed, the token is expired.",
    });
    await own[Symbol.asyncDispose]();
  });
});

describe("what az asks", () => {
  it("finds a service principal by app id among its names, and shows it by object id and by app id", async () => {
    const { developerAppId, developerServicePrincipalId } = test.tenant.info;
    const found = await filtered("servicePrincipals", `servicePrincipalNames/any(c:c eq '${developerAppId}')`);
    expect(found.body.value).toHaveLength(1);
    expect(found.body.value[0]).toMatchObject({
      id: developerServicePrincipalId,
      appId: developerAppId,
      displayName: "lanyard-developer",
      servicePrincipalType: "Application",
      servicePrincipalNames: [developerAppId],
    });
    expect((await get(`/v1.0/servicePrincipals/${developerServicePrincipalId}`)).body.appId).toBe(developerAppId);
    expect((await get(`/beta/servicePrincipals(appId='${developerAppId}')`)).body.id).toBe(developerServicePrincipalId);
  });

  it("says what does not exist", async () => {
    const id = crypto.randomUUID();
    for (const path of [`servicePrincipals/${id}`, "users/nobody@example.com", `groups/${id}`, `applications/${id}`]) {
      const answer = await get(`/v1.0/${path}`);
      expect([answer.status, answer.body.error.code]).toEqual([404, "Request_ResourceNotFound"]);
      expect(answer.body.error.message).toContain(path.split("/")[1]);
    }
  });

  it("names the resource of a managed identity", async () => {
    const scope = `/subscriptions/${test.tenant.info.subscriptionId}/resourceGroups/g`;
    await test.arm("PUT", scope, { location: "eastus" });
    const id = `${scope}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader`;
    const identity = (await test.arm("PUT", id, { location: "eastus" })).body.properties;
    const shown = (await get(`/v1.0/servicePrincipals/${identity.principalId}`)).body;
    expect(shown).toMatchObject({
      appId: identity.clientId,
      displayName: "reader",
      servicePrincipalType: "ManagedIdentity",
      alternativeNames: ["isExplicit=True", id],
    });
    await test.arm("DELETE", id);
    expect((await get(`/v1.0/servicePrincipals/${identity.principalId}`)).status).toBe(404);
  });

  it("names principals by their ids, of the types asked for, and leaves out the unknown", async () => {
    const { developerUserId, developerServicePrincipalId } = test.tenant.info;
    const byIds = (json: unknown) =>
      test.send({
        method: "POST",
        host: "graph.microsoft.com",
        path: "/v1.0/directoryObjects/getByIds",
        token: developer,
        json,
      });
    const ids = [developerUserId, developerServicePrincipalId, crypto.randomUUID()];
    const all = await byIds({ ids, types: ["user", "group", "servicePrincipal", "directoryObjectPartnerReference"] });
    expect(all.body.value.map((each: Record<string, unknown>) => [each["@odata.type"], each["id"]])).toEqual([
      ["#microsoft.graph.user", developerUserId],
      ["#microsoft.graph.servicePrincipal", developerServicePrincipalId],
    ]);
    expect((await byIds({ ids, types: ["user"] })).body.value).toHaveLength(1);
    expect((await byIds({ ids: "x" })).body.error.code).toBe("Request_BadRequest");
    expect((await byIds({ ids: Array.from({ length: 1001 }, () => "x") })).status).toBe(400);
    expect((await byIds([])).status).toBe(400);
  });

  it("refuses /me to apps with Graph's 400, and to nobody with 401", async () => {
    expect((await get("/v1.0/me")).body.error).toMatchObject({
      code: "BadRequest",
      message: "/me request is only valid with delegated authentication flow.",
    });
    expect((await get("/v1.0/me", "")).status).toBe(401);
  });

  it("shows applications without their secrets", async () => {
    const listed = await filtered("applications", "startswith(displayName,'lanyard')");
    expect(names(listed)).toEqual(["lanyard-developer"]);
    const application = await test.tenant.directory.application(test.tenant.info.developerAppId);
    expect(JSON.stringify(listed.body)).not.toContain(application?.secrets[0]?.value);
    expect(listed.body.value[0].passwordCredentials[0]).toMatchObject({ secretText: null });
  });

  it("tells the tenant's organization and domains", async () => {
    const { tenantId, domain } = test.tenant.info;
    expect((await get("/v1.0/organization")).body.value[0].id).toBe(tenantId);
    expect((await get("/v1.0/domains")).body.value[0]).toMatchObject({ id: domain, isDefault: true });
  });

  it("says by name what is not built, and what version does not exist", async () => {
    const made = await test.send({
      method: "POST",
      host: "graph.microsoft.com",
      path: "/v1.0/users",
      token: developer,
      json: { displayName: "x" },
    });
    expect([made.status, made.body.error.message]).toEqual([501, "POST /v1.0/users is not implemented by Lanyard."]);
    expect((await get("/v2.0/users")).body.error.message).toBe("Invalid version: v2.0");
  });
});

describe("groups", () => {
  it("show members, and what one is a member of, directly and through others", async () => {
    const [outer, inner, member] = [crypto.randomUUID(), crypto.randomUUID(), test.tenant.info.developerUserId];
    await test.tenant.directory.put({ kind: "Group", objectId: inner, displayName: "inner", members: [member] });
    await test.tenant.directory.put({ kind: "Group", objectId: outer, displayName: "outer", members: [inner] });
    expect(names(await get(`/v1.0/groups/${inner}/members`))).toEqual(["Developer"]);
    expect(names(await get(`/v1.0/users/${member}/memberOf`))).toEqual(["inner"]);
    expect(names(await get(`/v1.0/users/${member}/transitiveMemberOf`)).toSorted()).toEqual(["inner", "outer"]);
    expect(names(await filtered("groups", "displayName eq 'INNER'"))).toEqual(["inner"]);
  });
});

describe("query options", () => {
  beforeAll(async () => {
    for (const name of ["ann", "bob", "cia o'neil"])
      await test.tenant.directory.put({
        kind: "User",
        objectId: crypto.randomUUID(),
        displayName: name,
        userPrincipalName: `${name.split(" ")[0]}@example.com`,
      });
  });

  it("filter by every operator that is documented here", async () => {
    const users = async (filter: string) => names(await filtered("users", filter)).toSorted();
    expect(await users("displayName eq 'Cia O''Neil'")).toEqual(["cia o'neil"]);
    expect(await users("displayName eq 'ann' or (startswith(displayName,'b') and not (mail ne null))")).toEqual([
      "ann",
      "bob",
    ]);
    expect(await users("userPrincipalName in ('ann@example.com', 'bob@example.com')")).toEqual(["ann", "bob"]);
    expect(await users("endswith(userPrincipalName,'@example.com') and accountEnabled eq true")).toHaveLength(3);
    expect(await users("contains(displayName,'nei')")).toEqual(["cia o'neil"]);
    expect(await users("displayName ge 'bob' and displayName lt 'cib'")).toEqual(["bob", "cia o'neil"]);
    expect(await users("businessPhones/any(p:p eq '1')")).toEqual([]);
  });

  it("refuse a filter that is none, however deep", async () => {
    for (const filter of [
      "displayName",
      "displayName eq",
      "nothing eq 'x'",
      "displayName eq 'x' and",
      "displayName like 'x'",
      "displayName eq 'x",
      "eq eq eq",
      "displayName eq 'a' 'b'",
      `${"(".repeat(5000)}displayName eq 'x'${")".repeat(5000)}`,
      `${"not ".repeat(5000)}displayName eq 'x'`,
      "constructor eq 'x'",
      "__proto__ eq 'x'",
    ]) {
      const answer = await filtered("users", filter);
      expect([filter.slice(0, 30), answer.status, answer.body.error?.code]).toEqual([
        filter.slice(0, 30),
        400,
        "BadRequest",
      ]);
    }
    expect(test.errors).toEqual([]);
  });

  it("page through a list without losing or repeating anybody", async () => {
    const seen: string[] = [];
    let path: string | undefined = "/v1.0/users?$top=1&$select=displayName,id&$count=true";
    for (let page = 0; path !== undefined && page < 20; page += 1) {
      const { body } = await get(path);
      expect(body["@odata.count"]).toBe(4);
      expect(Object.keys(body.value[0])).toEqual(["id", "displayName"]);
      seen.push(body.value[0].displayName);
      const next: string | undefined = body["@odata.nextLink"];
      path = next === undefined ? undefined : new URL(next).pathname + new URL(next).search;
    }
    expect(seen.toSorted()).toEqual(["Developer", "ann", "bob", "cia o'neil"]);
  });

  it("refuse what is not supported", async () => {
    expect((await get("/v1.0/users?$search=x")).body.error.code).toBe("Request_UnsupportedQuery");
    expect((await get("/v1.0/users?$select=nope")).status).toBe(400);
    expect((await get("/v1.0/users?$top=0")).status).toBe(400);
  });
});
