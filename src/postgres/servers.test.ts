import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { subscribe } from "node:diagnostics_channel";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createTestTenant, mint, type TestTenant } from "./tenant.test-support.ts";

const adminOid = randomUUID();
const appOid = randomUUID();
const admin = "dev@contoso.com";
const login = { administratorLogin: "pgadmin", administratorLoginPassword: "P@ssw0rd-1" };
const both = { activeDirectoryAuth: "Enabled", passwordAuth: "Enabled" } as const;

/** Version of psql, where the machine has one. */
const psql = spawnSync("psql", ["--version"], { encoding: "utf8" }).stdout ?? undefined;

let tenant: TestTenant;

/** The front door's threads, as Node tells of them. */
const threads: Worker[] = [];
subscribe("worker_threads", (message) => {
  if (typeof message === "object" && message !== null && "worker" in message && message.worker instanceof Worker) {
    threads.push(message.worker);
  }
});

beforeAll(async () => {
  tenant = await createTestTenant();
  await tenant.engine.createServer("pg1", { version: "17", authConfig: both, ...login });
  await tenant.engine.putAdministrator("pg1", { principalName: admin, objectId: adminOid, type: "user" });
  await tenant.engine.createDatabase("pg1", "restaurant");
  const client = await asAdmin();
  const create = "SELECT pgaadauth_create_principal_with_oid('aad_app', $1, 'service', false, false)";
  await client.query(create, [appOid]);
}, 120_000);

afterAll(async () => tenant.dispose());

const asAdmin = async (database = "postgres", server = "pg1") =>
  tenant.connect({ server, user: admin, password: await mint({ oid: adminOid, type: "user" }), database });

/** Runs a script; not synchronously, since the engine lives in this very thread. */
const runPsql = async (target: string, script: string, env: NodeJS.ProcessEnv) => {
  const child = spawn("psql", ["-X", "-At", target], { env, timeout: 20_000 });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
  const closed = Promise.withResolvers<void>();
  child.once("close", () => closed.resolve());
  child.stdin.end(script);
  await closed.promise;
  return output;
};

