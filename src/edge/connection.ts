import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Credential, type ProxyAccounts, verifyAccount } from "./proxy-credentials.ts";

/** Which of the two ports a connection came in by. */
export type Door = "proxy" | "open";

/** What a connection speaks. */
export type Protocol = "tls" | "http";

/** What the gateway knows about one connection, from its first byte to its end. */
export interface Connection {
  readonly door: Door;
  /** The credential that came with the connection. Verified again for every request: apps go, secrets are rotated. */
  readonly credential: Credential | undefined;
  /** Host of the CONNECT request that opened this tunnel. */
  readonly tunnelHost: string | undefined;
  readonly secure: boolean;
  /** Answers not yet finished, newest last. */
  readonly pending: Set<ServerResponse>;
}

export const newConnection = (
  door: Door,
  known: Partial<Pick<Connection, "credential" | "tunnelHost" | "secure">> = {},
): Connection => ({ door, credential: undefined, tunnelHost: undefined, secure: false, ...known, pending: new Set() });

/**
 * Remembers what is known of sockets. A TLS socket is a new object over the same TCP connection, so it is found
 * by the connection's addresses.
 */
export const connectionBook = (): {
  set(socket: Socket, connection: Connection): void;
  get(socket: Socket): Connection | undefined;
  secured(socket: Socket): Connection | undefined;
} => {
  const bySocket = new WeakMap<Socket, Connection>();
  const byAddress = new Map<string, Connection>();
  const address = (socket: Socket): string => `${socket.remoteAddress}|${socket.remotePort}|${socket.localPort}`;
  return {
    set: (socket, connection) => {
      const key = address(socket);
      if (!bySocket.has(socket)) socket.once("close", () => byAddress.delete(key));
      bySocket.set(socket, connection);
      byAddress.set(key, connection);
    },
    get: (socket) => bySocket.get(socket),
    secured: (socket) => {
      const plain = byAddress.get(address(socket));
      if (plain === undefined) return undefined;
      const connection = { ...plain, secure: true };
      bySocket.set(socket, connection);
      return connection;
    },
  };
};

const tlsHandshake = 0x16;
const silenceMilliseconds = 60_000;

/**
 * Looks at a connection's first bytes, puts them back and says what it speaks. The Node hook opens plain
 * connections (IMDS) with one line of its own, `LANYARD name:secret`, which tells the app and is taken off here.
 * That line is the first write on a loopback connection, so it comes in one piece or is refused as bad HTTP.
 */
export const sniff = (
  socket: Socket,
  accounts: ProxyAccounts,
  speaks: (protocol: Protocol, credential: Credential | undefined) => void,
): void => {
  const drop = (): void => void socket.destroy();
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    socket.off("readable", onReadable).off("end", drop).off("timeout", drop);
    socket.setTimeout(0);
    if (chunk[0] === tlsHandshake) {
      socket.unshift(chunk);
      speaks("tls", undefined);
      return;
    }
    const preface = /^LANYARD ([^:\s]{1,128}):([^\s]{1,256})\r\n/.exec(chunk.toString("latin1", 0, 400));
    if (preface === null) {
      socket.unshift(chunk);
      speaks("http", undefined);
      return;
    }
    const credential = { name: preface[1] ?? "", secret: preface[2] ?? "" };
    if (verifyAccount(accounts, credential) === undefined) {
      socket.destroy();
      return;
    }
    const rest = chunk.subarray(preface[0].length);
    if (rest.length > 0) socket.unshift(rest);
    speaks("http", credential);
  };
  socket.setTimeout(silenceMilliseconds);
  socket.on("readable", onReadable).on("end", drop).on("timeout", drop);
};
