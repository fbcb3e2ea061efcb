import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AppHost } from "./app-host.ts";
import { DeploymentFailed } from "./app-host.ts";
import {
  configurationOf,
  deployFiles,
  processesWith,
  requestFor,
  temporaryApps,
  textOf,
  until,
} from "./host.test-support.ts";
import { createLocalAppHost } from "./local-app-host.ts";
import { findRuntimes } from "./runtimes.ts";
import { publishRuntime } from "./toolbox.ts";

let state: string;
let apps: string;
let host: AppHost;

beforeEach(async () => {
  ({ state, apps } = temporaryApps());
  host = await createLocalAppHost({ directory: apps, graceMs: 1000 });
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
  await rm(state, { recursive: true, force: true });
});

const server = (body: string) =>
  `require("node:http").createServer((request, response) => { ${body} }).listen(process.env.PORT);`;
const echoEnvironment = server("response.end(JSON.stringify(process.env));");
const building = { SCM_DO_BUILD_DURING_DEPLOYMENT: "true" };

const running = async (name: string, files: Parameters<typeof deployFiles>[2], change = {}) => {
  await host.configure(name, configurationOf(name, change));
  const deployed = await deployFiles(host, name, files);
  await host.start(name);
  expect(await host.ready(name)).toBe(true);
  return deployed;
};

