/**
 * The front end of App Service between a client and an app's port: plain HTTP/1.1 to the app, the public name kept in
 * Host, the front end's own headers added and never taken from the client, 230 s without response bytes at most.
 */
import { randomUUID } from "node:crypto";
import { Agent, type IncomingMessage, request as httpRequest } from "node:http";
import { PassThrough } from "node:stream";
import type { Duplex } from "node:stream";
import type { Reply, Request } from "../kernel/message.ts";
import { timeoutPage, unreachablePage } from "./pages.ts";

/** The part of a request that an upgrade to WebSocket has too. */
export type RequestHead = Pick<
  Request,
  "method" | "host" | "rawPath" | "rawQuery" | "rawHeaders" | "secure" | "remoteAddress"
>;

export interface ForwardTarget {
  readonly port: number;
  readonly site: string;
  /** e.g. `acme.azurewebsites.net`. */
  readonly defaultHostName: string;
  /** Value of the ARRAffinity cookies; undefined when client affinity is off. */
  readonly affinity?: string;
  /** Whose headers the app sees; default: App Service's. */
  readonly frontEnd?: "envoy";
  /** Default 230 000 ms. */
  readonly idleLimitMs?: number;
  /** Said to the app's log when it cannot be reached. */
  readonly say: (text: string) => void;
}

const agent = new Agent({ keepAlive: true, keepAliveMsecs: 5_000, timeout: 240_000 });

const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
]);

/** Only the front end may set these: an app trusts them. */
const frontEndHeader =
  /^(x-forwarded-|x-ms-client-principal|x-ms-token-|x-arr-|x-appservice-|x-client-(ip|port)$|client-ip$|disguised-host$|was-default-hostname$|x-site-deployment-id$|x-original-url$|x-waws-|max-forwards$)/i;

/** The same of Container Apps' front end. */
const envoyHeader = /^(x-envoy-|x-request-id$)/i;

type HeaderList = [string, string][];

/** Never of one connection only: without them the app would read a body as requests of its own (smuggling). */
const endToEnd = ["content-length", "host"];

/** Names that a Connection header declares to be about this connection only. */
const declared = (headers: RequestHead["rawHeaders"]): Set<string> => {
  const names = headers.flatMap(([name, value]) =>
    name.toLowerCase() === "connection" ? value.split(",").map((each) => each.trim().toLowerCase()) : [],
  );
  return new Set(names.filter((name) => !endToEnd.includes(name)));
};

const isFrontEnds = (name: string, { frontEnd }: ForwardTarget): boolean =>
  frontEndHeader.test(name) || (frontEnd === "envoy" && envoyHeader.test(name));

const headersToApp = (request: RequestHead, target: ForwardTarget): HeaderList => {
  const dropped = declared(request.rawHeaders);
  const kept: HeaderList = [];
  const forwardedFor: string[] = [];
  for (const [name, value] of request.rawHeaders) {
    const lower = name.toLowerCase();
    // WSGI servers turn both '-' and '_' into '_': an underscore would smuggle a header of the front end in.
    if (lower === "x-forwarded-for") forwardedFor.push(value);
    else if (hopByHop.has(lower) || dropped.has(lower) || isFrontEnds(lower.replaceAll("_", "-"), target)) continue;
    else kept.push([name, value]);
  }
  const address = request.remoteAddress.replace(/^::ffff:/, "");
  const client = `${address.includes(":") ? `[${address}]` : address}:0`;
  const url = request.rawPath + (request.rawQuery === "" ? "" : `?${request.rawQuery}`);
  const scheme = request.secure ? "https" : "http";
  if (target.frontEnd === "envoy")
    return [
      ...kept,
      ["X-Forwarded-For", [...forwardedFor, address].join(", ")],
      ["X-Forwarded-Proto", scheme],
      ["X-Envoy-External-Address", address],
      ["X-Request-Id", randomUUID()],
    ];
  const added: HeaderList = [
    ["X-Forwarded-For", [...forwardedFor, client].join(", ")],
    ["X-Forwarded-Proto", scheme],
    ["X-AppService-Proto", scheme],
    ["CLIENT-IP", client],
    ["X-Client-IP", address],
    ["X-Client-Port", "0"],
    ["DISGUISED-HOST", request.host],
    ["WAS-DEFAULT-HOSTNAME", target.defaultHostName],
    ["X-SITE-DEPLOYMENT-ID", target.site],
    ["X-Original-URL", url],
    ["X-WAWS-Unencoded-URL", url],
    ["X-ARR-LOG-ID", randomUUID()],
    ["Max-Forwards", "10"],
  ];
  if (request.secure) {
    const issuer = `CN=${target.defaultHostName}`;
    added.push(["X-ARR-SSL", `2048|256|${issuer}|${issuer}`], ["X-Forwarded-TlsVersion", "1.2"]);
  }
  return [...kept, ...added];
};

