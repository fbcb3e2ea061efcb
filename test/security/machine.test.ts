/** What a tenant with a database and hosted apps does to the machine, and what others on it can do to the tenant. */
import { execFileSync, spawnSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { descendants } from "../support/tenant-process.ts";
import { isLoopback, listenersOf } from "./proc.ts";
import { deployProbes, openWorld, poison, type World } from "./world.ts";
import { tracer, writtenPaths } from "./writes.ts";

const linux = process.platform === "linux";
const root = process.getuid?.() === 0;
const nobody = 65_534;
const traces = linux && spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0;

let world: World;
let server: string;
const secrets = new Map<string, string>();
const password = "Pa55-word-of-the-server";

const setUp = async (): Promise<void> => {
  world = await openWorld(traces ? { under: (folder) => tracer(join(folder, "trace")) } : {});
  await deployProbes(world, ["alpha-app", "beta-app"]);
  const group = `/subscriptions/${world.tenant.status.subscriptionId}/resourceGroups/probes`;
  server = `${group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/secured-pg`;
  const account = `${group}/providers/Microsoft.Storage/storageAccounts/securedblobs`;
  const json = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const answer = await world.arm(method, path, body);
    expect(answer.status, answer.text).toBeLessThan(300);
    return JSON.parse(answer.text === "" ? "{}" : answer.text) as Record<string, unknown>;
  };
  await json("PUT", `${account}?api-version=2023-05-01`, {
    location: "eastus",
    kind: "StorageV2",
    sku: { name: "Standard_LRS" },
  });
  await json("PUT", `${server}?api-version=2024-08-01`, {
    location: "eastus",
    sku: { name: "Standard_B1ms", tier: "Burstable" },
    properties: {
      version: "17",
      administratorLogin: "pgadmin",
      administratorLoginPassword: password,
      createMode: "Create",
    },
  });
  const { keys } = (await json("POST", `${account}/listKeys?api-version=2023-05-01`)) as { keys: { value: string }[] };
  const site = `${group}/providers/Microsoft.Web/sites/alpha-app`;
  const { properties } = (await json("POST", `${site}/config/publishingcredentials/list?api-version=2024-11-01`)) as {
    properties: { publishingPassword: string };
  };
  const environment = await environmentOf("alpha-app");
  const { imdsAccount } = JSON.parse(environment["LANYARD_HOOK"] ?? "{}") as { imdsAccount: string };
  secrets.set("the developer's client secret", world.developer["AZURE_CLIENT_SECRET"] ?? "");
  secrets.set("a storage key", keys[0]?.value ?? "");
  secrets.set("a publishing password", properties.publishingPassword);
  secrets.set("an identity header", environment["IDENTITY_HEADER"] ?? "");
  secrets.set("a proxy credential", imdsAccount.slice(imdsAccount.indexOf(":") + 1));
  secrets.set("the database administrator's password", password);
  secrets.set("a token", await world.token("https://vault.azure.net"));
};
beforeAll(async () => {
  if (linux) await setUp();
}, 120_000);
afterAll(async () => {
  if (linux) await world[Symbol.asyncDispose]();
});

const environmentOf = async (app: string): Promise<Record<string, string>> =>
  ((await world.ask(app, { act: "environment" })) as { value: Record<string, string> }).value;

const everything = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...everything(path)] : [path];
  });

describe.runIf(linux)("the machine", () => {
  it("is listened on at loopback addresses only, by the tenant and all it starts", () => {
    const listeners = [world.tenant.pid, ...descendants(world.tenant.pid).map(({ pid }) => pid)].flatMap((pid) =>
      listenersOf(pid),
    );
    expect(listeners.length).toBeGreaterThan(4);
    expect(listeners.filter((listener) => !isLoopback(listener))).toEqual([]);
  });

  it("shows no secret in the list of processes", () => {
    const commands = descendants(world.tenant.pid)
      .map(({ command }) => command)
      .join("\n");
    for (const [name, secret] of secrets) expect(commands.includes(secret), name).toBe(false);
  });

  it.runIf(traces)("is written in the state and runtime folders only", () => {
    const allowed = [world.state, world.runtime].map((folder) => `${folder}/`);
    const outside = writtenPaths(join(world.folder, "trace")).filter(
      (path) =>
        !allowed.some((folder) => `${path}/`.startsWith(folder)) &&
        // The terminal, the sink, PostgreSQL's shared memory and a process's own entries.
        !/^\/(?:dev\/(?:null|tty|ptmx|shm\/PostgreSQL\.\d+)|proc\/self\/.*|proc\/\d+\/.*)$/.test(path),
    );
    expect(outside).toEqual([]);
  });

  it("finds the developer's folders as they were", async () => {
    for (const [name, content] of [
      ["home", []],
      ["tmp", []],
      ["project", ["package.json"]],
    ] as const)
      expect([name, await readdir(join(world.folder, name))]).toEqual([name, content]);
  });
});

