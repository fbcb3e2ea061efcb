import { isIPv4, isIPv6 } from "node:net";

/** A host with a port, as CONNECT, `Host` and absolute-form targets name it. */
export interface HostPort {
  /** Lower case, without the brackets of IPv6 literals and without a trailing dot. */
  readonly host: string;
  readonly port: number | undefined;
}

const pattern = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})))(?::([0-9]{1,5}))?$/;

/** Parses `host[:port]`. Undefined: it is not one (user names, paths, odd characters, ports above 65535). */
export const parseHostPort = (text: string): HostPort | undefined => {
  const found = pattern.exec(text);
  if (found === null) return undefined;
  const [, literal, name, digits] = found;
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  if (literal !== undefined) return isIPv6(literal) ? { host: literal.toLowerCase(), port } : undefined;
  const host = (name as string).toLowerCase().replace(/\.$/, "");
  // `0x7f.1`, `2130706433` and the like are addresses to some resolvers: dotted quads only.
  if (/^(?:0x[0-9a-f]*|[0-9]+)$/.test(host.slice(host.lastIndexOf(".") + 1)) && !isIPv4(host)) return undefined;
  return { host, port };
};

/** True for the names by which a client reaches this very machine's loopback. */
export const isLoopbackName = (host: string): boolean => host === "localhost" || host === "127.0.0.1" || host === "::1";
