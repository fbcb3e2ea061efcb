import assert from "node:assert/strict";
import { test } from "node:test";
import type { TokenCredential } from "@azure/identity";
import { poolConfig } from "./database.ts";
import { POSTGRESQL_SCOPE, renewingToken } from "./token.ts";

function fakeCredential(clock: { now: number }, lifetime: number) {
  const asked: string[] = [];
  const credential: TokenCredential = {
    async getToken(scope) {
      asked.push(String(scope));
      return { token: `token-${asked.length}`, expiresOnTimestamp: clock.now + lifetime };
    },
  };
  return { credential, asked };
}

test("a token is fetched once for all who ask at the same time, and kept", async () => {
  const clock = { now: 1_000_000 };
  const { credential, asked } = fakeCredential(clock, 3_600_000);
  const tokens = renewingToken(credential, POSTGRESQL_SCOPE, () => clock.now);
  assert.deepEqual(await Promise.all([tokens.token(), tokens.token(), tokens.token()]), [
    "token-1",
    "token-1",
    "token-1",
  ]);
  clock.now += 54 * 60_000;
  assert.equal(await tokens.token(), "token-1");
  assert.deepEqual(asked, ["https://ossrdbms-aad.database.windows.net/.default"]);
});

test("a token is renewed five minutes before it expires", async () => {
  const clock = { now: 0 };
  const { credential } = fakeCredential(clock, 3_600_000);
  const tokens = renewingToken(credential, POSTGRESQL_SCOPE, () => clock.now);
  await tokens.token();
  clock.now = 55 * 60_000;
  assert.equal(await tokens.token(), "token-2");
});

test("a token that lives ten seconds is renewed after eight", async () => {
  const clock = { now: 0 };
  const { credential } = fakeCredential(clock, 10_000);
  const tokens = renewingToken(credential, POSTGRESQL_SCOPE, () => clock.now);
  await tokens.token();
  clock.now = 7_999;
  assert.equal(await tokens.token(), "token-1");
  clock.now = 8_000;
  assert.equal(await tokens.token(), "token-2");
});

test("a discarded token is fetched anew, and a failed fetch is not remembered", async () => {
  let calls = 0;
  const tokens = renewingToken(
    {
      async getToken() {
        calls += 1;
        if (calls === 2) throw new Error("identity endpoint is away");
        return { token: `token-${calls}`, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    },
    POSTGRESQL_SCOPE,
  );
  assert.equal(await tokens.token(), "token-1");
  tokens.discard();
  await assert.rejects(tokens.token(), /identity endpoint is away/);
  assert.equal(await tokens.token(), "token-3");
});

test("every new connection of the pool asks for the password anew, so the pool outlives its first token", async () => {
  const clock = { now: 0 };
  const { credential } = fakeCredential(clock, 60_000);
  const tokens = renewingToken(credential, POSTGRESQL_SCOPE, () => clock.now);
  const settings = { host: "h", port: 5432, user: "u", database: "d", tls: true, clientId: undefined };
  const { password, ssl } = poolConfig(settings, tokens);
  assert.ok(typeof password === "function");
  assert.equal(await password(), "token-1");
  clock.now = 120_000;
  assert.equal(await password(), "token-2");
  assert.deepEqual(ssl, { rejectUnauthorized: true });
});
