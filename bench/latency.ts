import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connectItems, stateWith } from "./items.ts";
import { node, run, start } from "./processes.ts";
import { command, environmentOf, productEnvironment } from "./product.ts";
import type { Latency, LatencyJob } from "./token-latency.ts";
import { compare, interleave, limit, median, type Work } from "./work.ts";

const documents = 100_000;
/** The heaviest that could be thought of: sorts, groups, joins, results and patterns over all documents. */
const heavy = [
  "SELECT * FROM c ORDER BY c.price + c.list[0]",
  "SELECT c.address.street, COUNT(1) AS n, AVG(c.price) AS price FROM c GROUP BY c.address.street",
  "SELECT VALUE COUNT(1) FROM c JOIN a IN c.list JOIN b IN c.list JOIN d IN c.list WHERE a + b > d",
  "SELECT DISTINCT VALUE c.text FROM c",
  "SELECT * FROM c WHERE REGEXMATCH(c.text, '(l+o*r*)*$')",
  "SELECT VALUE COUNT(1) FROM c WHERE ARRAY_LENGTH(SetUnion(StringSplit(c.text, ' '), c.tags)) > 3",
  "SELECT VALUE MAKELIST(c.price) FROM c",
  "SELECT c.id, t FROM c JOIN t IN c.tags ORDER BY t DESC, c.price",
];
const atOnce = 6;
const seconds = 15;
const perSecond = 20;

/** Token requests at a steady rate from a process of their own, while queries run and while none does. */
export const latency: Work = {
  name: "latency",
  run: async (bench) => {
    const state = await stateWith(bench, "latency", { items: documents });
    const seenTurns = join(bench.scratch, "turns.json");
    await using tenant = await start(
      node,
      [
        "--import",
        join(import.meta.dirname, "turns.mjs"),
        command(bench),
        "up",
        "--state",
        state,
        "--port",
        "0",
        "--json",
      ],
      { ready: /"type":"ready".*\n/, env: { ...productEnvironment(bench), BENCH_TURNS: seenTurns } },
    );
    /** Milliseconds of processor time of the longest turn since the last time. */
    const longestTurn = async (): Promise<number> => {
      rmSync(seenTurns, { force: true });
      process.kill(tenant.pid, "SIGUSR2");
      while (!existsSync(seenTurns)) await delay(10);
      await delay(10);
      return (JSON.parse(readFileSync(seenTurns, "utf8")) as { readonly most: number }).most;
    };
    const items = await connectItems(bench, state);
    const env = await environmentOf(bench, state);
    const job: LatencyJob = {
      port: items.client.tlsPort,
      ca: items.client.ca,
      path: `/${env["AZURE_TENANT_ID"]}/oauth2/v2.0/token`,
      form: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: env["AZURE_CLIENT_ID"] ?? "",
        client_secret: env["AZURE_CLIENT_SECRET"] ?? "",
        scope: "https://vault.azure.net/.default",
      }).toString(),
      seconds,
      perSecond,
    };
    const tokens = async (what: string): Promise<Latency> => {
      const output = await run(node, [join(import.meta.dirname, "token-latency.ts")], { input: JSON.stringify(job) });
      const found = JSON.parse(output) as Latency;
      bench.say(
        `${what}: p50 ${found.p50.toFixed(1)}, p99 ${found.p99.toFixed(1)}, max ${found.max.toFixed(1)} ms of ${found.requests}, the client itself at most ${found.late.toFixed(1)} ms late`,
      );
      return found;
    };
    const seen = { busy: [] as Latency[], idle: [] as Latency[] };
    const turns: number[] = [];
    let answered = 0;
    const busy = async (): Promise<number> => {
      const over = new AbortController();
      let next = 0;
      const client = async (): Promise<void> => {
        while (!over.signal.aborted) {
          await items.query("items", heavy[next++ % heavy.length] ?? "", { limit: 10_000 });
          answered += 1;
        }
      };
      await longestTurn();
      const clients = Array.from({ length: atOnce }, client);
      const found = await tokens(`with ${atOnce} queries at once`);
      seen.busy.push(found);
      over.abort();
      await Promise.all(clients);
      turns.push(await longestTurn());
      bench.say(`the longest turn of the serving thread took ${turns.at(-1)?.toFixed(1)} ms of processor time`);
      return found.p99;
    };
    const idle = async (): Promise<number> => {
      const found = await tokens("without queries");
      seen.idle.push(found);
      return found.p99;
    };
    const figures = await interleave(bench.pairs, { busy, idle });
    bench.say(`${answered} queries were answered meanwhile`);
    const p99 = limit(
      `token request's p99 while ${atOnce} of the heaviest queries run over ${documents} documents, ms: without queries`,
      median(figures.busy),
      "<= 50",
      median(figures.idle),
    );
    const p50 = compare(
      "its median, ms: without queries",
      seen.busy.map((each) => each.p50),
      seen.idle.map((each) => each.p50),
      "<= 10x",
    );
    // The first pair loads the documents; what others run on the machine is not in it.
    return [
      p99,
      p50,
      limit("longest turn of the serving thread meanwhile, ms of processor time", Math.max(...turns), "<= 20"),
    ];
  },
};
