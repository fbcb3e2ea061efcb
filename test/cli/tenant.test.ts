/** The life of a tenant on the command line: starting, joining, refusing, stopping. */
import { request as httpRequest } from "node:http";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { isAlive, openSandbox, type Sandbox, until } from "./support.ts";

const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

describe("a detached tenant", () => {
  let box: Sandbox;
  let pid: number;

  beforeAll(async () => {
    box = openSandbox();
    const up = await box.lanyard("up", "-d", "--port", "0", "--json");
    expect(up).toMatchObject({ code: 0, err: "" });
    const ready = json(up.out);
    expect(ready).toMatchObject({ type: "ready", detached: true, state: box.state, apps: [] });
    pid = Number(ready["pid"]);
  });
  afterAll(() => box.close());

  it("tells its state as one object", async () => {
    const { code, out } = await box.lanyard("status", "--json");
    expect(code).toBe(0);
    expect(out.trim().split("\n")).toHaveLength(1);
    const status = json(out);
    expect(status).toMatchObject({ running: true, pid, state: box.state });
    for (const name of ["port", "openPort", "tenantId", "subscriptionId", "certificate", "version"])
      expect(status).toHaveProperty(name);
  });

  it("is found running by a second `up -d`, which succeeds", async () => {
    const { code, out } = await box.lanyard("up", "-d", "--json");
    expect(code).toBe(0);
    expect(json(out)).toMatchObject({ type: "ready", pid });
  });

  it("keeps a second foreground tenant off its state and says who it is and what to do", async () => {
    const { code, err } = await box.lanyard("up", "--port", "0");
    expect(code).toBe(1);
    expect(err).toContain(`process ${pid}`);
    expect(err).toContain("lanyard down");
    expect(err).toContain("--state DIR");
  });

  it("leaves nothing in its folders that others can read or enter", () => {
    const open: string[] = [];
    const check = (path: string): void => {
      const { mode } = statSync(path);
      if ((mode & 0o077) !== 0) open.push(`${path} ${(mode & 0o777).toString(8)}`);
    };
    for (const top of [box.state, join(box.folder, "lanyard")]) {
      check(top);
      for (const name of readdirSync(top, { recursive: true, encoding: "utf8" })) check(join(top, name));
    }
    expect(open).toEqual([]);
    const [runtime = ""] = readdirSync(join(box.folder, "lanyard"));
    expect(statSync(join(box.folder, "lanyard", runtime, "control.sock")).mode & 0o777).toBe(0o600);
  });

  it("answers no web page on its socket", async () => {
    const [runtime = ""] = readdirSync(join(box.folder, "lanyard"));
    const socketPath = join(box.folder, "lanyard", runtime, "control.sock");
    const ask = (headers: Record<string, string>, path = "/status"): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const request = httpRequest({ socketPath, path, headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        request.once("error", reject).end();
      });
    expect(await ask({ host: "lanyard" })).toBe(200);
    expect(await ask({ host: "localhost:4280" })).toBe(403);
    expect(await ask({ host: "lanyard", origin: "https://example.com" })).toBe(403);
    expect(await ask({ host: "lanyard", "sec-fetch-site": "cross-site" })).toBe(403);
    expect(await ask({ host: "lanyard" }, "/nothing")).toBe(404);
  });

  it("says who has a port that another tenant wants", async () => {
    const { out } = await box.lanyard("status", "--json");
    const port = String(json(out)["port"]);
    const other = box.start(["up", "--port", port], { state: join(box.folder, "other") });
    const { code, err } = await other.finished;
    expect(code).toBe(1);
    expect(err).toContain(`tenant of ${box.state} (process ${pid})`);
    expect(err).toContain("--port 0");
  });

  it("says that a port is another program's", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
    );
    try {
      const { code, err } = await box.start(["up", "--port", String(port)], { state: join(box.folder, "third") })
        .finished;
      expect(code).toBe(1);
      expect(err).toContain(`Port ${port} is taken by another program`);
    } finally {
      server.close();
    }
  });

  it("stops when told, and its end is told by exit code 3", async () => {
    expect(await box.lanyard("down")).toMatchObject({ code: 0 });
    expect(isAlive(pid)).toBe(false);
    const { code, out } = await box.lanyard("status", "--json");
    expect(code).toBe(3);
    expect(json(out)).toEqual({ running: false, state: box.state });
    expect((await box.lanyard("down")).code).toBe(0);
  });
});

describe("a tenant", () => {
  let box: Sandbox;
  afterEach(() => box.close());

  it("is one when five are started at the same moment", async () => {
    box = openSandbox();
    const starts = await Promise.all(Array.from({ length: 5 }, () => box.lanyard("up", "-d", "--port", "0", "--json")));
    const pids = new Set(starts.filter(({ code }) => code === 0).map(({ out }) => json(out)["pid"]));
    expect(pids.size).toBe(1);
    for (const { code, err } of starts) if (code !== 0) expect(err).toContain('"code":"locked"');
  });

  it("comes back after kill -9: the lock that is left behind is known to be stale", async () => {
    box = openSandbox();
    const first = box.start(["up", "--port", "0"]);
    await first.says("is ready");
    const { tenantId } = json((await box.lanyard("status", "--json")).out);
    first.child.kill("SIGKILL");
    await first.finished;
    expect((await box.lanyard("status")).code).toBe(3);
    const second = await box.lanyard("up", "-d", "--port", "0", "--json");
    expect(second.code).toBe(0);
    expect(json(second.out)["tenantId"]).toBe(tenantId);
  });

  it("stops cleanly on SIGINT and SIGTERM, with exit code 0", async () => {
    box = openSandbox();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const up = box.start(["up", "--port", "0"]);
      await up.says("is ready");
      up.child.kill(signal);
      expect(await up.finished).toMatchObject({ code: 0, err: "" });
      expect(readdirSync(box.state)).not.toContain("tenant.lock");
    }
  });

  it("refuses a folder with other files as its state, and leaves it as it was", async () => {
    box = openSandbox();
    const { code, err } = await box.start(["up", "--port", "0"], { state: import.meta.dirname }).finished;
    expect(code).toBe(1);
    expect(err).toContain("holds files that are not Lanyard's");
    expect(readdirSync(import.meta.dirname)).not.toContain("lanyard.json");
  });

  it("notices when the npm that started it is killed", async () => {
    box = openSandbox();
    const { spawn } = await import("node:child_process");
    const { writeFileSync } = await import("node:fs");
    const script = `${process.execPath} ${join(import.meta.dirname, "lanyard.ts")} up --port 0 --state ${box.state}`;
    writeFileSync(join(box.folder, "package.json"), JSON.stringify({ scripts: { start: script } }));
    const npm = spawn("npm", ["start"], { cwd: box.folder, env: box.env, stdio: "ignore" });
    await until(() => readLock(box)?.port !== undefined);
    const pid = readLock(box)?.pid ?? 0;
    expect(isAlive(pid)).toBe(true);
    npm.kill("SIGKILL");
    await until(() => !isAlive(pid));
  });
});

const readLock = (box: Sandbox): { readonly pid: number; readonly port?: number } | undefined => {
  try {
    return JSON.parse(readFileSync(join(box.state, "tenant.lock"), "utf8")) as { pid: number; port?: number };
  } catch {
    return undefined;
  }
};
