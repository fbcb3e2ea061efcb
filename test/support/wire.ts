/** Requests over real sockets to a tenant that is known by the environment it hands out. */
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { type Agent, request as httpsRequest } from "node:https";
import { connect as tcpConnect } from "node:net";
import { connect as tlsConnect } from "node:tls";

export interface Wire {
  /** The gateway's port. */
  readonly port: number;
  readonly ca: string;
  send(options: WireRequest): Promise<WireAnswer>;
  /** Bytes as they are, over TLS to a host of the tenant; everything that comes back until the end or the time is up. */
  raw(host: string, bytes: string | Uint8Array, milliseconds?: number): Promise<string>;
  /** The same to the gateway's port, without TLS. */
  plain(bytes: string | Uint8Array, milliseconds?: number): Promise<string>;
}

export interface WireRequest {
  readonly method?: string;
  readonly host: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string;
  readonly body?: string | Buffer;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly bytes: Buffer;
}

/**
 * @param env of `lanyard run`, `lanyard env` or the test library, for a `node` client
 * @param agent keeps connections; default: each request has its own
 */
export const wireOf = (env: Readonly<Record<string, string>>, agent?: Agent): Wire => {
  const { port } = JSON.parse(env["LANYARD_HOOK"] ?? "{}") as { port: number };
  const ca = readFileSync(env["NODE_EXTRA_CA_CERTS"] ?? "", "utf8");
  return {
    port,
    ca,
    send: ({ method = "GET", host, path, headers = {}, token, body }) =>
      new Promise((resolve, reject) => {
        const local = host === "127.0.0.1";
        const outgoing = (local ? httpRequest : httpsRequest)(
          {
            host: "127.0.0.1",
            port,
            ...(local ? {} : { servername: host, ca }),
            agent: local ? false : (agent ?? false),
            method,
            path,
            headers: {
              ...(local ? {} : { host }),
              ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
              ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
              ...headers,
            },
          },
          (answer) => {
            const chunks: Buffer[] = [];
            answer.on("data", (chunk: Buffer) => chunks.push(chunk));
            answer.on("error", reject);
            answer.on("end", () => {
              const bytes = Buffer.concat(chunks);
              resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: bytes.toString(), bytes });
            });
          },
        );
        outgoing.on("error", reject);
        outgoing.end(body);
      }),
    raw: (host, bytes, milliseconds = 5_000) =>
      converse(
        (ready) => {
          const socket = tlsConnect({ host: "127.0.0.1", port, servername: host, ca }, () => ready());
          return socket;
        },
        bytes,
        milliseconds,
      ),
    plain: (bytes, milliseconds = 5_000) =>
      converse(
        (ready) => tcpConnect({ host: "127.0.0.1", port, allowHalfOpen: true }, () => ready()),
        bytes,
        milliseconds,
      ),
  };
};

const converse = (
  open: (ready: () => void) => ReturnType<typeof tcpConnect>,
  bytes: string | Uint8Array,
  milliseconds: number,
): Promise<string> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = open(() => void socket.write(bytes));
    const timer = setTimeout(() => socket.destroy(), milliseconds);
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("end", () => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString("latin1"));
    });
  });
