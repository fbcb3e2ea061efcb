import { join } from "node:path";
import { cleanEnvironment, node, run, start } from "./processes.ts";
import { startServer, superuser } from "./postgres-server.ts";
import { compare, interleave, type Work } from "./work.ts";

const clients = 8;
const seconds = 4;

/** `which`, without depending on it. */
const has = (program: string): Promise<boolean> =>
  run(program, ["--version"]).then(
    () => true,
    () => false,
  );

/** pgbench and psql against one server: through the front door, and by TLS to PostgreSQL itself. */
export const postgres: Work = {
  name: "postgres",
  run: async (bench) => {
    if (!(await has("pgbench")) || !(await has("psql")))
      throw new Error("pgbench and psql are not installed (Debian: postgresql-contrib and postgresql-client).");
    await using server = await startServer(bench);
    await using door = await start(
      node,
      [join(import.meta.dirname, "front-door.ts"), bench.product, server.certificates, server.socketPath],
      { ready: /ready \d+\n/ },
    );
    const environment = (port: number): NodeJS.ProcessEnv =>
      cleanEnvironment({
        PGHOST: "bench.postgres.database.azure.com",
        PGHOSTADDR: "127.0.0.1",
        PGPORT: String(port),
        PGSSLMODE: "verify-full",
        PGSSLROOTCERT: join(server.certificates, "ca.pem"),
        PGUSER: superuser,
        PGPASSWORD: server.password,
        PGDATABASE: "postgres",
      });
    const ports = { ours: Number(/ready (\d+)/.exec(door.output)?.[1]), direct: server.tlsPort };
    await run("pgbench", ["--initialize", "--quiet", "--scale=20"], { env: environment(ports.direct) });

    const transactions = async (port: number, kind: string): Promise<number> => {
      const output = await run(
        "pgbench",
        [
          "--builtin",
          kind,
          `--client=${clients}`,
          "--jobs=1",
          `--time=${seconds}`,
          "--protocol=prepared",
          "--no-vacuum",
        ],
        { env: environment(port) },
      );
      const rate = Number(/tps = ([\d.]+) \(without/.exec(output)?.[1]);
      bench.say(`${kind} ${rate.toFixed(0)}/s`);
      return rate;
    };
    const copy = async (port: number, direction: "out" | "in"): Promise<number> => {
      const env = environment(port);
      const began = performance.now();
      if (direction === "out")
        await run("sh", ["-c", 'exec psql -X -q -c "COPY pgbench_accounts TO STDOUT" > /dev/null'], { env });
      else {
        const file = join(bench.scratch, "copy.txt");
        await run("sh", ["-c", `exec psql -X -q -c "COPY copied FROM STDIN" < ${file}`], { env });
      }
      const taken = performance.now() - began;
      if (direction === "in") await run("psql", ["-X", "-q", "-c", "TRUNCATE copied"], { env });
      bench.say(`COPY ${direction} ${taken.toFixed(0)} ms`);
      return rows / (taken / 1000);
    };
    const rows = 2_000_000;
    await run("psql", ["-X", "-q", "-c", "CREATE UNLOGGED TABLE copied (LIKE pgbench_accounts)"], {
      env: environment(ports.direct),
    });
    await run(
      "sh",
      ["-c", `exec psql -X -q -c "COPY pgbench_accounts TO STDOUT" > ${join(bench.scratch, "copy.txt")}`],
      {
        env: environment(ports.direct),
      },
    );

    const both = (measure: (port: number) => Promise<number>): Promise<Record<"ours" | "direct", number[]>> =>
      interleave(bench.pairs, { ours: () => measure(ports.ours), direct: () => measure(ports.direct) });
    const selects = await both((port) => transactions(port, "select-only"));
    const updates = await both((port) => transactions(port, "simple-update"));
    const out = await both((port) => copy(port, "out"));
    const into = await both((port) => copy(port, "in"));
    const peer = "direct TLS to the same server";
    return [
      compare(
        `pgbench select-only, ${clients} clients, transactions/s: ${peer}`,
        selects.ours,
        selects.direct,
        ">= 0.55x",
      ),
      compare(
        `pgbench simple-update, ${clients} clients, transactions/s: ${peer}`,
        updates.ours,
        updates.direct,
        ">= 0.65x",
      ),
      compare(`COPY out, rows/s: ${peer}`, out.ours, out.direct, ">= 0.9x"),
      compare(`COPY in, rows/s: ${peer}`, into.ours, into.direct, ">= 0.9x"),
    ];
  },
};
