import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestTenant, type TestTenant } from "./support/tenant.ts";

let test: TestTenant;
let scope: string;
beforeAll(async () => {
  test = await startTestTenant();
  scope = `/subscriptions/${test.tenant.info.subscriptionId}`;
});
afterAll(() => test[Symbol.asyncDispose]());

const group = (name: string) => `${scope}/resourceGroups/${name}`;
const identity = (rg: string, name: string) =>
  `${group(rg)}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;

describe("resource groups", () => {
  it("are created, listed, checked and deleted with what is in them", async () => {
    expect((await test.arm("PUT", group("one"), { location: "East US", tags: { a: "1" } })).status).toBe(201);
    expect((await test.arm("PUT", group("ONE"), { location: "eastus" })).body).toMatchObject({
      name: "one",
      location: "eastus",
      tags: { a: "1" },
    });
    expect((await test.arm("PUT", identity("one", "me-too"), { location: "eastus" })).status).toBe(201);
    expect((await test.arm("HEAD", group("one"))).status).toBe(204);
    const deleted = await test.arm("DELETE", group("one"));
    expect(deleted.status).toBe(202);
    const location = new URL(String(deleted.headers["location"]));
    expect((await test.arm("GET", location.pathname)).status).toBe(200);
    expect((await test.arm("HEAD", group("one"))).status).toBe(404);
    expect((await test.arm("GET", identity("one", "me-too"))).body.error.code).toBe("ResourceGroupNotFound");
    const child = test.decisions.find((each) => each.method === "DELETE" && each.path.includes("me-too"));
    expect(child?.caller).toEqual({ kind: "platform", effect: "group-delete" });
  });

  it("refuse bad names, a missing location, a move and a body that is no JSON object", async () => {
    expect((await test.arm("PUT", group("bad!name"), { location: "eastus" })).body.error.code).toBe(
      "InvalidResourceName",
    );
    expect((await test.arm("PUT", group("two"), {})).body.error.code).toBe("LocationRequired");
    await test.arm("PUT", group("two"), { location: "eastus" });
    expect((await test.arm("PUT", group("two"), { location: "westus" })).body.error.code).toBe(
      "InvalidResourceLocation",
    );
    expect((await test.arm("PUT", group("two"), [1])).body.error.code).toBe("InvalidRequestContent");
  });
});

describe("management requests", () => {
  it("want a token, one for ARM, and say so as ARM does", async () => {
    const send = (token?: string) =>
      test.send({
        method: "GET",
        host: "management.azure.com",
        path: `${group("x")}?api-version=2024-01-01`,
        ...(token === undefined ? {} : { token }),
      });
    const none = await send();
    expect([none.status, none.body.error.code]).toEqual([401, "AuthenticationFailed"]);
    expect(none.headers["www-authenticate"]).toContain("authorization_uri=");
    const wrong = await send(await test.developerToken("https://vault.azure.net"));
    expect([wrong.status, wrong.body.error.code]).toEqual([401, "InvalidAuthenticationTokenAudience"]);
    expect((await send("nonsense")).body.error.code).toBe("InvalidAuthenticationToken");
  });

  it("refuse a caller without a role, naming action and scope, and record the missing right", async () => {
    await test.arm("PUT", group("rights"), { location: "eastus" });
    const made = await test.arm("PUT", identity("rights", "weak"), { location: "eastus" });
    const principal = await test.tenant.directory.principal(made.body.properties.principalId);
    if (principal?.kind !== "ServicePrincipal") throw new Error("The identity has no principal.");
    const { token } = await test.tenant.issuer.issue({
      principal,
      audience: "https://management.azure.com",
      proof: "managed-identity",
    });
    const refused = await test.arm("PUT", identity("rights", "other"), { location: "eastus" }, token);
    expect(refused.status).toBe(403);
    expect(refused.body.error).toMatchObject({
      code: "AuthorizationFailed",
      message: expect.stringContaining(
        `'Microsoft.ManagedIdentity/userAssignedIdentities/write' over scope '${identity("rights", "other")}'`,
      ),
    });
    expect(test.decisions.at(-1)?.checks.at(-1)?.verdict).toMatchObject({ allowed: false, cause: "no-assignment" });
  });

  it("refuse a missing or impossible api-version, an unknown type and an unknown namespace", async () => {
    const code = async (path: string) =>
      (await test.send({ method: "GET", host: "management.azure.com", path, token: await test.developerToken() })).body
        .error.code;
    expect(await code(group("rights"))).toBe("MissingApiVersionParameter");
    expect(await code(`${group("rights")}?api-version=soon`)).toBe("InvalidApiVersionParameter");
    expect(await code(`${group("rights")}/providers/Microsoft.Web/nothing/x?api-version=2024-01-01`)).toMatch(
      /InvalidResource(Type|Namespace)/,
    );
    expect(await code(`${group("rights")}/providers/No.Such/thing/x?api-version=2024-01-01`)).toBe(
      "InvalidResourceNamespace",
    );
    expect(await code("/nowhere?api-version=2024-01-01")).toBe("NotFound");
  });

  it("never fail on our side", () => {
    expect(test.errors).toEqual([]);
  });
});

describe("the token endpoint", () => {
  const token = (form: Record<string, string>, tenant = test.tenant.info.tenantId) =>
    test.send({
      method: "POST",
      host: "login.microsoftonline.com",
      path: `/${tenant}/oauth2/v2.0/token`,
      form,
    });
  const credentials = async () => {
    const { developerAppId } = test.tenant.info;
    const secret = (await test.tenant.directory.application(developerAppId))?.secrets[0]?.value ?? "";
    return { grant_type: "client_credentials", client_id: developerAppId, client_secret: secret };
  };

  it("gives the developer a token for what was asked", async () => {
    const answer = await token({ ...(await credentials()), scope: "https://management.core.windows.net//.default" });
    expect(answer.body).toMatchObject({ token_type: "Bearer", expires_in: 3599 });
    expect((await test.arm("GET", "/subscriptions", undefined, answer.body.access_token)).body.value).toHaveLength(1);
  });

  it.each([
    ["no grant", { grant_type: "" }, 400, 900144],
    ["an unknown app", { client_id: "0b9a0a52-0000-4000-8000-000000000001" }, 400, 700016],
    ["a wrong secret", { client_secret: "wrong" }, 401, 7000215],
    ["a scope without .default", { scope: "https://management.azure.com/user" }, 400, 1002012],
    ["an unknown resource", { scope: "https://example.com/.default" }, 400, 500011],
  ])("refuses %s with Entra's number", async (_, change, status, number) => {
    const answer = await token({
      ...(await credentials()),
      scope: "https://management.azure.com/.default",
      ...(change as Record<string, string>),
    });
    expect([answer.status, answer.body.error_codes]).toEqual([status, [number]]);
    expect(answer.body.error_description).toContain(`AADSTS${number}: `);
  });

  it("knows one tenant", async () => {
    const answer = await token(await credentials(), "11111111-1111-4111-8111-111111111111");
    expect(answer.body.error_codes).toEqual([90002]);
  });
});
