import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { unzipSync } from "fflate";
import { packageApp } from "./package-zip.ts";
import { readDeploySettings } from "./settings.ts";
import { tenantOf } from "./token.ts";

test("the zip holds what the server builds from, and no tests, dependencies or deploy script", async () => {
  const { zip, files } = await packageApp(fileURLToPath(new URL("..", import.meta.url)));
  assert.deepEqual(Object.keys(unzipSync(zip)).sort(), files);
  for (const needed of ["package.json", "package-lock.json", "tsconfig.build.json", "src/server.ts"])
    assert.ok(files.includes(needed), needed);
  assert.deepEqual(
    files.filter((file) => /test|node_modules|deploy|dist/.test(file)),
    [],
  );
});

test("settings come from flags, then variables, then names that stay the same; the value from a variable only", () => {
  const env = { AZURE_SUBSCRIPTION_ID: "33333333-3333-3333-3333-333333333333", SECRET_VALUE: "v" };
  const settings = readDeploySettings(["--vault", "my-vault"], env);
  assert.equal(settings.vaultName, "my-vault");
  assert.equal(settings.secretValue, "v");
  assert.match(readDeploySettings([], env).vaultName, /^kv-[0-9a-f]{8}$/);
  assert.throws(() => readDeploySettings([], {}), /AZURE_SUBSCRIPTION_ID/);
  assert.throws(() => readDeploySettings(["--vault", "not_a_name"], env), /Not a key vault name/);
});

test("the tenant is read from the token", async () => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = `${part({})}.${part({ tid: "t1" })}.signature`;
  assert.equal(await tenantOf({ getToken: async () => ({ token, expiresOnTimestamp: 0 }) }), "t1");
});
