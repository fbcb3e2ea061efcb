import assert from "node:assert/strict";
import { mkdtemp, cp, writeFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mock, test } from "node:test";
import type { TokenCredential } from "@azure/identity";
import { unzipSync } from "fflate";
import { whoAmI } from "./deployer.ts";
import { zipDeploy } from "./kudu.ts";
import { packageApp } from "./package-zip.ts";
import { readDeploySettings } from "./settings.ts";

const APP = fileURLToPath(new URL("..", import.meta.url));

function credentialWith(claims: object): TokenCredential {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = `${part({ alg: "RS256" })}.${part(claims)}.signature`;
  return { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
}

test("the zip holds what the server builds from, and no tests, dependencies or deploy script", async () => {
  const { zip, files } = await packageApp(APP);
  assert.deepEqual(Object.keys(unzipSync(zip)).sort(), files);
  for (const needed of [
    "package.json",
    "package-lock.json",
    "tsconfig.build.json",
    "src/server.ts",
    "public/style.css",
  ]) {
    assert.ok(files.includes(needed), needed);
  }
  assert.deepEqual(
    files.filter((file) => /test|node_modules|deploy|dist/.test(file)),
    [],
  );
  assert.ok(zip.length < 200_000);
});

test("the hash follows the sources: same for a copy, another after a change", async () => {
  const copy = await mkdtemp(join(tmpdir(), "reviews-"));
  try {
    const { files, hash, zip } = await packageApp(APP);
    for (const file of files) await cp(join(APP, file), join(copy, file));
    const same = await packageApp(copy);
    assert.equal(same.hash, hash);
    assert.deepEqual(same.zip, zip);
    await writeFile(join(copy, "public/style.css"), "body { color: red }");
    assert.notEqual((await packageApp(copy)).hash, hash);
  } finally {
    await rm(copy, { recursive: true });
  }
});

test("the deployer is read from the token: a user by name, an application by its id", async () => {
  const ids = { oid: "11111111-1111-1111-1111-111111111111", tid: "22222222-2222-2222-2222-222222222222" };
  const user = await whoAmI(credentialWith({ ...ids, idtyp: "user", upn: "dev@example.com" }));
  assert.deepEqual([user.type, user.name, user.objectId], ["User", "dev@example.com", ids.oid]);
  const app = await whoAmI(credentialWith({ ...ids, idtyp: "app", appid: "app-id" }));
  assert.deepEqual([app.type, app.name], ["ServicePrincipal", "app-id"]);
  await assert.rejects(whoAmI(credentialWith({ appid: "x" })), /no oid or tid/);
});

test("settings come from flags, then variables, then names that stay the same", () => {
  const env = { AZURE_SUBSCRIPTION_ID: "33333333-3333-3333-3333-333333333333", APP_SERVICE_NAME: "from-env" };
  const settings = readDeploySettings(["--storage", "photos1", "--location", "westeurope"], env);
  assert.equal(settings.appName, "from-env");
  assert.equal(settings.storageAccount, "photos1");
  assert.equal(settings.location, "westeurope");
  assert.deepEqual(readDeploySettings([], env), readDeploySettings([], env));
  assert.match(readDeploySettings([], env).storageAccount, /^reviews[0-9a-f]{8}$/);
  assert.throws(() => readDeploySettings([], {}), /AZURE_SUBSCRIPTION_ID/);
  assert.throws(() => readDeploySettings(["--storage", "Not_A_Name"], env), /Not a storage account name/);
});

test("code is sent once: the same content is recognised by the message of the last successful deployment", async () => {
  const deployments: { id: string; status: number; message: string; complete: boolean }[] = [];
  const sent: string[] = [];
  const fake = mock.method(globalThis, "fetch", async (input: string | URL | Request, init?: RequestInit) => {
    const url = new URL(input instanceof Request ? input.url : input);
    assert.equal(url.host, "app.scm.azurewebsites.net");
    assert.match(new Headers(init?.headers).get("authorization") ?? "", /^Bearer /);
    if (url.pathname === "/api/zipdeploy") {
      const message = url.searchParams.get("message") ?? "";
      sent.push(message);
      deployments.unshift({ id: String(sent.length), status: sent.length === 2 ? 3 : 4, message, complete: true });
      return new Response(null, { status: 202 });
    }
    if (url.pathname.endsWith("/log")) return Response.json([{ message: "Running oryx build...", details_url: null }]);
    return deployments[0]
      ? Response.json(deployments[0])
      : new Response("Deployment 'latest' not found.", { status: 404 });
  });
  try {
    const credential = credentialWith({});
    const host = "app.scm.azurewebsites.net";
    const quiet = (): void => undefined;
    const first = { zip: new Uint8Array(3), files: ["a"], hash: "aaa" };
    const second = { ...first, hash: "bbb" };
    assert.equal(await zipDeploy(credential, host, first, quiet), "deployed");
    assert.equal(await zipDeploy(credential, host, first, quiet), "unchanged");
    await assert.rejects(zipDeploy(credential, host, second, quiet), /build on the server failed:\nRunning oryx build/);
    assert.equal(await zipDeploy(credential, host, second, quiet), "deployed");
    assert.deepEqual(
      sent.map((message) => message.slice(-3)),
      ["aaa", "bbb", "bbb"],
    );
  } finally {
    fake.mock.restore();
  }
});