describe.runIf(linux)("other users", () => {
  it("are shut out by the mode of every file and folder", () => {
    // What apps and the database own is closed by folders above it: the next test tries that.
    const foreign = /\/(?:apps|postgres)(?:\/|$)/;
    const open = everything(world.state)
      .filter((path) => !foreign.test(path.slice(world.state.length)))
      .filter((path) => (lstatSync(path).mode & 0o077) !== 0);
    expect(open).toEqual([]);
    expect(
      everything(world.runtime).filter((path) => (lstatSync(path).mode & 0o077) !== 0 && !foreign.test(path)),
    ).toEqual([]);
    expect(lstatSync(world.state).mode & 0o066).toBe(0);
  });

  it.runIf(root)("can read nothing of the state but what is public, and connect to no socket", () => {
    // Each path by its name: a folder that cannot be listed may still be passed through.
    const files = [world.state, world.runtime].flatMap(everything).filter((path) => lstatSync(path).isFile());
    const loop = 'while IFS= read -r path; do if [ -r "$path" ]; then echo "$path"; fi; done';
    const tried = spawnSync("/bin/sh", ["-c", loop], {
      uid: nobody,
      gid: nobody,
      input: `${files.join("\n")}\n`,
      encoding: "utf8",
    });
    expect(tried.status).toBe(0);
    const readable = tried.stdout.split("\n").filter((path) => path !== "");
    expect(readable.filter((path) => !publicFiles.test(path.slice(world.state.length)))).toEqual([]);
    for (const path of readable) {
      const content = readFileSync(path, "latin1");
      expect(/PRIVATE KEY/.test(content), path).toBe(false);
      for (const [name, secret] of secrets) expect(content.includes(secret), `${name} in ${path}`).toBe(false);
    }
    const sockets = execFileSync("find", [world.state, world.runtime, "-type", "s"], { encoding: "utf8" })
      .split("\n")
      .filter(Boolean);
    expect(sockets.some((path) => path.endsWith("control.sock"))).toBe(true);
    for (const path of sockets) {
      const script =
        "require('net').connect(process.argv[1]).on('connect', () => process.exit(0)).on('error', (e) => { console.log(e.code); process.exit(1); })";
      const tried = spawnSync("/usr/bin/env", ["node", "-e", script, path], {
        uid: nobody,
        gid: nobody,
        encoding: "utf8",
        env: { PATH: publicNode() },
      });
      expect([path, tried.status, tried.stdout.trim()]).toEqual([path, 1, "EACCES"]);
    }
  });
});

/** What apps of any uid read: trust, hooks, interpreters, and the manifest that keeps builds from climbing higher. */
const publicFiles = /^\/apps\/(?:(?:edge|hooks|tools)\/|[^/]+\/releases\/package\.json$)/;

/** A `node` that another user can run: the one that hosted apps use. */
const publicNode = (): string => {
  const tools = join(world.state, "apps", "tools");
  return `${readdirSync(tools)
    .map((name) => join(tools, name))
    .join(":")}:/usr/bin:/bin`;
};

