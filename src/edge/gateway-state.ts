/** What a gateway is given, and what the parts of an open one share. */
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import type { Reply, Request } from "../kernel/message.ts";
import type { Certificates } from "./certificates.ts";
import type { Connection, Protocol } from "./connection.ts";
import type { Owner } from "./ownership.ts";
import type { ProxyAccounts } from "./proxy-credentials.ts";
import type { Egress } from "./tunnel.ts";

export interface GatewayOptions {
  readonly certificates: Certificates;
  /** Answers every request for a host of the tenant and for the gateway's own address (host `localhost`). */
  readonly handle: (request: Request) => Promise<Reply>;
  readonly owner: Owner;
  /** Port on 127.0.0.1 of the PostgreSQL front door for a server's host; undefined when there is no such server. */
  readonly postgresPort: (host: string) => number | undefined | Promise<number | undefined>;
  readonly accounts: ProxyAccounts;
  /** Takes over WebSocket upgrades for hosts of the tenant: it writes the answer to the socket itself. */
  readonly upgrade?: (request: Request, socket: Duplex, head: Buffer) => void;
  /** Told of failures that are ours. */
  readonly onError: (error: unknown) => void;
  /** 0 or absent: any free port. */
  readonly port?: number;
  readonly openPort?: number;
  readonly tlsPort?: number;
  /** Azure hosts that are tunnelled to the real ones, besides the extension hosts of `az`. */
  readonly passthrough?: readonly string[];
  /** False refuses every tunnel. Default true. */
  readonly online?: boolean;
  readonly egress?: Egress;
}

/** What the parts of an open gateway share. */
export interface GatewayState extends Omit<GatewayOptions, "passthrough" | "online" | "egress"> {
  readonly passthrough: ReadonlySet<string>;
  readonly online: boolean;
  readonly egress: Egress;
  /** Own ports, known once it listens. */
  ports: readonly number[];
  connectionOf(socket: Socket): Connection;
  /** Serves a socket. Without a protocol, its first bytes say what it speaks. */
  accept(socket: Socket, connection: Connection, protocol?: Protocol): void;
}
