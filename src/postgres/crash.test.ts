import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { afterAll, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "lanyard-pg-crash-"));
const data = join(folder, "state/servers/pg1/data");
const children: ChildProcess[] = [];

afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const start = async (): Promise<{ child: ChildProcess; port: number }> => {
  const script = join(import.meta.dirname, "crash.test-support.ts");
  const child = spawn(process.execPath, [script, folder], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const ready = Promise.withResolvers<number>();
  createInterface({ input: child.stdout }).once("line", (line) => ready.resolve(Number(line)));
  child.once("exit", () => ready.reject(new Error("The engine did not start.")));
  return { child, port: await ready.promise };
};

const kill = async (child: ChildProcess): Promise<void> => {
  const gone = Promise.withResolvers<void>();
  child.once("exit", () => gone.resolve());
  child.kill("SIGKILL");
  await gone.promise;
};

const login = async (port: number): Promise<Client> => {
  const client = new Client({
    host: "127.0.0.1",
    port,
    user: "pgadmin",
    password: "P@ssw0rd-1",
    database: "postgres",
    ssl: { rejectUnauthorized: false },
  });
  client.on("error", () => {});
  await client.connect();
  return client;
};

const postmaster = (): number => Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]);

/** No process, zombies aside. */
const isGone = (pid: number): boolean => {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
};

it.runIf(process.platform === "linux")(
  "a killed process leaves no server behind, and nothing acknowledged is lost",
  async () => {
    let acknowledged = 0;
    for (let round = 0; round < 4; round += 1) {
      const { child, port } = await start();
      const client = await login(port);
      await client.query("CREATE TABLE IF NOT EXISTS kept (id int PRIMARY KEY)");
      expect((await client.query("SELECT count(*)::int AS n, max(id) AS last FROM kept")).rows).toEqual([
        { n: acknowledged, last: acknowledged === 0 ? null : acknowledged },
      ]);
      const pid = postmaster();
      for (let row = 0; row < 50; row += 1) {
        await client.query("INSERT INTO kept VALUES ($1)", [acknowledged + 1]);
        acknowledged += 1;
      }
      const killed = kill(child);
      // The second half of the rounds starts again at once, while the old server may still be there.
      if (round >= 2) {
        await killed;
        continue;
      }
      await killed;
      const end = performance.now() + 10_000;
      while (!isGone(pid) && performance.now() < end) await delay(20);
      expect(isGone(pid)).toBe(true);
    }
    const { child, port } = await start();
    const client = await login(port);
    expect((await client.query("SELECT count(*)::int AS n FROM kept")).rows).toEqual([{ n: acknowledged }]);
    // The server itself dies: the next login starts it again.
    process.kill(postmaster(), "SIGKILL");
    await delay(300);
    const again = await login(port);
    expect((await again.query("SELECT count(*)::int AS n FROM kept")).rows).toEqual([{ n: acknowledged }]);
    const last = postmaster();
    await kill(child);
    const end = performance.now() + 10_000;
    while (!isGone(last) && performance.now() < end) await delay(20);
    expect(isGone(last)).toBe(true);
  },
  120_000,
);
