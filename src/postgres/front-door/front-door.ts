/**
 * The TLS front door of all servers: one shared port that routes by the host name in the TLS handshake, and one port per
 * server for clients that name none. Loopback only.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import { domain, type Gate } from "./gate.ts";
import { handleConnection, serverOf, type Surroundings } from "./session.ts";

const address = "127.0.0.1";

const defaultPatience = 10_000;

/** Connections whose login is not decided; beyond it new ones are dropped. */
const undecidedLimit = 256;

const listen = async (server: Server, port: number): Promise<void> => {
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen({ host: address, port, backlog: 256 }, listening.resolve);
  await listening.promise;
  server.off("error", listening.reject);
};

const portOf = (server: Server): number => {
  const at = server.address();
  return typeof at === "object" && at !== null ? at.port : 0;
};

const close = async (server: Server): Promise<void> =>
  new Promise((done) => {
    server.close(() => done());
  });

export class FrontDoor {
  readonly #gate: Gate;
  readonly #patience: number;
  readonly #contexts = new Map<string, Promise<SecureContext>>();
  readonly #servers = new Map<string, Server>();
  /** Cancel keys (hex) to the socket of the cluster that gave them out; one client's request finds its server by it. */
  readonly #keys = new Map<string, string>();
  readonly #sockets = new Map<Socket, string | undefined>();
  #shared: Server | undefined;
  #undecided = 0;

  /** @param patience milliseconds that a client may take to log in. */
  constructor(gate: Gate, patience = defaultPatience) {
    this.#gate = gate;
    this.#patience = patience;
  }

  /**
   * Opens the shared port.
   * @param preferred tried in order, e.g. [5432]; when none is free the system chooses. @returns the port.
   */
  async open(preferred: readonly number[]): Promise<number> {
    this.#shared = await this.#listener(undefined, preferred);
    return portOf(this.#shared);
  }

  /** Opens a server's own port. @returns the port. */
  async add(name: string, preferred: readonly number[]): Promise<number> {
    const existing = this.#servers.get(name);
    if (existing !== undefined) return portOf(existing);
    const server = await this.#listener(name, preferred);
    this.#servers.set(name, server);
    return portOf(server);
  }

  /** Closes a server's port and its connections. */
  async remove(name: string): Promise<void> {
    const server = this.#servers.get(name);
    if (server === undefined) return;
    this.#servers.delete(name);
    this.#contexts.delete(`${name}${domain}`);
    for (const [socket, owner] of this.#sockets) if (owner === name) socket.destroy();
    await close(server);
  }

  async close(): Promise<void> {
    const servers = [...this.#servers.values(), ...(this.#shared === undefined ? [] : [this.#shared])];
    this.#servers.clear();
    this.#shared = undefined;
    const closed = servers.map(close);
    for (const socket of this.#sockets.keys()) socket.destroy();
    await Promise.all(closed);
  }

  async #listener(name: string | undefined, preferred: readonly number[]): Promise<Server> {
    for (const port of [...preferred, 0]) {
      const server = createServer({ noDelay: true }, (socket) => this.#accept(socket, name));
      try {
        await listen(server, port);
        // Running out of file descriptors must not end the process.
        server.on("error", () => {});
        return server;
      } catch (error) {
        if (port === 0) throw error;
      }
    }
    throw new Error("No port could be opened.");
  }

  #accept(socket: Socket, server: string | undefined): void {
    if (this.#undecided >= undecidedLimit) {
      socket.on("error", () => {});
      socket.destroy();
      return;
    }
    this.#undecided += 1;
    this.#sockets.set(socket, server);
    socket.once("close", () => this.#sockets.delete(socket));
    void handleConnection(socket, this.#surroundings(socket, server)).finally(() => {
      this.#undecided -= 1;
    });
  }

  #surroundings(socket: Socket, server: string | undefined): Surroundings {
    return {
      gate: this.#gate,
      server,
      patience: this.#patience,
      knows: (name) => {
        const known = this.#servers.has(name);
        if (known) this.#sockets.set(socket, name);
        return known;
      },
      context: (host) => this.#context(host, server),
      remember: (key, socketPath) => {
        const name = key.toString("hex");
        if (name !== "") this.#keys.set(name, socketPath);
        return () => this.#keys.delete(name);
      },
      cancel: (body, request) => this.#cancel(body, request),
    };
  }

  /** A host of ours has its own certificate; everybody else sees the port's server, or localhost on the shared port. */
  async #context(host: string | undefined, server: string | undefined): Promise<SecureContext> {
    const named = host === undefined ? undefined : serverOf(host);
    const owner = named !== undefined && this.#servers.has(named) ? named : server;
    const subject = owner === undefined ? "localhost" : `${owner}${domain}`;
    const cached = this.#contexts.get(subject);
    if (cached !== undefined) return cached;
    const made = this.#gate
      .certificate(subject)
      .then(({ cert, key }) => createSecureContext({ cert, key, minVersion: "TLSv1.2" }));
    this.#contexts.set(subject, made);
    made.catch(() => this.#contexts.delete(subject));
    return made;
  }

  /** The request goes to the cluster that gave the key out, unchanged. There is never an answer. */
  #cancel(body: Buffer, request: Buffer): void {
    const socketPath = this.#keys.get(body.subarray(4).toString("hex"));
    if (socketPath === undefined) return;
    const backend = connect({ path: socketPath });
    backend.on("error", () => backend.destroy());
    backend.end(request);
    backend.resume();
  }
}
