/** A throw-away PostgreSQL for tests, on a socket in a temporary folder. */
import { spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { locateBinaries } from "../../postgres/binaries.ts";

export interface TestServer {
  /** As node-postgres takes it. */
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly database: string;
  };
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root: then it runs as `postgres` or `nobody`. */
const unprivileged = (): { uid: number; gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync("/etc/passwd", "utf8").split("\n");
  const user = users.find((line) => line.startsWith("postgres:")) ?? users.find((line) => line.startsWith("nobody:"));
  const [, , uid, gid] = (user ?? "").split(":");
  return { uid: Number(uid), gid: Number(gid) };
};

/** Undefined where there are no binaries for this platform. */
export const startTestServer = async (): Promise<TestServer | undefined> => {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const home = mkdtempSync(join(tmpdir(), "lanyard-pg-"));
  const { initdb, postgres, environment } = await locateBinaries(join(home, "lib"));
  const data = join(home, "data");
  mkdirSync(data, { mode: 0o700 });
  const user = unprivileged();
  if (user) for (const path of [home, data]) chownSync(path, user.uid, user.gid);
  const as = { cwd: "/", env: { ...process.env, ...environment }, ...user };

  const made = spawnSync(
    initdb,
    ["-D", data, "-U", "tester", "--auth=trust", "--no-sync", "--locale=C.UTF-8", "-E", "UTF8"],
    as,
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${String(made.stderr)}`);
  const settings = ["listen_addresses=", "shared_buffers=32MB", "max_connections=100"];
  const server = spawn(postgres, ["-D", data, "-k", home, "-p", "5432", ...settings.flatMap((s) => ["-c", s])], {
    ...as,
    stdio: "ignore",
  });
  // However this process ends, the pipe closes: then the server stops, and its folder goes.
  const watch = `cat >/dev/null; kill -INT ${server.pid} && while kill -0 ${server.pid}; do sleep 0.1; done; rm -rf "$0"`;
  const watcher = spawn("sh", ["-c", watch, home], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  const stop = async (): Promise<void> => {
    const exited = server.exitCode === null && server.signalCode === null ? once(server, "exit") : undefined;
    const cleaned = once(watcher, "exit");
    watcher.stdin?.end();
    await exited;
    await cleaned;
  };
  const ready = (): boolean => {
    const pidFile = join(data, "postmaster.pid");
    return existsSync(pidFile) && readFileSync(pidFile, "utf8").includes("ready");
  };
  for (let i = 0; i < 1000 && !ready(); i++) {
    if (server.exitCode !== null) throw new Error(`postgres ended with ${server.exitCode}.`);
    await sleep(10);
  }
  return { connection: { host: home, port: 5432, user: "tester", database: "postgres" }, stop };
};