describe.runIf(linux)("a hosted app", () => {
  it("sees no credential of the developer or of another app, and nothing of the developer's variables", async () => {
    const environment = await environmentOf("alpha-app");
    const other = await environmentOf("beta-app");
    const text = JSON.stringify(environment);
    for (const [name, value] of Object.entries(poison)) {
      expect(Object.keys(environment)).not.toContain(name);
      expect(text).not.toContain(value);
    }
    expect(text).not.toContain(world.developer["AZURE_CLIENT_SECRET"]);
    expect(text).not.toContain(other["IDENTITY_HEADER"]);
    expect(environment).toMatchObject({
      AZURE_TOKEN_CREDENTIALS: "ManagedIdentityCredential",
      HOME: expect.stringContaining("alpha-app"),
    });
    for (const name of ["AZURE_CONFIG_DIR", "AZD_CONFIG_DIR"])
      expect(await world.ask("alpha-app", { act: "list", path: environment[name] })).toEqual({ value: [] });
  });

  it.runIf(root)("cannot enter the state, another app's folders or another process's environment", async () => {
    const { HOME: theirs = "" } = await environmentOf("beta-app");
    const { HOME: own = "", PWD: release = "" } = await environmentOf("alpha-app");
    expect(await world.ask("alpha-app", { act: "write", path: join(own, "mine") })).toEqual({});
    for (const path of [world.state, theirs, join(world.state, "store"), join(world.state, "logs"), world.runtime])
      expect([path, await world.ask("alpha-app", { act: "list", path })]).toEqual([path, { error: "EACCES" }]);
    for (const path of ["key", "store/store.db", "certificates/authority.json", "logs/requests.ndjson"])
      expect([path, await world.ask("alpha-app", { act: "read", path: join(world.state, path) })]).toEqual([
        path,
        { error: "EACCES" },
      ]);
    for (const path of [
      join(world.state, "x"),
      join(theirs, "x"),
      join(world.folder, "project/x"),
      join(world.folder, "home/x"),
      join(release, "../x"),
    ])
      expect([path, await world.ask("alpha-app", { act: "write", path })]).toEqual([path, { error: "EACCES" }]);
    expect(await world.ask("alpha-app", { act: "environments" })).toEqual({ value: [] });
    const sockets = execFileSync("find", [world.runtime, world.state, "-type", "s"], { encoding: "utf8" })
      .split("\n")
      .filter(Boolean);
    for (const path of sockets)
      expect([path, await world.ask("alpha-app", { act: "connect", path })]).toEqual([path, { error: "EACCES" }]);
  });

  it("gets tokens of its own identity only, whatever it sends", async () => {
    const mine = await environmentOf("alpha-app");
    const endpoint = `${mine["IDENTITY_ENDPOINT"]}?api-version=2019-08-01&resource=https://storage.azure.com`;
    const ask = async (headers: Record<string, string>, more = "") => {
      const { value } = (await world.ask("alpha-app", { act: "fetch", url: `${endpoint}${more}`, headers })) as {
        value: { status: number; text: string };
      };
      return value;
    };
    const claims = (text: string): Record<string, unknown> => {
      const { access_token: token } = JSON.parse(text) as { access_token: string };
      return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
    };
    const good = await ask({ "x-identity-header": mine["IDENTITY_HEADER"] ?? "" });
    expect(claims(good.text)["xms_mirid"]).toContain("/sites/alpha-app");
    const site = String(claims(good.text)["xms_mirid"]).replace("alpha-app", "beta-app");
    for (const header of ["", "x", `${mine["IDENTITY_HEADER"]}0`, (mine["IDENTITY_HEADER"] ?? "").toUpperCase()])
      expect((await ask({ "x-identity-header": header })).status).toBe(401);
    const selected = await ask(
      { "x-identity-header": mine["IDENTITY_HEADER"] ?? "" },
      `&mi_res_id=${encodeURIComponent(site)}`,
    );
    expect(selected.status).toBe(400);
  });

  it("cannot use the proxy without its credential, nor reach loopback or link-local addresses through it", async () => {
    const { port } = world.wire;
    const { openPort } = world.tenant.status;
    const connect = async (target: string, to = port, credential = ""): Promise<string> => {
      const { connect: open } = await import("node:net");
      return new Promise((resolve, reject) => {
        const header =
          credential === "" ? "" : `Proxy-Authorization: Basic ${Buffer.from(credential).toString("base64")}\r\n`;
        const socket = open(to, "127.0.0.1", () =>
          socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${header}\r\n`),
        );
        socket.once("data", (data) => {
          socket.destroy();
          resolve(data.toString("latin1").slice(9, 12));
        });
        socket.once("error", reject);
      });
    };
    const { imdsAccount } = JSON.parse((await environmentOf("alpha-app"))["LANYARD_HOOK"] ?? "{}") as {
      imdsAccount: string;
    };
    for (const target of ["management.azure.com:443", "example.com:443", "127.0.0.1:22"]) {
      expect([target, await connect(target)]).toEqual([target, "407"]);
      expect([target, await connect(target, port, "developer:wrong")]).toEqual([target, "407"]);
    }
    expect(await connect("management.azure.com:443", port, imdsAccount)).toBe("200");
    const inside = [
      "127.0.0.1:22",
      "localhost:22",
      "[::1]:22",
      "127.1:22",
      "0.0.0.0:22",
      "[::ffff:127.0.0.1]:22",
      "169.254.170.2:80",
      "10.0.0.1:80",
      "192.168.0.1:80",
      "[fe80::1]:80",
      "2130706433:22",
    ];
    for (const target of inside) {
      expect([target, Number(await connect(target, port, imdsAccount)) >= 400]).toEqual([target, true]);
      expect([target, Number(await connect(target, openPort)) >= 400]).toEqual([target, true]);
    }
    expect(await connect("example.com:443", openPort)).toBe("403");
  });
});

describe.runIf(linux)("a web page", () => {
  it("that re-bound its name, or is of another origin, is not answered", async () => {
    const { port } = world.wire;
    const status = async (lines: readonly string[]): Promise<string> =>
      (await world.wire.plain(`${[...lines, "Connection: close"].join("\r\n")}\r\n\r\n`)).slice(9, 12);
    const header = `X-IDENTITY-HEADER: ${secrets.get("an identity header")}`;
    const path = "/msi/token?api-version=2019-08-01&resource=https://storage.azure.com";
    expect(await status([`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, header])).toBe("200");
    for (const host of [
      `evil.example:${port}`,
      "evil.example",
      `127.0.0.1.nip.io:${port}`,
      "management.azure.com",
      "127.0.0.1",
      `127.0.0.1:${port + 1}`,
    ])
      expect([host, Number(await status([`GET ${path} HTTP/1.1`, `Host: ${host}`, header])) >= 400]).toEqual([
        host,
        true,
      ]);
    for (const origin of [
      "https://evil.example",
      "null",
      `http://evil.localhost:${port}`,
      `http://127.0.0.1:${port + 1}`,
    ])
      expect([
        origin,
        await status([`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, `Origin: ${origin}`, header]),
      ]).toEqual([origin, "403"]);
  });
});

describe.runIf(linux)("secrets", () => {
  it("stay out of output, logs and answers to mistakes", async () => {
    for (const secret of secrets.values()) {
      const host = "management.azure.com";
      await world.wire.send({ host, path: "/subscriptions?api-version=2022-12-01", token: secret });
      await world.wire.send({ host, path: `/subscriptions?api-version=2022-12-01&sig=${encodeURIComponent(secret)}` });
      await world.wire.send({
        host: "127.0.0.1",
        path: "/msi/token?api-version=2019-08-01&resource=x",
        headers: { "x-identity-header": secret },
      });
      const headers = { "x-ms-version": "2025-01-05", authorization: `SharedKey securedblobs:${secret}` };
      await world.wire.send({
        host: "securedblobs.blob.core.windows.net",
        path: `/a?comp=list&sig=${encodeURIComponent(secret)}`,
        headers,
      });
      await world.wire.send({
        host: "alpha-app.scm.azurewebsites.net",
        path: "/api/settings",
        headers: { authorization: `Basic ${Buffer.from(`$alpha-app:${secret}`).toString("base64")}` },
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    const logs = readdirSync(join(world.state, "logs")).map((name) =>
      readFileSync(join(world.state, "logs", name), "utf8"),
    );
    const said = [world.tenant.output(), ...logs].join("\n");
    expect(said).toContain("securedblobs");
    for (const [name, secret] of secrets) {
      expect(secret.length, name).toBeGreaterThan(15);
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(`$alpha-app:${secret}`).toString("base64")])
        expect(said.includes(form), name).toBe(false);
    }
  });

  it("are sealed in the state, so that a copy without its key file shows none", () => {
    const files = everything(join(world.state, "store")).filter((path) => lstatSync(path).isFile());
    const content = files.map((path) => readFileSync(path, "latin1")).join("\n");
    expect(content).toContain("securedblobs");
    expect(content).not.toContain("PRIVATE KEY");
    for (const name of [
      "the developer's client secret",
      "a storage key",
      "a publishing password",
      "the database administrator's password",
      "an identity header",
    ])
      expect(content.includes(secrets.get(name) ?? ""), name).toBe(false);
  });
});
