import { type AddressInfo, createServer as createNetServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type SecureContext } from "node:tls";
import { http as nodeHttp } from "../wire/http.ts";
import { connectionBook, type Door, newConnection, type Protocol, sniff } from "./connection.ts";
import { tunnelledAzureHosts } from "./names.ts";
import { openTunnel } from "./connect.ts";
import type { Credential } from "./proxy-credentials.ts";
import { answerUnreadable, serveExchange, serveUpgrade } from "./exchange.ts";
import type { GatewayOptions, GatewayState } from "./gateway-state.ts";
import { publicEgress } from "./tunnel.ts";

export interface Gateway extends AsyncDisposable {
  /** The port that wants proxy credentials: CONNECT, absolute-form, direct TLS by SNI, and the tenant's own paths. */
  readonly port: number;
  /** The port for clients that cannot send credentials: the tenant's own hosts, and no tunnels. */
  readonly openPort: number;
  /**
   * Direct TLS and nothing else, for the Node hook. Uploads cost a third less CPU than on the multiplexed port: bytes
   * read to see the protocol and handed on to TLS leave it with small read buffers for the connection's life.
   */
  readonly tlsPort: number;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

/** Tokens go up to some 27 kB (recorded with real clients); Node's default of 16 kB would refuse them. */
const maxHeaderSize = 64 * 1024;
/** Longer than the keep-alive of the SDKs' agents, so that they and not we close idle connections. */
const keepAliveTimeout = 75_000;

/** A reply up to this size does not have its connection wait for `drain`. */
const writableDepth = 8 * 1024 * 1024;

/**
 * Node's HTTP server pauses its parser when a request comes while an earlier reply waits for `drain`, and TLS goes on handing
 * it what was decrypted already: it fails with HPE_PAUSED and cuts the connection. Every fourth request of 100 KB after a
 * reply of that size ended so (node 24.21, another process as the client). TLS sockets of a server take no option for it.
 */
const deepen = (socket: Socket): void => {
  const state = (socket as unknown as { readonly _writableState?: { highWaterMark: number } })._writableState;
  if (state !== undefined) state.highWaterMark = writableDepth;
};

/** Opens the gateway: its three ports, on 127.0.0.1. */
export const openGateway = async (options: GatewayOptions): Promise<Gateway> => {
  const { certificates, accounts } = options;
  const book = connectionBook();
  const http = nodeHttp.createServer({
    maxHeaderSize,
    keepAliveTimeout,
    joinDuplicateHeaders: true,
    // JDK's HttpClient offers `Upgrade: h2c` on every plain request: only WebSockets are an upgrade here.
    shouldUpgradeCallback: (message) => message.headers.upgrade?.toLowerCase() === "websocket",
  });
  // Zero lifts Node's silent cut after 2000 headers; too many are refused aloud.
  http.maxHeadersCount = 0;
  // This server never listens itself; the event starts its sweep for requests that take too long to arrive.
  http.emit("listening");

  const tls = createTlsServer({
    key: certificates.server.key,
    cert: certificates.server.cert,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
    handshakeTimeout: 20_000,
    SNICallback: (name, done) => {
      void answerSni(name.toLowerCase(), options, done);
    },
  });
  tls.on("secureConnection", (socket) => {
    if (book.secured(socket) === undefined) {
      socket.destroy();
      return;
    }
    deepen(socket);
    http.emit("connection", socket);
  });
  // A failed handshake is the client's affair: it does not trust us, or speaks something else.
  tls.on("tlsClientError", (_error, socket) => socket.destroy());

  const state: GatewayState = {
    ...options,
    passthrough: new Set([...tunnelledAzureHosts, ...(options.passthrough ?? [])]),
    online: options.online ?? true,
    egress: options.egress ?? publicEgress,
    ports: [],
    connectionOf: (socket) => book.get(socket) ?? newConnection("open"),
    accept: (socket, connection, known) => {
      const serve = (protocol: Protocol, credential: Credential | undefined): void => {
        book.set(socket, credential === undefined ? connection : { ...connection, credential });
        (protocol === "tls" ? tls : http).emit("connection", socket);
      };
      if (known === undefined) sniff(socket, accounts, serve);
      else serve(known, undefined);
    },
  };
  http.on("request", (message, response) => serveExchange(state, message, response, false));
  http.on("checkContinue", (message, response) => serveExchange(state, message, response, true));
  http.on("connect", (message, socket, head) => void openTunnel(state, message, socket as Socket, head));
  http.on("upgrade", (message, socket, head) => void serveUpgrade(state, message, socket, head));
  http.on("clientError", (error, socket) => answerUnreadable(state, error, socket as Socket));

  const sockets = new Set<Socket>();
  const listen = (port: number, door: Door, protocol?: Protocol): Promise<Server> =>
    new Promise((resolve, reject) => {
      const server = createNetServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
        // Resets between two requests reach nobody else.
        socket.on("error", () => socket.destroy());
        state.accept(socket, newConnection(door), protocol);
      });
      server.once("error", reject);
      server.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
        server.off("error", reject);
        server.on("error", options.onError);
        resolve(server);
      });
    });
  const servers: Server[] = [];
  try {
    servers.push(await listen(options.port ?? 0, "proxy"));
    servers.push(await listen(options.openPort ?? 0, "open"));
    servers.push(await listen(options.tlsPort ?? 0, "open", "tls"));
  } catch (error) {
    for (const server of servers) server.close();
    http.close();
    throw error;
  }
  const [port = 0, openPort = 0, tlsPort = 0] = servers.map((server) => (server.address() as AddressInfo).port);
  state.ports = [port, openPort, tlsPort];

  const close = async (): Promise<void> => {
    const closed = servers.map((server) => new Promise((resolve) => void server.close(resolve)));
    http.close();
    tls.close();
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
  };
  return { port, openPort, tlsPort, close, [Symbol.asyncDispose]: close };
};

/** Presents the ready-made certificate, or one of its own for a deeper name that the tenant really has. */
const answerSni = async (
  host: string,
  { certificates, owner }: GatewayOptions,
  answer: (error: Error | null, context?: SecureContext) => void,
): Promise<void> => {
  try {
    const own = !certificates.covers(host) && (await owner(host)) === "tenant";
    answer(null, await certificates.contextFor(own ? host : "localhost"));
  } catch (error) {
    answer(error instanceof Error ? error : new Error(String(error)));
  }
};
