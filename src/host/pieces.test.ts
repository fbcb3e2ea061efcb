import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildWanted } from "./build/build.ts";
import { platformEnvironment, toolEnvironment, usualPort } from "./environment.ts";
import { openAppLog } from "./log-stream.ts";
import { parseListeners } from "./ports.ts";
import { type Runtime, chooseRuntime } from "./runtimes.ts";
import { parseStack } from "./stack.ts";

let top: string;
beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), "lanyard-pieces-"));
});
afterAll(() => rm(top, { recursive: true, force: true }));

describe("a stack", () => {
  test.each([
    ["PYTHON|3.11", { language: "python", version: "3.11" }],
    ["node|22-lts", { language: "node", version: "22" }],
    ["NODE|lts", { language: "node", version: "" }],
    ["DOCKER|nginx:latest", undefined],
    ["", undefined],
  ])("written %j is read", (text, expected) => expect(parseStack(text)).toEqual(expected));

  test.each([
    ["3.11", "3.11.7", true],
    ["3.9", "3.11.7", false],
    ["3.14", "3.13.0", false],
    ["", "3.13.0", true],
    ["2.7", "3.13.0", false],
  ])("that asks for Python %s gets %s", (wanted, expected, exact) => {
    const runtimes = ["3.13.0", "3.11.7"].map((version): Runtime => ({
      language: "python",
      version,
      executable: version,
    }));
    expect(chooseRuntime(wanted, runtimes)).toMatchObject({ runtime: { version: expected }, exact });
  });
});

test.each([
  [{}, false],
  [{ SCM_DO_BUILD_DURING_DEPLOYMENT: "true" }, true],
  [{ SCM_DO_BUILD_DURING_DEPLOYMENT: "1" }, true],
  [{ SCM_DO_BUILD_DURING_DEPLOYMENT: "false" }, false],
  [{ SCM_DO_BUILD_DURING_DEPLOYMENT: "True", ENABLE_ORYX_BUILD: "false" }, false],
])("settings %j want a build: %s", (settings, expected) => expect(buildWanted(settings)).toBe(expected));

describe("an environment", () => {
  test("has the platform's names", () => {
    const env = platformEnvironment({
      name: "shop",
      resourceGroup: "rg",
      subscriptionId: "s",
      region: "centralus",
      hostName: "shop.azurewebsites.net",
      linuxFxVersion: "PYTHON|3.11",
      tier: "Basic",
      instanceId: "f".repeat(64),
    });
    expect(env).toMatchObject({
      WEBSITE_PYTHON_VERSION: "3.11",
      WEBSITE_STACK: "PYTHON",
      WEBSITE_HOSTNAME: "shop.azurewebsites.net",
    });
    expect(usualPort("python", {})).toBe("8000");
    expect(usualPort("node", { WEBSITES_PORT: "3000" })).toBe("3000");
  });

  test("for builds takes over registries and certificates, but nothing with credentials and nothing else", () => {
    const ours = {
      HTTPS_PROXY: "http://app:secret@127.0.0.1:1",
      https_proxy: "http://corporate:3128",
      PIP_INDEX_URL: "https://pypi.example/simple",
      npm_config_registry: "https://user:pw@npm.example/",
      npm_package_name: "x",
      AZURE_CLIENT_SECRET: "s",
    };
    expect(toolEnvironment(ours)).toEqual({
      https_proxy: "http://corporate:3128",
      PIP_INDEX_URL: "https://pypi.example/simple",
    });
  });
});

test("listening sockets of /proc/net/tcp are told apart by who can reach them", () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 333 1
   3: 00000000000000000000000000000000:1F91 00000000000000000000000000000000:0000 0A 0:0 00:0 0 1000 0 444 1
   4: 00000000000000000000000001000000:1F92 00000000000000000000000000000000:0000 0A 0:0 00:0 0 1000 0 555 1`;
  expect(parseListeners(table).map(({ port, exposed, uid }) => [port, exposed, uid])).toEqual([
    [8080, false, 1000],
    [80, true, 0],
    [8081, true, 1000],
    [8082, false, 1000],
  ]);
});

describe("an app's log", () => {
  test("puts lines together across chunks, characters cut in two included", () => {
    const log = openAppLog(join(top, "lines"));
    const out = log.pipe("stdout");
    const bytes = Buffer.from("caf\u00e9 one\r\ntwo\nrest");
    for (const byte of bytes) out.push(Buffer.from([byte]));
    out.end();
    expect(log.recent(10).map(({ text }) => text)).toEqual(["caf\u00e9 one", "two", "rest"]);
    log.close();
  });

  test("is followed from its tail on until the follower is aborted, and until it is closed", async () => {
    const log = openAppLog(join(top, "follow"));
    for (const text of ["a", "b", "c"]) log.write("stdout", text);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const line of log.follow({ tail: 2 })) seen.push(line.text);
    })();
    await new Promise((resolve) => setImmediate(resolve));
    log.write("stderr", "d");
    await new Promise((resolve) => setImmediate(resolve));
    log.close();
    await reading;
    expect(seen).toEqual(["b", "c", "d"]);
  });

  test("is kept in a closed file that is put aside when it grows, and in bounded memory", async () => {
    const log = openAppLog(join(top, "file"), { keep: 10, rotateBytes: 2000, now: () => 0 });
    for (let at = 0; at < 1200; at += 1) log.write("stdout", `line ${at}`);
    log.close();
    expect(log.recent(100)).toHaveLength(10);
    expect((await stat(log.file)).mode & 0o777).toBe(0o600);
    expect(await readFile(`${log.file}.1`, "utf8")).toContain("1970-01-01T00:00:00.000Z line 900\n");
    expect(await readFile(log.file, "utf8")).toMatch(/line 1199\n$/);
  });
});
