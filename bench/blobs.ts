import { join } from "node:path";
import { createContainer, startAzuriteBlob } from "./azurite.ts";
import { blobHeaders, blobHost, counter, head, load } from "./client.ts";
import { connect, createAccount, startDetached } from "./product.ts";
import { compare, interleave, type Work } from "./work.ts";

const account = "lanyardbench";
const size = 4096;
/** Blobs that both sides hold, and that GET asks for in turn. */
const held = 2000;

/** 4 KiB blobs over HTTPS with a bearer token, 16 connections. */
export const blobs: Work = {
  name: "blobs",
  run: async (bench) => {
    const state = join(bench.scratch, "blobs");
    await using _tenant = await startDetached(bench, state);
    const client = await connect(bench, state);
    const token = await createAccount(client, account);
    await using azurite = await startAzuriteBlob(join(bench.scratch, "blobs-azurite"), client, account);
    await createContainer(azurite, client, account, token);
    const common = {
      tls: { servername: blobHost(account), ca: client.ca },
      connections: 16,
    };
    const put = {
      ...common,
      head: head("PUT", `/bench/blob-${counter}`, {
        ...blobHeaders(account, token),
        "x-ms-blob-type": "BlockBlob",
        "Content-Type": "application/octet-stream",
        "Content-Length": size,
      }),
      body: size,
      expect: 201,
    };
    const get = {
      ...common,
      head: head("GET", `/bench/blob-${counter}`, blobHeaders(account, token)),
      modulus: held,
      expect: 200,
    };
    const sides = { ours: client.tlsPort, azurite: azurite.port };
    for (const port of Object.values(sides)) await load({ ...put, port, requests: held });
    let from = held;
    const puts = async (port: number): Promise<number> => {
      const result = await load({ ...put, port, from, seconds: 3, warm: 1 });
      from += 200_000;
      bench.say(
        `PUT ${result.perSecond.toFixed(0)}/s p50 ${result.p50.toFixed(2)} p99 ${result.p99.toFixed(2)} ms, client ${((result.cpuSeconds / result.seconds) * 100).toFixed(0)} % CPU`,
      );
      return result.perSecond;
    };
    const gets = async (port: number): Promise<number> => {
      const result = await load({ ...get, port, seconds: 3, warm: 1 });
      bench.say(
        `GET ${result.perSecond.toFixed(0)}/s p50 ${result.p50.toFixed(2)} p99 ${result.p99.toFixed(2)} ms, client ${((result.cpuSeconds / result.seconds) * 100).toFixed(0)} % CPU`,
      );
      return result.perSecond;
    };
    const read = await interleave(bench.pairs, { ours: () => gets(sides.ours), azurite: () => gets(sides.azurite) });
    const written = await interleave(bench.pairs, { ours: () => puts(sides.ours), azurite: () => puts(sides.azurite) });
    return [
      compare("4 KiB blob PUT, durable, 16 connections, requests/s: Azurite", written.ours, written.azurite, ">= 8x"),
      compare("4 KiB blob GET, 16 connections, requests/s: Azurite", read.ours, read.azurite, ">= 4x"),
    ];
  },
};