describe("an app", () => {
  test("shows the default page before anything is deployed, and 403 while it is stopped", async () => {
    await host.configure("shop", configurationOf("shop"));
    expect((await host.forward("shop", requestFor("/"))).status).toBe(403);
    await host.start("shop");
    const reply = await host.forward("shop", requestFor("/"));
    expect(reply.status).toBe(200);
    expect(await textOf(reply)).toContain("waiting for your content");
    expect(host.state("shop").phase).toBe("default-page");
  });

  test("is built with npm, started with npm start, and gets every setting twice", async () => {
    const { text, deployment } = await running(
      "shop",
      [
        {
          name: "package.json",
          content: JSON.stringify({
            name: "shop",
            scripts: { build: "node -e \"fs.writeFileSync('built.txt', process.env.SHADE)\"", start: "node main.js" },
          }),
        },
        { name: "main.js", content: echoEnvironment },
      ],
      {
        settings: { ...building, SHADE: "blue", "Dotted.Name": "kept" },
        connectionStrings: { db: { value: "host=x", type: "PostgreSQL" } },
        edge: { IDENTITY_HEADER: "secret" },
      },
    );
    expect(text).toContain("Running 'npm install'...");
    expect(text).toContain("Running 'npm run build'...");
    expect(deployment).toMatchObject({ built: true, reused: false });
    const env = JSON.parse(await textOf(await host.forward("shop", requestFor("/")))) as Record<string, string>;
    expect(env).toMatchObject({
      SHADE: "blue",
      APPSETTING_SHADE: "blue",
      WEBSITE_SITE_NAME: "shop",
      APPSETTING_WEBSITE_SITE_NAME: "shop",
      POSTGRESQLCONNSTR_db: "host=x",
      IDENTITY_HEADER: "secret",
      HOME: host.folders("shop").home,
    });
    expect(await readFile(`${host.folders("shop").wwwroot}/built.txt`, "utf8")).toBe("blue");
    expect(await readFile(`${host.folders("shop").wwwroot}/oryx-manifest.toml`, "utf8")).toContain('NodeVersion="');
    expect(
      Object.keys(env).filter(
        (name) => /VITEST|npm_config_userconfig|^PWD_/.test(name) && name !== "npm_config_userconfig",
      ),
    ).toEqual([]);
  });

  test("is not built again when the same content arrives, and takes over its modules when only code changed", async () => {
    const packageJson = JSON.stringify({
      name: "shop",
      dependencies: { dep: "file:./dep" },
      scripts: { start: "node main.js" },
    });
    const files = (answer: string) => [
      { name: "package.json", content: packageJson },
      { name: "dep/package.json", content: '{"name":"dep","version":"1.0.0"}' },
      { name: "dep/index.js", content: "module.exports = 1;" },
      { name: "main.js", content: `require("dep"); ${server(`response.end("${answer}");`)}` },
    ];
    const first = await running("shop", files("one"), { settings: building });
    const again = await deployFiles(host, "shop", files("one"));
    expect(again.deployment).toMatchObject({ reused: true, release: first.deployment.release });
    const changed = await deployFiles(host, "shop", files("two"));
    expect(changed.text).toContain("Dependencies are unchanged");
    expect(await textOf(await host.forward("shop", requestFor("/")))).toBe("two");
  });

  test("keeps its release when a deployment fails, and says why", async () => {
    await running("shop", [{ name: "server.js", content: server('response.end("old");') }]);
    await host.configure("shop", configurationOf("shop", { settings: building }));
    const broken = [{ name: "package.json", content: '{"scripts":{"build":"exit 7"}}' }];
    await expect(deployFiles(host, "shop", broken)).rejects.toThrow(/npm run build failed with exit code: 7/);
    await expect(deployFiles(host, "shop", [{ name: "../evil", content: "x" }])).rejects.toMatchObject({
      cause: expect.any(DeploymentFailed),
    });
    expect(await textOf(await host.forward("shop", requestFor("/")))).toBe("old");
  });

  test("restarts when its configuration changes, and only then", async () => {
    const files = [{ name: "server.js", content: server("response.end(`${process.pid} ${process.env.SHADE}`);") }];
    await running("shop", files, { settings: { SHADE: "red" } });
    const ask = async () => textOf(await host.forward("shop", requestFor("/")));
    const first = await ask();
    await host.configure("shop", configurationOf("shop", { settings: { SHADE: "red" } }));
    expect(await ask()).toBe(first);
    await host.configure("shop", configurationOf("shop", { settings: { SHADE: "green" } }));
    expect(await ask()).toMatch(/ green$/);
  });

  test("listens on loopback only, also when it asks for the port it would have on Azure", async () => {
    const hardCoded = 'require("node:http").createServer((q, r) => r.end("here")).listen(8080, "0.0.0.0");';
    await running("shop", [{ name: "server.js", content: hardCoded }]);
    expect(await textOf(await host.forward("shop", requestFor("/")))).toBe("here");
    const lines = [];
    for await (const line of host.logs("shop", { tail: 100, signal: AbortSignal.timeout(200) })) lines.push(line.text);
    expect(lines.join("\n")).not.toContain("on all addresses");
  });

  test("that escapes the hook is found by its own socket, and named in a warning when others can reach it", async () => {
    const anyPort = 'require("node:http").createServer((q, r) => r.end("found")).listen(0, "0.0.0.0");';
    await running("shop", [{ name: "main.js", content: anyPort }], {
      startCommand: "env -u NODE_OPTIONS node main.js",
    });
    expect(await textOf(await host.forward("shop", requestFor("/")))).toBe("found");
    const lines = [];
    for await (const line of host.logs("shop", { tail: 100, signal: AbortSignal.timeout(100) })) lines.push(line.text);
    expect(lines.join("\n")).toMatch(/listens on port \d+, not on \d+ \(PORT\)/);
    expect(lines.join("\n")).toContain("on all addresses; other machines on this network can reach it");
  });

  test("is started by the shell script that its start command names", async () => {
    const script = "#!/bin/sh\nexport STARTED=by-script\nexec node main.js\n";
    const files = [
      { name: "start.sh", content: script },
      { name: "main.js", content: server("response.end(process.env.STARTED);") },
    ];
    await running("shop", files, { startCommand: "start.sh" });
    expect(await textOf(await host.forward("shop", requestFor("/")))).toBe("by-script");
  });

  test("leaves no process behind when it is stopped, children that ignore SIGTERM included", async () => {
    const marker = `stubborn-${process.pid}-${Date.now()}`;
    const child = `require("child_process").spawn("sh", ["-c", "trap '' TERM; while :; do sleep 1; done", "${marker}"]);`;
    await running("shop", [{ name: "server.js", content: child + server('response.end("ok");') }]);
    await until("the child runs", () => processesWith(marker).length > 0);
    await host.stop("shop");
    expect(processesWith(marker)).toEqual([]);
    expect((await host.forward("shop", requestFor("/"))).status).toBe(403);
  });

  test("that crashes at start is tried again and answered for with 503", async () => {
    await host.configure("shop", configurationOf("shop"));
    await deployFiles(host, "shop", [{ name: "server.js", content: "console.error('no luck'); process.exit(3);" }]);
    await host.start("shop");
    await until("a failure is counted", () => host.state("shop").failures > 0);
    expect(host.state("shop")).toMatchObject({ wanted: "running", lastError: "exit code: 3" });
    const lines = [];
    for await (const line of host.logs("shop", { tail: 100, signal: AbortSignal.timeout(100) })) lines.push(line.text);
    expect(lines).toContain("no luck");
    expect(lines).toContain("Container has finished running with exit code: 3.");
  });

  test("is there again, without a deployment, for the next host on the same folder", async () => {
    await running("shop", [{ name: "server.js", content: server('response.end("still here");') }]);
    await host[Symbol.asyncDispose]();
    host = await createLocalAppHost({ directory: apps });
    await host.configure("shop", configurationOf("shop"));
    await host.start("shop");
    expect(await textOf(await host.forward("shop", requestFor("/")))).toBe("still here");
  });

  test("is removed with all its files", async () => {
    await running("shop", [{ name: "server.js", content: server('response.end("ok");') }]);
    const { home } = host.folders("shop");
    await host.delete("shop");
    await expect(readFile(`${home}/x`)).rejects.toMatchObject({ code: "ENOENT" });
    expect(host.state("shop").phase).toBe("unknown");
  });

  test("can be asked to run a command as its own user", async () => {
    await host.configure("shop", configurationOf("shop"));
    const result = await host.run("shop", "echo out; echo err >&2; pwd; exit 4");
    expect(result).toEqual({ output: `out\n${host.folders("shop").home}\n`, error: "err\n", exitCode: 4 });
  });
});