/** Code and message of the refusal of a login. */
const refusal = async (attempt: Promise<unknown>) => {
  const error: unknown = await attempt.then(
    () => new Error("The login was accepted."),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error(String(error));
  return { code: "code" in error ? error.code : undefined, message: error.message };
};

describe("servers", () => {
  it("are told apart by the name in the TLS handshake, and by their own ports", async () => {
    await tenant.engine.createServer("pg2", { version: "13", authConfig: both, ...login });
    const names = async (port?: number, server = "pg2") => {
      const client = await tenant.connect({
        server,
        user: "pgadmin",
        password: "P@ssw0rd-1",
        ...(port === undefined ? {} : { port }),
      });
      return (await client.query("SELECT datname FROM pg_database ORDER BY 1")).rows.map(
        (row: { datname: string }) => row.datname,
      );
    };
    expect(await names()).not.toContain("restaurant");
    expect(await names(undefined, "pg1")).toContain("restaurant");
    expect(await names(tenant.engine.port("pg1"), "pg2")).not.toContain("restaurant");
    expect((await refusal(tenant.connect({ server: "unknown", user: "pgadmin", password: "x" }))).message).toMatch(
      /localhost|altnames|certificate/i,
    );
  });

  it("that asked for version 14 or older let every role create in schema public", async () => {
    await tenant.engine.createDatabase("pg2", "old");
    const client = await tenant.connect({ server: "pg2", user: "pgadmin", password: "P@ssw0rd-1" });
    await client.query("CREATE ROLE plain LOGIN PASSWORD 'plain-1'");
    const plain = await tenant.connect({ server: "pg2", user: "plain", password: "plain-1", database: "old" });
    await plain.query("CREATE TABLE t (id int)");
    const newer = await tenant.connect({
      server: "pg1",
      user: "pgadmin",
      password: "P@ssw0rd-1",
      database: "restaurant",
    });
    await newer.query("CREATE ROLE plain LOGIN PASSWORD 'plain-1'");
    const refused = await tenant.connect({ server: "pg1", user: "plain", password: "plain-1", database: "restaurant" });
    await expect(refused.query("CREATE TABLE t (id int)")).rejects.toThrow("permission denied for schema public");
  });

  it("refuse plaintext with the text that clients know", async () => {
    const plain = tenant.connect({ server: "pg1", user: "pgadmin", password: "x", ssl: false });
    expect(await refusal(plain)).toEqual({
      code: "28000",
      message: 'no pg_hba.conf entry for host "127.0.0.1", user "pgadmin", database "postgres", no encryption',
    });
  });

  it("keep committed rows, roles and parameters over a restart", async () => {
    const client = await asAdmin("restaurant");
    await client.query("CREATE TABLE kept (id int); INSERT INTO kept SELECT generate_series(1, 100)");
    expect(await tenant.engine.setParameter("pg1", "work_mem", "8MB")).toEqual({ restart: false });
    await expect(tenant.engine.setParameter("pg1", "archive_command", "true")).rejects.toThrow("cannot be changed");
    await tenant.reopen();
    await tenant.engine.openServer("pg1", { version: "17", authConfig: both });
    await tenant.engine.openServer("pg2", { version: "13", authConfig: both });
    const again = await asAdmin("restaurant");
    expect((await again.query("SELECT count(*)::int AS n FROM kept")).rows).toEqual([{ n: 100 }]);
    expect((await again.query("SHOW work_mem")).rows).toEqual([{ work_mem: "8MB" }]);
    await tenant.connect({ server: "pg1", user: "aad_app", password: await mint({ oid: appOid }) });
  });

  it("are reached again on their ports when the front door's thread crashed", async () => {
    const ports = [tenant.engine.frontDoorPort, tenant.engine.port("pg1")];
    await threads.at(-1)?.terminate();
    for (const port of ports) {
      const connect = async () => tenant.connect({ server: "pg1", user: "pgadmin", password: "P@ssw0rd-1", port });
      const client = await vi.waitFor(connect, { timeout: 10_000, interval: 50 });
      await client.query("SELECT 1");
    }
  });

  it("cancel a query on a plaintext request, which names no server", async () => {
    const client = await asAdmin();
    const slow = client.query("SELECT pg_sleep(20)");
    const request = Buffer.alloc(16);
    // node-postgres keeps the key of the connection without declaring it.
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
    [16, 80_877_102, processID, secretKey].forEach((word, index) => request.writeInt32BE(word, index * 4));
    setTimeout(() => connect({ host: "127.0.0.1", port: tenant.engine.frontDoorPort }).end(request), 200);
    await expect(slow).rejects.toThrow("canceling statement due to user request");
  });

  it.runIf(psql !== undefined)("serve psql with verify-full, COPY included, and pass errors on", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lanyard-psql-"));
    writeFileSync(join(folder, "ca.pem"), tenant.authority.ca);
    const environment = {
      PATH: process.env["PATH"],
      PGHOSTADDR: "127.0.0.1",
      PGPORT: String(tenant.engine.frontDoorPort),
      PGSSLROOTCERT: join(folder, "ca.pem"),
      PGPASSWORD: await mint({ oid: adminOid, type: "user" }),
    };
    const target = `host=pg1.postgres.database.azure.com user=${admin} dbname=restaurant sslmode=verify-full`;
    const script =
      "CREATE TEMP TABLE t (a int, b text);\nCOPY t FROM STDIN;\n1\tone\n2\ttwo\n\\.\nSELECT count(*) FROM t; SELECT nonsense;";
    const answer = await runPsql(target, script, environment);
    rmSync(folder, { recursive: true, force: true });
    expect(answer.stdout).toContain("COPY 2\n2\n");
    expect(answer.stderr).toContain('column "nonsense" does not exist');
  });

  it("refuse logins while they are stopped, and go away with their data", async () => {
    await tenant.engine.stop("pg2");
    const attempt = tenant.connect({ server: "pg2", user: "pgadmin", password: "P@ssw0rd-1" });
    expect((await refusal(attempt)).message).toBe("The server is stopped.");
    await tenant.engine.start("pg2");
    await tenant.connect({ server: "pg2", user: "pgadmin", password: "P@ssw0rd-1" });
    await tenant.engine.deleteServer("pg2");
    expect(tenant.engine.has("pg2")).toBe(false);
    await expect(tenant.engine.openServer("pg2", { version: "13", authConfig: both })).rejects.toThrow("missing");
  });
});
