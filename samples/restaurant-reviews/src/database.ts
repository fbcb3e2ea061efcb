import { Pool } from "pg";
import type { PoolConfig, QueryResultRow } from "pg";
import { databaseFailure, isLoginRefused } from "./failure.ts";
import type { Log } from "./log.ts";
import { migrate } from "./migrations.ts";
import type { DatabaseSettings } from "./settings.ts";
import type { TokenSource } from "./token.ts";

export interface Database {
  /** Runs one statement; the schema is up to date when it does. Throws a ServiceError that says what went wrong. */
  query<Row extends QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Tries to bring the schema up to date until it works; the app answers requests meanwhile. */
  start(): void;
  close(): Promise<void>;
}

/**
 * The pool's settings. The password is a function: pg calls it for every new connection, so a connection made after
 * the first token has expired logs in with a later one. Open connections stay valid: PostgreSQL looks at the token
 * at login only.
 */
export function poolConfig(settings: DatabaseSettings, tokens: TokenSource): PoolConfig {
  return {
    host: settings.host,
    port: settings.port,
    user: settings.user,
    database: settings.database,
    password: () => tokens.token(),
    ssl: settings.tls ? { rejectUnauthorized: true } : false,
    max: 10,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    // Longer than a page needs, shorter than App Service's front end waits.
    query_timeout: 30_000,
    application_name: "restaurant-reviews",
  };
}

const LONGEST_PAUSE_MS = 15_000;

export function openDatabase(settings: DatabaseSettings, tokens: TokenSource, log: Log): Database {
  const pool = new Pool(poolConfig(settings, tokens));
  // An idle connection that breaks (server restart) is replaced by the pool; without a listener it would end the process.
  pool.on("error", (error) => log("warn", "database.connection.lost", databaseFailure(error).failure.cause));

  let migrated = false;
  let migrating: Promise<void> | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  async function connect() {
    try {
      return await pool.connect();
    } catch (error) {
      // The identity may have been given its role a moment ago, or recreated: do not insist on the token we have.
      if (isLoginRefused(error)) tokens.discard();
      throw error;
    }
  }

  async function migrateOnce(): Promise<void> {
    const client = await connect();
    try {
      const applied = await migrate(client);
      migrated = true;
      log("info", "database.ready", { host: settings.host, database: settings.database, user: settings.user, applied });
    } finally {
      client.release();
    }
  }

  /** One attempt at a time, shared by the start-up loop and by requests that come before it succeeded. */
  async function ready(): Promise<void> {
    if (migrated) return;
    migrating ??= migrateOnce().finally(() => {
      migrating = undefined;
    });
    await migrating;
  }

  async function keepTrying(pause: number): Promise<void> {
    try {
      await ready();
    } catch (error) {
      if (closed) return;
      const { title, cause } = databaseFailure(error).failure;
      log("error", "database.not-ready", { title, ...cause, user: settings.user, retryInSeconds: pause / 1000 });
      timer = setTimeout(() => void keepTrying(Math.min(pause * 2, LONGEST_PAUSE_MS)), pause);
    }
  }

  return {
    async query<Row extends QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
      try {
        await ready();
        const client = await connect();
        let broken: Error | undefined;
        try {
          return (await client.query<Row>(sql, [...values])).rows;
        } catch (error) {
          // A statement that failed leaves a good connection; one that got no answer does not.
          if (databaseFailure(error).failure.status === 503)
            broken = error instanceof Error ? error : new Error(String(error));
          throw error;
        } finally {
          client.release(broken);
        }
      } catch (error) {
        throw databaseFailure(error);
      }
    },
    start() {
      void keepTrying(1000);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await pool.end();
    },
  };
}
