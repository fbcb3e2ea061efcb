import type { IncomingMessage } from "node:http";
import type { Reply } from "../kernel/message.ts";
import { edgeReply, soundPath } from "../wire/node-http.ts";
import { type HostPort, isLoopbackName, parseHostPort } from "./authority-form.ts";
import type { Connection } from "./connection.ts";
import { imdsAddress } from "./names.ts";

/** What a message is addressed to. */
export type Destination =
  | { readonly kind: "refused"; readonly reply: Reply }
  /** The gateway's own address. Handlers see it as the host `localhost`. */
  | { readonly kind: "own"; readonly target: string; readonly proxied: boolean }
  | {
      readonly kind: "host";
      readonly host: string;
      readonly target: string;
      /** Set for a proxy request in absolute form over plain HTTP: the only kind that may be forwarded. */
      readonly proxied: URL | undefined;
    };

const refused = (status: number, code: string, message: string): Destination => ({
  kind: "refused",
  reply: edgeReply(status, code, message),
});

/**
 * Finds out whom a message is for, from its target, its `Host` and the way it came in.
 * Plain requests in origin form are answered only under loopback names with our own port: any other name means that
 * a web page had its host name re-bound to 127.0.0.1.
 * @param ports the gateway's own ports
 */
export const destinationOf = (
  message: IncomingMessage,
  connection: Connection,
  ports: readonly number[],
): Destination => {
  const target = message.url ?? "";
  const absolute = !target.startsWith("/");
  let url: URL | undefined;
  if (absolute) {
    url = URL.canParse(target) ? new URL(target) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "")
      return refused(400, "BadRequestTarget", "The request target is neither a path nor an http URL.");
  }
  const named = parseHostPort(url === undefined ? (message.headers.host ?? "") : url.host);
  if (named === undefined) return refused(400, "BadHost", "The Host of the request is missing or malformed.");
  const path = url === undefined ? target : pathOf(target);
  const mark = path.indexOf("?");
  if (!soundPath(mark < 0 ? path : path.slice(0, mark)))
    return refused(400, "InvalidUri", "The request path is not a valid percent-encoded UTF-8 path.");

  if (isLoopbackName(named.host)) return loopback(named, path, url !== undefined, ports);
  const proxied = url !== undefined && !connection.secure && connection.tunnelHost === undefined ? url : undefined;
  const direct = !connection.secure && connection.tunnelHost === undefined && url === undefined;
  if (direct && !plainName(named, ports))
    return refused(421, "HostNotAllowed", `Plain requests for ${named.host} are answered only through the proxy.`);
  return { kind: "host", host: named.host, target: path, proxied };
};

/** `{app}.localhost` with our port, and IMDS at its own address. No web page can make a browser send another's. */
const plainName = ({ host, port }: HostPort, ports: readonly number[]): boolean =>
  host === imdsAddress || (host.endsWith(".localhost") && port !== undefined && ports.includes(port));

const loopback = (named: HostPort, target: string, proxied: boolean, ports: readonly number[]): Destination =>
  named.port !== undefined && ports.includes(named.port)
    ? { kind: "own", target, proxied }
    : refused(403, "LoopbackRefused", "The gateway answers for its own loopback port and forwards to no other.");

/** Path and query of an absolute URL as sent: WHATWG parsing would normalise them. */
const pathOf = (target: string): string => {
  const start = target.indexOf("/", target.indexOf("//") + 2);
  const query = target.indexOf("?");
  if (start < 0 || (query >= 0 && query < start)) return query < 0 ? "/" : `/${target.slice(query)}`;
  return target.slice(start);
};

/** False for a request to the gateway's own address that a web page of another origin sent. */
export const sameOrigin = (message: IncomingMessage, ports: readonly number[]): boolean => {
  const { origin } = message.headers;
  if (origin === undefined) return true;
  const named = /^https?:\/\//.test(origin) ? parseHostPort(origin.slice(origin.indexOf("//") + 2)) : undefined;
  return named?.port !== undefined && isLoopbackName(named.host) && ports.includes(named.port);
};
