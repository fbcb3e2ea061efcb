/**
 * One PostgreSQL cluster per flexible server: roles are cluster-wide and would collide. It starts when first needed and
 * ends with this process.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Pool, QueryResultRow } from "pg";
import { setPassword, superuser } from "./role-sql.ts";
import { runStopped, serverEnvironment, type Runner } from "./run.ts";
import { iterationsForSecrets, randomSecret, verifier } from "./scram.ts";
import { applyModel, modelVersion, versionFile } from "./template.ts";
import { stopLeftOver, watch, type Watcher } from "./watcher.ts";

export interface ClusterPlace {
  readonly dataDirectory: string;
  /** Short: a socket's path has at most 107 bytes. Created when missing, owned by PostgreSQL's user. */
  readonly socketDirectory: string;
  readonly logFile: string;
  /** Library for `shared_preload_libraries`, where one could be built. */
  readonly labelProvider: string | undefined;
}

/** A port number is part of the socket's name; there is no TCP port. */
const port = 5432;

/** `sun_path` has 108 bytes on Linux, 104 on macOS, the final NUL included. */
const socketPathLimit = 103;

const startTimeout = 60_000;

interface Running {
  readonly process: ChildProcess;
  readonly exited: Promise<void>;
  readonly watcher: Watcher;
  readonly pool: Pool;
}

/** An item of a setting that is a list: spaces and commas belong to it. */
const quoted = (item: string): string => `"${item.replaceAll('"', '""')}"`;

const answers = async (socketPath: string): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect({ path: socketPath });
    socket.once("error", () => done(false));
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
  });

const readText = async (file: string): Promise<string> => {
  try {
    return await readFile(file, "utf8");
  } catch {
    return "";
  }
};

export class Cluster {
  readonly #runner: Runner;
  readonly #place: ClusterPlace;
  readonly socketPath: string;
  #running: Running | undefined;
  /** Starts and stops wait for each other. */
  #queue: Promise<unknown> = Promise.resolve();
  #starting: Promise<Running> | undefined;
  #closed = false;
  /** Counts starts: what was arranged with one run of the server (passwords in memory) does not hold for the next. */
  #run = 0;

  constructor(runner: Runner, place: ClusterPlace) {
    this.#runner = runner;
    this.#place = place;
    this.socketPath = join(place.socketDirectory, `.s.PGSQL.${port}`);
    if (Buffer.byteLength(this.socketPath) > socketPathLimit) {
      throw new Error(
        `The path ${this.socketPath} is too long for a socket (${socketPathLimit} bytes). Use a shorter runtime folder.`,
      );
    }
  }

  get run(): number {
    return this.#run;
  }

  /** Starts the server if it is not running; resolves when it takes connections. */
  async start(): Promise<void> {
    await this.#started();
  }

  /** Runs one statement as the superuser, in database `postgres`. Starts the server if it must. */
  async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { pool } = await this.#started();
    return (await pool.query<Row>(text, [...values])).rows;
  }

  /** Fast shutdown: sessions are cut, everything committed is on disk. It may be started again. */
  async stop(): Promise<void> {
    await this.#enqueue(async () => this.#stop());
  }

  /** Stops for good. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.stop();
  }

  async #started(): Promise<Running> {
    if (this.#running !== undefined) return this.#running;
    this.#starting ??= this.#enqueue(async () => this.#running ?? (await this.#start())).finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    await running.pool.end().catch(() => {});
    running.process.kill("SIGINT");
    const late = setTimeout(() => running.process.kill("SIGQUIT"), 20_000);
    await running.exited;
    clearTimeout(late);
  }

  async #start(): Promise<Running> {
    if (this.#closed) throw new Error("The PostgreSQL server is being shut down.");
    const { dataDirectory, socketDirectory } = this.#place;
    await stopLeftOver(dataDirectory);
    await this.#runner.user.createOwned(socketDirectory);
    if ((await readText(join(dataDirectory, versionFile))) !== modelVersion)
      await applyModel(this.#runner, dataDirectory);
    // The superuser's password lives in this process's memory only, so every start sets a new one, while nobody can be
    // connected. PostgreSQL gets the verifier, never the password.
    const password = randomSecret();
    await runStopped(this.#runner, dataDirectory, "postgres", [
      setPassword(superuser, verifier(password, iterationsForSecrets)),
    ]);
    const watcher = watch(this.#runner.user, dataDirectory);
    try {
      return await this.#launch(watcher, password);
    } catch (error) {
      await stopLeftOver(dataDirectory);
      watcher.release();
      throw error;
    }
  }

  async #launch(watcher: Watcher, password: string): Promise<Running> {
    const { default: pg } = await import("pg");
    const { child, exited } = await this.#spawn();
    let ended = false;
    void exited.then(() => {
      ended = true;
    });
    const giveUp = performance.now() + startTimeout;
    while (!(await answers(this.socketPath))) {
      if (ended || performance.now() > giveUp) {
        const log = (await readText(this.#place.logFile)).trim().slice(-2000);
        throw new Error(`PostgreSQL did not start on ${this.#place.dataDirectory}: ${log || "it wrote no reason"}`);
      }
      await delay(10);
    }
    const pool = new pg.Pool({
      host: this.#place.socketDirectory,
      port,
      user: superuser,
      password,
      database: "postgres",
      max: 3,
      idleTimeoutMillis: 0,
      allowExitOnIdle: true,
    });
    pool.on("error", () => {});
    const running: Running = { process: child, exited, watcher, pool };
    void exited.then(() => {
      watcher.release();
      if (this.#running !== running) return;
      this.#running = undefined;
      void pool.end().catch(() => {});
    });
    // The first query waits until the server has recovered from whatever ended it last time.
    await this.#untilReady(pool, giveUp);
    this.#run += 1;
    this.#running = running;
    return running;
  }

  async #untilReady(pool: Pool, giveUp: number): Promise<void> {
    for (;;) {
      try {
        await pool.query("SELECT 1");
        return;
      } catch (error) {
        // 57P03: the database system is starting up.
        const starting = error instanceof Error && "code" in error && error.code === "57P03";
        if (!starting || performance.now() > giveUp) throw error;
        await delay(20);
      }
    }
  }

  async #spawn(): Promise<{ child: ChildProcess; exited: Promise<void> }> {
    const { dataDirectory, socketDirectory, logFile, labelProvider } = this.#place;
    const settings = {
      listen_addresses: "",
      unix_socket_directories: quoted(socketDirectory),
      unix_socket_permissions: "0700",
      port: String(port),
      password_encryption: "scram-sha-256",
      // A failing statement may hold a password: it stays out of the log.
      log_min_error_statement: "panic",
      log_min_messages: "error",
      ...(labelProvider === undefined ? {} : { shared_preload_libraries: quoted(labelProvider) }),
    };
    const command = this.#runner.user.command(this.#runner.binaries.postgres, [
      "-D",
      dataDirectory,
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ]);
    const log = await open(logFile, "w", 0o600);
    try {
      const child = spawn(command.file, command.args, {
        ...command.ids,
        cwd: "/",
        env: serverEnvironment(this.#runner.binaries),
        stdio: ["ignore", log.fd, log.fd],
        // Own session: Ctrl-C in the terminal stops it through us, after its clients.
        detached: true,
      });
      const exited = new Promise<void>((done) => {
        child.once("exit", () => done());
        child.once("error", () => done());
      });
      return { child, exited };
    } finally {
      await log.close();
    }
  }
}
