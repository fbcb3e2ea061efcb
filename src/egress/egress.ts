/**
 * Lanyard's own outgoing requests (federated issuers' documents). Default deny: https only, to the hosts of an allow-list,
 * never through a redirect, never to an address that is not public, within a size and a time.
 */
import { lookup } from "node:dns/promises";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { isPublicAddress } from "../edge/public-address.ts";

/** A request that was not made, or whose answer was not taken. */
export class EgressRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = "EgressRefused";
  }
}

export interface EgressOptions {
  /** `host` or `host:port` in lower case; everything else is refused. */
  readonly allow: readonly string[];
  /** Addresses of a host. Default: the machine's resolver. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** May this address be connected to? Default: public ones. */
  readonly permits?: (address: string) => boolean;
  /** Roots to trust instead of the machine's, PEM. */
  readonly ca?: string;
  /** For name, connection and answer together. */
  readonly milliseconds?: number;
}

export interface Egress {
  /** Gets a JSON document. @throws EgressRefused */
  json(url: string): Promise<unknown>;
}

const sizeLimit = 256 * 1024;

export const openEgress = (options: EgressOptions): Egress => {
  const { allow, permits = isPublicAddress, resolve = resolveHost, milliseconds = 5000 } = options;
  const get = async (text: string, signal: AbortSignal): Promise<unknown> => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== "https:" || url.username !== "" || url.password !== "")
      throw new EgressRefused(`${text.slice(0, 300)} is no https address.`);
    if (!allow.includes(url.host)) throw new EgressRefused(`${url.host} is not on the list of trusted hosts.`);
    const host = url.hostname.replaceAll(/^\[|\]$/g, "");
    const addresses = isIP(host) > 0 ? [host] : await resolve(host);
    // One private address among public ones is how a name is bent; it is not worth finding out which answers.
    if (addresses.length === 0 || !addresses.every(permits))
      throw new EgressRefused(`${host} has an address that is not on the public internet.`);
    const https = process.getBuiltinModule("node:https");
    const response = await new Promise<IncomingMessage>((done, failed) => {
      https
        .get(
          {
            host,
            // Those that were looked at, no others: each in turn, since a machine may reach one family only.
            lookup: (_host, { all }, found) => {
              const list = addresses.map((address) => ({ address, family: isIP(address) }));
              const [first = { address: host, family: 4 }] = list;
              if (all === true) found(null, list);
              else found(null, first.address, first.family);
            },
            servername: isIP(host) > 0 ? "" : host,
            port: url.port === "" ? 443 : Number(url.port),
            path: `${url.pathname}${url.search}`,
            headers: { host: url.host, accept: "application/json", "user-agent": "lanyard" },
            agent: false,
            signal,
            ...(options.ca === undefined ? {} : { ca: options.ca }),
          },
          done,
        )
        .once("error", failed);
    });
    try {
      const status = response.statusCode ?? 0;
      if (status >= 300 && status < 400)
        throw new EgressRefused(`${url.host} redirects, and redirects are not followed.`);
      if (status !== 200) throw new EgressRefused(`${url.host} answered ${status}.`);
      return parsed(await limited(response), url.host);
    } finally {
      response.destroy();
    }
  };
  return {
    json: async (url) => {
      const signal = AbortSignal.timeout(milliseconds);
      try {
        return await Promise.race([get(url, signal), ended(signal)]);
      } catch (error) {
        if (error instanceof EgressRefused) throw error;
        if (signal.aborted) throw new EgressRefused(`${hostOf(url)} did not answer within ${milliseconds} ms.`);
        throw new EgressRefused(
          `${hostOf(url)} cannot be reached: ${error instanceof Error ? error.message : "no reason"}.`,
        );
      }
    },
  };
};

const resolveHost = async (host: string): Promise<readonly string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address);

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : "The host");

const ended = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new EgressRefused("The time is up.")), { once: true });
  });

const limited = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > sizeLimit) throw new EgressRefused(`The document is larger than ${sizeLimit} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
};

const parsed = (text: string, host: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new EgressRefused(`${host} answered something that is no JSON.`);
  }
};
