/** One PostgreSQL server of the product's own programs, which listens on a socket for the front door and on TCP with TLS. */
import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { spawn } from "node:child_process";
import type { openCertificates } from "../src/edge/certificates.ts";
import type { locateBinaries } from "../src/postgres/binaries.ts";
import type { run } from "../src/postgres/run.ts";
import type { chooseServerUser } from "../src/postgres/server-user.ts";
import { freePort } from "./processes.ts";
import type { Bench } from "./work.ts";

export interface Server extends AsyncDisposable {
  readonly socketPath: string;
  readonly tlsPort: number;
  readonly password: string;
  /** Folder of a certificate authority of the product, for the front door. */
  readonly certificates: string;
}

export const superuser = "bench";

const built = async <Module>(bench: Bench, path: string): Promise<Module> =>
  (await import(pathToFileURL(join(bench.product, "dist", path)).href)) as Module;

const listening = (path: string): Promise<boolean> =>
  new Promise((done) => {
    const socket = createConnection({ path });
    socket.once("error", () => done(false));
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
  });

export const startServer = async (bench: Bench): Promise<Server> => {
  const binaries = await (
    await built<{ locateBinaries: typeof locateBinaries }>(bench, "postgres/binaries.js")
  ).locateBinaries(join(bench.scratch, "lib"));
  const user = await (
    await built<{ chooseServerUser: typeof chooseServerUser }>(bench, "postgres/server-user.js")
  ).chooseServerUser([bench.scratch], dirname(binaries.postgres));
  const programs = await built<{ run: typeof run }>(bench, "postgres/run.js");
  const runner = { binaries, user };
  const certificates = join(bench.scratch, "postgres-certificates");
  const { openCertificates: open } = await built<{ openCertificates: typeof openCertificates }>(
    bench,
    "edge/certificates.js",
  );
  const { server } = await open({ folder: certificates });

  const home = join(bench.scratch, "pg");
  const data = join(home, "data");
  await user.createOwned(home);
  const password = randomBytes(16).toString("hex");
  const passwordFile = join(home, "password");
  writeFileSync(passwordFile, password, { mode: 0o600 });
  await user.give(passwordFile);
  await programs.run(runner, binaries.initdb, [
    `--pgdata=${data}`,
    `--username=${superuser}`,
    "--auth=scram-sha-256",
    `--pwfile=${passwordFile}`,
    "--no-sync",
    "--encoding=UTF8",
    "--locale=C",
  ]);
  appendFileSync(join(data, "pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n");
  for (const [name, text] of [
    ["server.crt", server.cert],
    ["server.key", server.key],
  ] as const) {
    writeFileSync(join(data, name), text, { mode: 0o600 });
    await user.give(join(data, name));
  }
  const tlsPort = await freePort();
  const settings = [
    "listen_addresses=127.0.0.1",
    `unix_socket_directories=${home}`,
    `port=${tlsPort}`,
    "ssl=on",
    "password_encryption=scram-sha-256",
    // A checkpoint in the middle of one side's turn would be that side's loss.
    "max_wal_size=4GB",
    "checkpoint_timeout=1h",
  ];
  const command = user.command(binaries.postgres, ["-D", data, ...settings.flatMap((setting) => ["-c", setting])]);
  mkdirSync(home, { recursive: true });
  const child = spawn(command.file, command.args, {
    ...command.ids,
    cwd: "/",
    stdio: ["ignore", "ignore", "ignore"],
    env: { PATH: process.env["PATH"] ?? "", LC_MESSAGES: "C", TZ: "UTC", ...binaries.environment },
  });
  const end = (): void => void child.kill("SIGQUIT");
  process.on("exit", end);
  const socketPath = join(home, `.s.PGSQL.${tlsPort}`);
  while (!(await listening(socketPath))) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL ended with ${child.exitCode}.`);
    await delay(20);
  }
  const stop = async (): Promise<void> => {
    process.off("exit", end);
    const gone = new Promise((done) => child.once("exit", done));
    child.kill("SIGINT");
    await gone;
  };
  return { socketPath, tlsPort, password, certificates, [Symbol.asyncDispose]: stop };
};
