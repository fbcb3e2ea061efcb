import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blobHeaders, blobHost, head, load } from "./client.ts";
import { node, start } from "./processes.ts";
import { connect, createAccount, startDetached } from "./product.ts";
import { compare, interleave, type Work } from "./work.ts";

const account = "lanyardbench";
const size = 64 * 1024 * 1024;
const repeats = 3;

/** 64 MiB in one request over HTTPS, one connection, against a server that only streams, hashes and syncs. */
export const large: Work = {
  name: "large",
  run: async (bench) => {
    const state = join(bench.scratch, "large");
    await using _tenant = await startDetached(bench, state);
    const client = await connect(bench, state);
    const token = await createAccount(client, account);
    const files = join(bench.scratch, "large-files");
    mkdirSync(files);
    const [cert, key] = [join(files, "cert.pem"), join(files, "key.pem")];
    writeFileSync(cert, client.certificate.cert, { mode: 0o600 });
    writeFileSync(key, client.certificate.key, { mode: 0o600 });
    await using bare = await start(node, [join(import.meta.dirname, "bare.ts"), "files", files, cert, key], {
      ready: /ready \d+\n/,
    });
    const common = { tls: { servername: blobHost(account), ca: client.ca }, connections: 1, requests: repeats };
    const headers = blobHeaders(account, token);
    const up = head("PUT", "/bench/large", {
      ...headers,
      "x-ms-blob-type": "BlockBlob",
      "Content-Type": "application/octet-stream",
      "Content-Length": size,
    });
    const down = head("GET", "/bench/large", headers);
    const rate = async (port: number, upwards: boolean): Promise<number> => {
      const job = upwards ? { head: up, body: size, expect: 201 } : { head: down, expect: 200 };
      const result = await load({ ...common, ...job, port });
      const perSecond = (result.requests * size) / 1e6 / result.seconds;
      bench.say(`${upwards ? "up" : "down"} ${perSecond.toFixed(0)} MB/s`);
      return perSecond;
    };
    const ports = { ours: client.tlsPort, bare: Number(/ready (\d+)/.exec(bare.output)?.[1]) };
    for (const port of Object.values(ports)) await rate(port, true);
    const sent = await interleave(bench.pairs, {
      ours: () => rate(ports.ours, true),
      bare: () => rate(ports.bare, true),
    });
    const got = await interleave(bench.pairs, {
      ours: () => rate(ports.ours, false),
      bare: () => rate(ports.bare, false),
    });
    return [
      compare("64 MiB blob up, MB/s: bare Node HTTPS server", sent.ours, sent.bare, ">= 0.8x"),
      compare("64 MiB blob down, MB/s: bare Node HTTPS server", got.ours, got.bare, ">= 0.8x"),
    ];
  },
};
