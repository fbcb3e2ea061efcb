import assert from "node:assert/strict";
import { test } from "node:test";
import { rawToken, TokenRefused } from "./raw-token.ts";

const env = { IDENTITY_ENDPOINT: "http://localhost:42356/msi/token", IDENTITY_HEADER: "secret" };

function endpoint(status: number, body: object) {
  const asked: { url: string; headers: Headers }[] = [];
  const get = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    asked.push({ url: input instanceof Request ? input.url : String(input), headers: new Headers(init?.headers) });
    return Response.json(body, { status });
  };
  return { get, asked };
}

test("the request is the documented one: version, resource, and the secret in its header", async () => {
  const { get, asked } = endpoint(200, { access_token: "t", expires_on: "1586984735", client_id: "c" });
  const token = await rawToken("https://vault.azure.net", undefined, env, get);
  assert.deepEqual(token, { accessToken: "t", expiresOn: 1_586_984_735_000, clientId: "c" });
  assert.equal(
    asked[0]?.url,
    "http://localhost:42356/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net",
  );
  assert.equal(asked[0]?.headers.get("x-identity-header"), "secret");
});

test("a user-assigned identity is named by its client id", async () => {
  const { get, asked } = endpoint(200, { access_token: "t", expires_on: 1, client_id: "c" });
  await rawToken("https://vault.azure.net", "11111111-1111-1111-1111-111111111111", env, get);
  assert.match(asked[0]?.url ?? "", /&client_id=11111111-1111-1111-1111-111111111111$/);
});

test("a refusal keeps the endpoint's words", async () => {
  const { get } = endpoint(400, { statusCode: 400, message: "No Managed Identity found" });
  await assert.rejects(rawToken("https://vault.azure.net", undefined, env, get), (error) => {
    assert.ok(error instanceof TokenRefused);
    assert.equal(error.status, 400);
    return /No Managed Identity found/.test(error.message);
  });
});

test("outside a container app it says what is missing", async () => {
  await assert.rejects(rawToken("https://vault.azure.net", undefined, {}), /IDENTITY_ENDPOINT and IDENTITY_HEADER/);
});
