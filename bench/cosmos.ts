import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { counter, head, load, turn } from "./client.ts";
import { node, processorSeconds, type Running, start } from "./processes.ts";
import { ask, type CallOptions, connect, startDetached, type TenantClient } from "./product.ts";
import { compare, interleave, type Work } from "./work.ts";

const account = "lanyardbench";
const host = `${account}.documents.azure.com`;
const docs = "/dbs/bench/colls/items/docs";
/** Items that both sides hold: each has a partition of its own, as in the tutorial. */
const held = 2000;

/** What `@azure/cosmos` sends with every request. */
const headersOf = (token: string): Record<string, string> => ({
  Host: host,
  authorization: `type=aad&ver=1.0&sig=${token}`,
  "x-ms-version": "2020-07-15",
  "x-ms-date": new Date().toUTCString(),
  "cache-control": "no-cache",
  "x-ms-documentdb-query-enablecrosspartition": "true",
  "x-ms-documentdb-responsecontinuationtokenlimitinkb": "1",
  "x-ms-cosmos-allow-tentative-writes": "true",
  "x-ms-cosmos-sdk-supportedcapabilities": "1",
  "user-agent": "azsdk-js-cosmos/4.10.1 Node/24",
  "x-ms-useragent": "azsdk-js-cosmos/4.10.1 Node/24",
  "x-ms-documentdb-partitionkey": `["item-${counter}"]`,
  Accept: "application/json",
});

/** An item of 1 KB; no two that are sent are the same. */
const itemText = JSON.stringify({
  id: `item-${counter}`,
  pk: `item-${counter}`,
  turn,
  name: "a pair of walking boots",
  price: { amount: 129.9, currency: "EUR" },
  tags: ["outdoor", "leather", "autumn"],
  stock: Array.from({ length: 8 }, (_, index) => ({
    warehouse: `w-${index}`,
    count: index * 7,
    open: index % 2 === 0,
  })),
  text: "x".repeat(450),
});

const withBody = (headers: Record<string, string>, type: string, text: string): Record<string, string | number> => ({
  ...headers,
  "Content-Type": type,
  "Content-Length": text.length,
});

const arm = "https://management.azure.com";
const contributor = "00000000-0000-0000-0000-000000000002";

/** An account with a container, whose items the developer may read and write by a native role. @returns a token for it */
const createContainer = async (client: TenantClient): Promise<string> => {
  const token = await client.token(`${arm}/.default`);
  const { oid } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { oid: string };
  const group = `/subscriptions/${client.subscriptionId}/resourceGroups/bench`;
  const id = `${group}/providers/Microsoft.DocumentDB/databaseAccounts/${account}`;
  const put = (path: string, json: unknown): Promise<unknown> =>
    client.call("PUT", `${arm}${path}?api-version=2024-11-15`, { token, json });
  await put(group, { location: "westeurope" });
  await put(id, { location: "westeurope", properties: { databaseAccountOfferType: "Standard" } });
  for (let tries = 0; ; tries += 1) {
    const { body } = await client.call("GET", `${arm}${id}?api-version=2024-11-15`, { token });
    const { properties } = JSON.parse(body) as { properties: { provisioningState: string } };
    if (properties.provisioningState === "Succeeded") break;
    if (tries > 100) throw new Error("The Cosmos DB account is not provisioned after 10 s.");
    await delay(100);
  }
  const database = `${id}/sqlDatabases/bench`;
  await put(database, { properties: { resource: { id: "bench" } } });
  await put(`${database}/containers/items`, {
    properties: { resource: { id: "items", partitionKey: { paths: ["/pk"], kind: "Hash" } } },
  });
  await put(`${id}/sqlRoleAssignments/${randomUUID()}`, {
    properties: { roleDefinitionId: `${id}/sqlRoleDefinitions/${contributor}`, principalId: oid, scope: id },
  });
  return client.token(`https://${host}/.default`);
};

