/** A gateway on a folder of its own, answering for a few hosts, for tests. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAzureHost } from "./names.ts";
import { json, type Reply, type Request } from "../kernel/message.ts";
import { type Certificates, openCertificates } from "./certificates.ts";
import { type Gateway, openGateway } from "./gateway.ts";
import type { GatewayOptions } from "./gateway-state.ts";

export const ownedHosts: ReadonlySet<string> = new Set([
  "acme.blob.core.windows.net",
  "login.microsoftonline.com",
  "169.254.169.254",
  "photos.localhost",
  "app.happy.westus.azurecontainerapps.io",
]);

/** Answers with what it saw of the request. */
export const echo = async (request: Request): Promise<Reply> =>
  json({
    method: request.method,
    host: request.host,
    path: request.rawPath,
    query: Object.fromEntries(request.query),
    secure: request.secure,
    app: request.connectionApp,
    headers: request.rawHeaders,
    body: (await request.body.bytes(1024 * 1024)).toString("latin1").slice(0, 100),
  });

export interface Bench extends AsyncDisposable {
  readonly folder: string;
  readonly certificates: Certificates;
  readonly gateway: Gateway;
  readonly errors: unknown[];
}

export const openBench = async (options: Partial<GatewayOptions> = {}): Promise<Bench> => {
  const folder = await mkdtemp(join(tmpdir(), "lanyard-edge-"));
  const certificates = await openCertificates({ folder: join(folder, "certificates") });
  const errors: unknown[] = [];
  const gateway = await openGateway({
    certificates,
    handle: echo,
    owner: (host) => (ownedHosts.has(host) ? "tenant" : isAzureHost(host) ? "azure-unknown" : "foreign"),
    postgresPort: () => undefined,
    accounts: (name) => (name === "app1" ? { secret: "s3cret", app: "app1" } : undefined),
    onError: (error) => errors.push(error),
    ...options,
  });
  return {
    folder,
    certificates,
    gateway,
    errors,
    [Symbol.asyncDispose]: async () => {
      await gateway.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** Sends raw bytes and gives back everything that comes until the other side closes, at most `milliseconds` later. */
export const exchange = (port: number, bytes: string | Uint8Array, milliseconds = 3_000): Promise<string> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket: Socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const timer = setTimeout(() => socket.destroy(), milliseconds);
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString("latin1"));
    });
    socket.write(bytes);
  });

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. A code of -1 means that it could not be started. */
export const run = (
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = { PATH: process.env["PATH"] ?? "" },
): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(command, args, { env, timeout: 20_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });

/** True when a program exists here; tests of foreign clients are skipped without it. */
export const available = async (command: string, ...args: readonly string[]): Promise<boolean> =>
  (await run(command, args)).code === 0;

export const basic = `Basic ${Buffer.from("app1:s3cret").toString("base64")}`;

const parseAnswer = (answer: string): { status: number; body: Record<string, unknown> } => {
  const [head = "", ...rest] = answer.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]),
    body: body.startsWith("{") ? (JSON.parse(body) as Record<string, unknown>) : {},
  };
};

/** One plain request, given as its lines. */
export const plain = async (port: number, lines: readonly string[]) =>
  parseAnswer(await exchange(port, `${[...lines, "Connection: close"].join("\r\n")}\r\n\r\n`));

/** The answer to a CONNECT; an empty credential sends none. */
export const connectTo = async (port: number, authority: string, credential = basic) => {
  const header = credential === "" ? "" : `Proxy-Authorization: ${credential}\r\n`;
  return parseAnswer(await exchange(port, `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${header}\r\n`, 300));
};