describe.skipIf(process.getuid?.() !== 0 || process.platform !== "linux")("apps of a host that runs as root", () => {
  test("cannot read the state, another app's files or another app's environment", async () => {
    const spy = server(`
      const fs = require("node:fs"); const tries = {};
      const wanted = JSON.parse(new URL(request.url, "http://x").searchParams.get("paths") ?? "[]");
      for (const path of wanted) { try { fs.readFileSync(path); tries[path] = "read"; } catch (error) { tries[path] = error.code; } }
      response.end(JSON.stringify({ uid: process.getuid(), pid: process.pid, tries }));`);
    await running("spy", [{ name: "server.js", content: spy }]);
    await running("victim", [{ name: "server.js", content: spy }], { edge: { IDENTITY_HEADER: "victims-secret" } });
    const look = async (app: string, paths: readonly string[]) =>
      JSON.parse(
        await textOf(await host.forward(app, requestFor(`/?paths=${encodeURIComponent(JSON.stringify(paths))}`))),
      ) as { uid: number; pid: number; tries: Record<string, string> };
    const victim = await look("victim", []);
    const { wwwroot, logFiles, home } = host.folders("victim");
    const paths = [
      `/proc/${victim.pid}/environ`,
      `/proc/${process.pid}/environ`,
      `${home}/site/wwwroot/server.js`,
      `${logFiles}/default_docker.log`,
      `${home}/../app.json`,
      "/etc/shadow",
    ];
    const { tries, uid } = await look("spy", paths);
    expect(uid).not.toBe(0);
    expect(uid).not.toBe(victim.uid);
    expect(new Set(Object.values(tries))).toEqual(new Set(["EACCES"]));
    expect((await look("spy", [`${wwwroot}/server.js`])).tries).toEqual({ [`${wwwroot}/server.js`]: "EACCES" });
  });

  test("get no traffic when another user's process sits on their port", async () => {
    const squatter = createServer((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nsquatted"));
    // The app gives its port away: it only says which one it has, and this process listens there.
    await host.configure("shop", configurationOf("shop", { settings: { WEBSITES_CONTAINER_START_TIME_LIMIT: "10" } }));
    await deployFiles(host, "shop", [
      { name: "server.js", content: "console.log(`port=${process.env.PORT}`); setInterval(() => 0, 1000);" },
    ]);
    await host.start("shop");
    for await (const { text } of host.logs("shop", { signal: AbortSignal.timeout(5000) })) {
      const port = /^port=(\d+)$/.exec(text)?.[1];
      if (port === undefined) continue;
      await new Promise<void>((resolve) => squatter.listen(Number(port), "127.0.0.1", resolve));
      break;
    }
    expect(squatter.listening).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(host.state("shop").phase).toBe("starting");
    squatter.close();
  });

  test("can use a Node that lies in a closed folder, by a copy that they can reach", async () => {
    const [runtime] = (await findRuntimes("node", false)).found;
    if (runtime === undefined) throw new Error("No Node.");
    const closed = `${state}/closed`;
    await mkdir(closed, { mode: 0o700 });
    await copyFile(runtime.executable, `${closed}/node`);
    const published = await publishRuntime({ ...runtime, executable: `${closed}/node` }, apps);
    await host.configure("shop", configurationOf("shop"));
    const versions = await host.run(
      "shop",
      `'${published.executable}' -v && '${published.executable}' '${published.npm}' -v`,
    );
    expect(versions.output.split("\n")[0]).toBe(`v${runtime.version}`);
    expect(versions.exitCode).toBe(0);
    expect((await host.run("shop", `'${closed}/node' -v`)).exitCode).not.toBe(0);
  });

  test("lose processes that left their group, too", async () => {
    const marker = `escaped-${process.pid}-${Date.now()}`;
    const child = `require("child_process").spawn("sh", ["-c", "while :; do sleep 1; done", "${marker}"], { detached: true }).unref();`;
    await running("shop", [{ name: "server.js", content: child + server('response.end("ok");') }]);
    await until("the child runs", () => processesWith(marker).length > 0);
    await host.stop("shop");
    expect(processesWith(marker)).toEqual([]);
  });
});