const affinityCookies = (target: ForwardTarget, request: RequestHead): string[] => {
  if (target.affinity === undefined) return [];
  const has = request.rawHeaders.some(
    ([name, value]) => name.toLowerCase() === "cookie" && value.includes("ARRAffinity="),
  );
  if (has) return [];
  const base = `=${target.affinity};Path=/;HttpOnly;${request.secure ? "Secure;" : ""}`;
  const domain = `Domain=${request.host}`;
  const plain = `ARRAffinity${base}${domain}`;
  return request.secure ? [plain, `ARRAffinitySameSite${base}SameSite=None;${domain}`] : [plain];
};

const pairs = (raw: readonly string[]): HeaderList => {
  const list: HeaderList = [];
  for (let at = 0; at + 1 < raw.length; at += 2) list.push([raw[at] ?? "", raw[at + 1] ?? ""]);
  return list;
};

const headersToClient = (message: IncomingMessage, cookies: readonly string[]): Record<string, string | string[]> => {
  const headers: Record<string, string | string[]> = {};
  const names = new Map<string, string>();
  const list: HeaderList = [
    ...pairs(message.rawHeaders),
    ...cookies.map((each): [string, string] => ["Set-Cookie", each]),
  ];
  for (const [name, value] of list) {
    const lower = name.toLowerCase();
    if (hopByHop.has(lower)) continue;
    const known = names.get(lower);
    if (known === undefined) {
      names.set(lower, name);
      headers[name] = value;
    } else headers[known] = [headers[known] ?? [], value].flat();
  }
  return headers;
};

/** True when the client announced a body; reading one that is not there would hold the request up. */
const hasBody = (request: Request): boolean =>
  (request.body.length ?? 0) > 0 || request.header("transfer-encoding") !== undefined;

/** With `setDefaultHeaders: false` (names must stay as sent) framing is ours to say. */
const framing = (request: Request): HeaderList => [
  ["Connection", "keep-alive"],
  ...(request.header("host") === undefined ? [["Host", request.host] as [string, string]] : []),
  ...(hasBody(request) && request.header("content-length") === undefined
    ? [["Transfer-Encoding", "chunked"] as [string, string]]
    : []),
];

class StaleConnection extends Error {}

const attempt = (request: Request, target: ForwardTarget, limit: number): Promise<Reply> =>
  new Promise<Reply>((resolve, reject) => {
    let answered = false;
    let timer: NodeJS.Timeout;
    const began = performance.now();
    const path = request.rawPath + (request.rawQuery === "" ? "" : `?${request.rawQuery}`);
    const upstream = httpRequest({
      agent,
      host: "127.0.0.1",
      port: target.port,
      method: request.method,
      path,
      headers: [...headersToApp(request, target), ...framing(request)].flat(),
      setDefaultHeaders: false,
    });
    const cut = () => {
      if (!answered) resolve(timeoutPage());
      answered = true;
      upstream.destroy(new Error("The app sent nothing within the time limit."));
    };
    const touch = () => {
      clearTimeout(timer);
      timer = setTimeout(cut, limit);
    };
    const gone = () => upstream.destroy(new Error("The client has gone away."));
    const done = () => {
      clearTimeout(timer);
      request.signal.removeEventListener("abort", gone);
    };
    touch();
    request.signal.addEventListener("abort", gone, { once: true });
    if (request.signal.aborted) gone();

    upstream.once("response", (message) => {
      touch();
      answered = true;
      const headers = headersToClient(message, affinityCookies(target, request));
      const status = message.statusCode ?? 502;
      if (request.method === "HEAD" || status === 204 || status === 304) {
        message.resume();
        message.once("close", done);
        return resolve({ status, headers });
      }
      const stream = new PassThrough();
      message.on("data", touch);
      message.once("close", () => {
        done();
        if (!message.complete) stream.destroy(new Error("The app broke off its response."));
      });
      stream.once("close", () => {
        // The client stopped reading: the app is told by a closed connection.
        if (!message.complete) upstream.destroy();
      });
      message.pipe(stream);
      resolve({ status, headers, body: { stream } });
    });
    upstream.once("error", (error) => {
      done();
      if (answered) return;
      answered = true;
      if (upstream.reusedSocket && !hasBody(request) && !request.signal.aborted) return reject(new StaleConnection());
      const took = (performance.now() - began).toFixed(3);
      target.say(
        `Failed to forward request to http://127.0.0.1:${target.port}. Encountered an error after ${took}ms with message: ${error.message}`,
      );
      resolve(unreachablePage());
    });
    if (hasBody(request)) {
      const body = request.body.stream();
      body.once("error", (error) => upstream.destroy(error));
      body.on("data", touch);
      body.pipe(upstream);
    } else upstream.end();
  });