/** Point reads, upserts and queries by partition key over HTTPS with an Entra token, 16 connections. */
export const cosmos: Work = {
  name: "cosmos",
  run: async (bench) => {
    const state = join(bench.scratch, "cosmos");
    await using tenant = await startDetached(bench, state);
    const client = await connect(bench, state);
    const token = await createContainer(client);
    const files = join(bench.scratch, "cosmos-files");
    mkdirSync(files);
    const [cert, key] = [join(files, "cert.pem"), join(files, "key.pem")];
    writeFileSync(cert, client.certificate.cert, { mode: 0o600 });
    writeFileSync(key, client.certificate.key, { mode: 0o600 });
    const startPeer = (...mode: string[]): Promise<Running> =>
      start(node, [join(import.meta.dirname, "cosmosdb-server.ts"), cert, key, ...mode], { ready: /ready \d+\n/ });
    await using closing = await startPeer();
    await using keeping = await startPeer("keep");
    const portOf = ({ output }: Running): number => Number(/ready (\d+)/.exec(output)?.[1]);
    const sides = {
      ours: { pid: tenant.pid, port: client.tlsPort, reconnect: false },
      peer: { pid: closing.pid, port: portOf(closing), reconnect: true },
      kept: { pid: keeping.pid, port: portOf(keeping), reconnect: false },
    };
    for (const { port } of [sides.peer, sides.kept]) {
      const create = async (path: string, json: unknown): Promise<void> => {
        const options: CallOptions = { json, headers: { authorization: "type=aad&ver=1.0&sig=any" } };
        await ask({ port, ca: client.ca }, "POST", `https://${host}${path}`, options);
      };
      await create("/dbs", { id: "bench" });
      await create("/dbs/bench/colls", { id: "items", partitionKey: { paths: ["/pk"], kind: "Hash" } });
    }

    const headers = headersOf(token);
    const common = { tls: { servername: host, ca: client.ca }, connections: 16, modulus: held };
    const upsert = {
      ...common,
      head: head("POST", docs, {
        ...withBody(headers, "application/json", itemText),
        "x-ms-documentdb-is-upsert": "true",
      }),
      body: itemText,
    };
    const query = JSON.stringify({
      query: "SELECT * FROM c WHERE c.pk = @pk",
      parameters: [{ name: "@pk", value: `item-${counter}` }],
    });
    const jobs = {
      read: { ...common, head: head("GET", `${docs}/item-${counter}`, headers) },
      upsert,
      query: {
        ...common,
        head: head("POST", docs, {
          ...withBody(headers, "application/query+json", query),
          "x-ms-documentdb-isquery": "true",
          "x-ms-documentdb-query-enablecrosspartition": "true",
          "x-ms-max-item-count": 100,
        }),
        body: query,
      },
    };
    for (const { port, reconnect } of Object.values(sides))
      await load({ ...upsert, port, reconnect, requests: held, expect: 201 });

    const measure = async (what: keyof typeof jobs, side: keyof typeof sides): Promise<number> => {
      const { pid, port, reconnect } = sides[side];
      const before = processorSeconds(pid);
      const times = { seconds: 3, warm: 1 };
      const result = await load({ ...jobs[what], port, reconnect, ...times, expect: 200 });
      const { perSecond, p50, p99, requests, cpuSeconds, seconds } = result;
      // The warm-up is in the processor time and not among the requests: as many again for each of its seconds.
      const each = ((processorSeconds(pid) - before) / (requests * (4 / 3))) * 1e6;
      bench.say(
        `${what} ${side} ${perSecond.toFixed(0)}/s p50 ${p50.toFixed(2)} p99 ${p99.toFixed(2)} ms, about ${each.toFixed(0)} µs of processor time each, client ${((cpuSeconds / seconds) * 100).toFixed(0)} % CPU`,
      );
      return perSecond;
    };
    const inTurn = (what: keyof typeof jobs) =>
      interleave(bench.pairs, {
        ours: () => measure(what, "ours"),
        peer: () => measure(what, "peer"),
        kept: () => measure(what, "kept"),
      });
    const read = await inTurn("read");
    const written = await inTurn("upsert");
    const queried = await inTurn("query");
    const against = "requests/s: @vercel/cosmosdb-server";
    const kept = `${against} with connections kept`;
    // Beside a map in memory without rights the last rows say what durability, authorization and the record cost; their
    // targets are floors.
    return [
      compare(`item of 1 KB, durable upsert, 16 connections, ${against}`, written.ours, written.peer, ">= 2x"),
      compare(`item of 1 KB, point read, 16 connections, ${against}`, read.ours, read.peer, ">= 3x"),
      compare(`query by partition key, 16 connections, ${against}`, queried.ours, queried.peer, ">= 3x"),
      compare(`the same upsert, ${kept}`, written.ours, written.kept, ">= 0.1x"),
      compare(`the same point read, ${kept}`, read.ours, read.kept, ">= 0.2x"),
      compare(`the same query, ${kept}`, queried.ours, queried.kept, ">= 3x"),
    ];
  },
};
