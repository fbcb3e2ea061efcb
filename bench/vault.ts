import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { head, load } from "./client.ts";
import { node, run, start } from "./processes.ts";
import { connect, createVault, startDetached } from "./product.ts";
import { compare, interleave, type Work } from "./work.ts";

const vault = "lanyardbench";
const host = `${vault}.vault.azure.net`;
const version = "api-version=7.5";
const seconds = 3;

/** What a server says about the connection is its own business, and chunks are told by a length. */
const connectionHeaders = ["connection", "keep-alive", "transfer-encoding", "date"];

/** Secrets read and digests signed over HTTPS with one token that was issued beforehand, 16 connections. */
export const keyVault: Work = {
  name: "vault",
  run: async (bench) => {
    const state = join(bench.scratch, "vault");
    await using _tenant = await startDetached(bench, state);
    const client = await connect(bench, state);
    const token = await createVault(client, vault);
    const at = (path: string): string => `https://${host}${path}?${version}`;
    await client.call("PUT", at("/secrets/bench"), { token, json: { value: "a connection string, say".repeat(4) } });
    await client.call("POST", at("/keys/bench/create"), { token, json: { kty: "RSA", key_size: 2048 } });
    const answer = await client.call("GET", at("/secrets/bench"), { token });

    const files = join(bench.scratch, "vault-files");
    mkdirSync(files);
    const [cert, key, same] = [join(files, "cert.pem"), join(files, "key.pem"), join(files, "answer.json")];
    writeFileSync(cert, client.certificate.cert, { mode: 0o600 });
    writeFileSync(key, client.certificate.key, { mode: 0o600 });
    const headers = Object.entries(answer.headers).filter(([name]) => !connectionHeaders.includes(name));
    writeFileSync(
      same,
      JSON.stringify({
        headers: { ...Object.fromEntries(headers), "content-length": String(Buffer.byteLength(answer.body)) },
        body: answer.body,
      }),
    );
    await using bare = await start(node, [join(import.meta.dirname, "bare.ts"), "same", same, cert, key], {
      ready: /ready \d+\n/,
    });

    const headersOf = {
      Host: host,
      Authorization: `Bearer ${token}`,
      "User-Agent": "azsdk-js-keyvault-secrets/4.11.1 core-rest-pipeline/1.22.0 Node/24",
      "x-ms-client-request-id": "2f7c5d1e-4a7c-4c1b-9a61-6a3a4a1d0b11",
      Accept: "application/json",
    };
    const common = { tls: { servername: host, ca: client.ca }, connections: 16, seconds, warm: 1.5, expect: 200 };
    const ask = async (what: string, port: number, request: string): Promise<number> => {
      const { perSecond, p50, p99 } = await load({ ...common, port, head: request });
      bench.say(`${what} ${perSecond.toFixed(0)}/s p50 ${p50.toFixed(2)} p99 ${p99.toFixed(2)} ms`);
      return perSecond;
    };
    const get = head("GET", `/secrets/bench?${version}`, headersOf);
    const read = await interleave(bench.pairs, {
      ours: () => ask("GET", client.tlsPort, get),
      bare: () => ask("bare", Number(/ready (\d+)/.exec(bare.output)?.[1]), get),
    });

    const body = JSON.stringify({ alg: "RS256", value: Buffer.alloc(32, 7).toString("base64url") });
    // The body is the same in every request, so it stands behind the head.
    const post = `${head("POST", `/keys/bench/sign?${version}`, {
      ...headersOf,
      "Content-Type": "application/json",
      "Content-Length": body.length,
    })}${body}`;
    const raw = async (): Promise<number> => {
      const perSecond = Number(await run(node, [join(import.meta.dirname, "sign.ts"), String(seconds)]));
      bench.say(`crypto.sign ${perSecond.toFixed(0)}/s`);
      return perSecond;
    };
    const signed = await interleave(bench.pairs, { ours: () => ask("sign", client.tlsPort, post), raw });
    return [
      compare("secret GET, warm token, requests/s: bare Node HTTPS server", read.ours, read.bare, ">= 0.5x"),
      compare("RSA-2048 sign over HTTPS, signatures/s: crypto.sign in one thread", signed.ours, signed.raw, ">= 0.8x"),
    ];
  },
};
