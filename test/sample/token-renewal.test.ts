/**
 * The sample's connection pool outlives its tokens: the tenant gives tokens that live for seconds, and the database's
 * administrator ends the app's connections again and again, so that each round must log in with a new one.
 */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSandbox, type Running, type Sandbox, until } from "../cli/support.ts";

const lifetimeSeconds = 15;
const startLimit = 240_000;

interface Status {
  readonly port: number;
  readonly postgresPort: number;
  readonly certificate: string;
  readonly apps: readonly { readonly name: string; readonly url: string }[];
}

describe("the sample with short-lived tokens", () => {
  let sandbox: Sandbox;
  let tenant: Running;
  let status: Status;
  let server: string;

  beforeAll(async () => {
    sandbox = openSandbox();
    tenant = sandbox.start(["start", "--port", "0", "--token-lifetime", String(lifetimeSeconds)]);
    await until(() => {
      if (tenant.child.exitCode !== null) throw new Error(`It ended:\n${tenant.out()}\n${tenant.err()}`);
      return tenant.out().includes("is ready on");
    }, startLimit);
    status = JSON.parse((await sandbox.lanyard("status", "--json")).out) as Status;
    server = /PostgreSQL server ([\w-]+): created/.exec(tenant.out() + tenant.err())?.[1] ?? "";
    expect(server).not.toBe("");
  }, startLimit);
  afterAll(() => sandbox.close());

  const variables = async (...as: string[]): Promise<Record<string, string>> =>
    JSON.parse((await sandbox.lanyard("env", "--json", ...as)).out) as Record<string, string>;

  const databaseToken = async (): Promise<string> => {
    const [{ name } = { name: "" }] = status.apps;
    const { IDENTITY_ENDPOINT = "", IDENTITY_HEADER = "" } = await variables("--as", name);
    const resource = encodeURIComponent("https://ossrdbms-aad.database.windows.net");
    const answer = await fetch(`${IDENTITY_ENDPOINT}?api-version=2019-08-01&resource=${resource}`, {
      headers: { "X-IDENTITY-HEADER": IDENTITY_HEADER },
    });
    return ((await answer.json()) as { access_token: string }).access_token;
  };

  const connect = async (user: string, password: string, database: string): Promise<Client> => {
    const client = new Client({
      host: "127.0.0.1",
      port: status.postgresPort,
      user,
      password,
      database,
      ssl: { ca: readFileSync(status.certificate, "utf8"), servername: `${server}.postgres.database.azure.com` },
    });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  };

  const pageStatus = async (): Promise<number> => {
    const [{ url } = { url: "" }] = status.apps;
    // The machine's resolver need not know names below localhost.
    const { hostname, port } = new URL(url);
    const { request } = await import("node:http");
    return new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port, path: "/", headers: { host: `${hostname}:${port}` } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      })
        .once("error", reject)
        .end();
    });
  };

  /** Ends the app's connections, with the app's own token: a role may end its own sessions. */
  const endConnections = async (token: string): Promise<number> => {
    const client = await connect("aad_database", token, "restaurant");
    try {
      const { rows } = await client.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'aad_database' and pid <> pg_backend_pid()",
      );
      return rows.length;
    } finally {
      await client.end();
    }
  };

  it("keeps answering when its connections end after its first token has expired", async () => {
    const first = await databaseToken();
    expect(await pageStatus()).toBe(200);
    for (let round = 0; round < 3; round++) {
      await delay((lifetimeSeconds + 1) * 1000);
      await expect(connect("aad_database", first, "restaurant")).rejects.toMatchObject({
        message: expect.stringContaining("expired"),
      });
      expect(await endConnections(await databaseToken())).toBeGreaterThan(0);
      // A connection that was ended this moment may still be handed out once; the next request has a new one.
      await expect.poll(pageStatus, { timeout: 3000 }).toBe(200);
    }
  });
});