/** Sends a request to an app and streams the answer back. Never rejects: what goes wrong is a page of the front end. */
export const forward = async (request: Request, target: ForwardTarget): Promise<Reply> => {
  const limit = target.idleLimitMs ?? 230_000;
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt(request, target, limit);
    } catch (error) {
      // The app closed an idle connection just as we used it again (keep-alive race): nothing reached it.
      if (!(error instanceof StaleConnection) || tries > 2) return unreachablePage();
    }
  }
};

const responseHead = (message: IncomingMessage, keep: (name: string) => boolean): string => {
  const lines = pairs(message.rawHeaders).flatMap(([name, value]) =>
    keep(name.toLowerCase()) ? [`${name}: ${value}`] : [],
  );
  return [`HTTP/1.1 ${message.statusCode} ${message.statusMessage ?? ""}`, ...lines, "", ""].join("\r\n");
};

/**
 * Forwards an upgrade (WebSocket) and joins both sockets. The client's socket is ours from here on.
 * @param head bytes that the client sent after its request head.
 */
export const forwardUpgrade = (request: RequestHead, socket: Duplex, head: Buffer, target: ForwardTarget): void => {
  const protocol = request.rawHeaders.find(([name]) => name.toLowerCase() === "upgrade")?.[1] ?? "websocket";
  const upstream = httpRequest({
    host: "127.0.0.1",
    port: target.port,
    method: request.method,
    path: request.rawPath + (request.rawQuery === "" ? "" : `?${request.rawQuery}`),
    headers: [...headersToApp(request, target), ["Connection", "Upgrade"], ["Upgrade", protocol]].flat(),
    setDefaultHeaders: false,
    agent: false,
  });
  const refuse = (status: string) => {
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  };
  socket.once("error", () => upstream.destroy());
  socket.once("close", () => upstream.destroy());
  upstream.setTimeout(target.idleLimitMs ?? 230_000, () => {
    upstream.destroy();
    refuse("504 Gateway Timeout");
  });
  upstream.once("upgrade", (message, appSocket, appHead) => {
    upstream.setTimeout(0);
    appSocket.setTimeout(0);
    socket.write(responseHead(message, () => true));
    if (appHead.length > 0) socket.write(appHead);
    if (head.length > 0) appSocket.write(head);
    appSocket.once("error", () => socket.destroy());
    appSocket.once("close", () => socket.destroy());
    socket.once("close", () => appSocket.destroy());
    appSocket.pipe(socket);
    socket.pipe(appSocket);
  });
  upstream.once("response", (message) => {
    socket.write(
      `${responseHead(message, (name) => !hopByHop.has(name) && name !== "content-length").slice(0, -2)}Connection: close\r\n\r\n`,
    );
    message.pipe(socket);
  });
  upstream.once("error", (error) => {
    target.say(`Failed to forward an upgrade to http://127.0.0.1:${target.port}: ${error.message}`);
    refuse("502 Bad Gateway");
  });
  upstream.end();
};
