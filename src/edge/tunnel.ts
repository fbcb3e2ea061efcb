/** Carrying traffic to hosts that are not the tenant's: resolved once, checked, and connected by that very address. */
import { lookup } from "node:dns/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, isIP, type Socket } from "node:net";
import { type Duplex, pipeline } from "node:stream";
import { isPublicAddress } from "./public-address.ts";
import { http } from "../wire/http.ts";

/** Why a host was not reached. */
export class Unreachable extends Error {
  readonly status: 403 | 502 | 504;
  constructor(status: 403 | 502 | 504, message: string) {
    super(message);
    this.name = "Unreachable";
    this.status = status;
  }
}

export interface Egress {
  /** Addresses of a host. */
  resolve(host: string): Promise<readonly string[]>;
  /** May this address be connected to? */
  permits(address: string): boolean;
}

/** The machine's resolver; public addresses only. */
export const publicEgress: Egress = {
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  permits: isPublicAddress,
};

const connectMilliseconds = 10_000;

/** Addresses of `host` that may be connected to. @throws Unreachable */
const addressesOf = async (host: string, egress: Egress): Promise<readonly string[]> => {
  let addresses: readonly string[];
  try {
    addresses = isIP(host) > 0 ? [host] : await egress.resolve(host);
  } catch (error) {
    throw new Unreachable(
      502,
      `${host} does not resolve: ${error instanceof Error ? error.message : "no reason given"}.`,
    );
  }
  const open = addresses.filter((address) => egress.permits(address));
  if (open.length === 0)
    throw new Unreachable(
      403,
      `${host} is a loopback, private or link-local address, and the gateway forwards to none.`,
    );
  return open;
};

const dial = (address: string, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    const timer = setTimeout(
      () => socket.destroy(new Unreachable(504, `${address} did not answer in time.`)),
      connectMilliseconds,
    );
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });

/** Connects to `host`, trying its permitted addresses in order. @throws Unreachable */
export const reach = async (host: string, port: number, egress: Egress): Promise<Socket> => {
  let last: unknown;
  for (const address of await addressesOf(host, egress))
    try {
      return await dial(address, port);
    } catch (error) {
      last = error;
    }
  if (last instanceof Unreachable) throw last;
  throw new Unreachable(
    502,
    `${host}:${port} cannot be reached: ${last instanceof Error ? last.message : "no reason given"}.`,
  );
};

/** Connects two sockets until both directions have ended. */
export const bridge = (client: Duplex, server: Duplex): void => {
  const settle = (): void => {
    // Errors surface on either side; the pipelines have destroyed both by then.
  };
  pipeline(client, server, settle);
  pipeline(server, client, settle);
};

const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const endToEnd = (raw: readonly string[]): string[] => {
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2)
    if (!hopByHop.has((raw[index] as string).toLowerCase())) kept.push(raw[index] as string, raw[index + 1] as string);
  return kept;
};

/** Forwards one absolute-form request over plain HTTP. @throws Unreachable before anything was answered */
export const forward = async (
  message: IncomingMessage,
  response: ServerResponse,
  url: URL,
  egress: Egress,
): Promise<void> => {
  const port = url.port === "" ? 80 : Number(url.port);
  const socket = await reach(url.hostname.replaceAll(/^\[|\]$/g, ""), port, egress);
  const headers = endToEnd(message.rawHeaders).filter(
    (_, index, all) => all[index - (index % 2)]?.toLowerCase() !== "host",
  );
  await new Promise<void>((resolve, reject) => {
    const outgoing = http.request(
      {
        createConnection: () => socket,
        method: message.method ?? "GET",
        path: `${url.pathname}${url.search}`,
        headers: ["Host", url.host, ...headers],
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? "", endToEnd(answer.rawHeaders));
        pipeline(answer, response, () => resolve());
      },
    );
    outgoing.once("error", (error) => {
      if (!response.headersSent) reject(new Unreachable(502, `${url.host} broke the connection: ${error.message}.`));
      else {
        response.destroy();
        resolve();
      }
    });
    pipeline(message, outgoing, (error) => {
      if (error !== null && error !== undefined) outgoing.destroy(error);
    });
  });
};
