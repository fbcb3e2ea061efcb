import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createApp, type Services } from "./app.ts";
import { readSettings } from "./settings.ts";

async function visit(services: Partial<Services>, path: string, method = "GET"): Promise<[number, string]> {
  const server = createServer(createApp({ readSecret: undefined, log: () => undefined, ...services }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { method });
    return [answer.status, await answer.text()];
  } finally {
    server.close();
  }
}

test("/ping answers without any service", async () => {
  assert.deepEqual(await visit({}, "/ping"), [200, "Hello world\n"]);
});

test("/ shows the secret, freshly read", async () => {
  let reads = 0;
  const readSecret = async (): Promise<string> => `value ${++reads}`;
  assert.deepEqual(await visit({ readSecret }, "/"), [200, "My secret value is value 1\n"]);
  assert.deepEqual(await visit({ readSecret }, "/?x=1"), [200, "My secret value is value 2\n"]);
});

test("a refusal is shown in the service's words and logged", async () => {
  const logged: unknown[] = [];
  const [status, text] = await visit(
    {
      readSecret: () => Promise.reject(Object.assign(new Error("Caller: appid=x"), { statusCode: 403 })),
      log: (event, fields) => logged.push([event, fields["status"]]),
    },
    "/",
  );
  assert.equal(status, 502);
  assert.match(text, /^Key Vault refused: Caller: appid=x/);
  assert.deepEqual(logged, [["secret.failed", 502]]);
});

test("without a vault the missing setting is named; other paths and methods are not served", async () => {
  assert.match((await visit({}, "/"))[1], /KEY_VAULT_URI is not set/);
  assert.equal((await visit({}, "/other"))[0], 404);
  assert.equal((await visit({}, "/", "POST"))[0], 405);
});

test("the vault's address is read under each of its names", () => {
  assert.equal(readSettings({ KEY_VAULT_URL: "https://a/" }).vaultUri, "https://a/");
  assert.equal(readSettings({ AZURE_KEYVAULT_RESOURCEENDPOINT: "https://b/" }).vaultUri, "https://b/");
  assert.deepEqual(readSettings({ PORT: "81", SECRET_NAME: "s" }), {
    port: 81,
    vaultUri: undefined,
    secretName: "s",
    clientId: undefined,
  });
});
