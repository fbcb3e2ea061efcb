import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Eventually, onceKnown } from "../kernel/eventually.ts";
import type { Reply } from "../kernel/message.ts";
import {
  type Arrival,
  edgeReply,
  inspectMessage,
  NodeRequest,
  refusalOf,
  refuseMessage,
  serveMessage,
} from "../wire/node-http.ts";
import type { Connection } from "./connection.ts";
import { destinationOf, sameOrigin } from "./destination.ts";
import type { GatewayState } from "./gateway-state.ts";
import { type Ownership, strangerReply } from "./ownership.ts";
import { proxyCredential, verifyAccount } from "./proxy-credentials.ts";
import { rawReply } from "./raw-reply.ts";
import { forward, Unreachable } from "./tunnel.ts";

/** Asks for the credential that the proxy URL of `lanyard run` and `lanyard env` carries. */
export const proxyChallenge: Reply = edgeReply(
  407,
  "ProxyAuthenticationRequired",
  "This proxy wants the credential in the proxy URL that `lanyard run` and `lanyard env` set.",
  { "Proxy-Authenticate": 'Basic realm="lanyard"' },
);

const crossOrigin: Reply = edgeReply(403, "CrossOriginRefused", "A page of another origin may not call this address.");

type Verdict =
  | { readonly kind: "serve"; readonly arrival: Arrival }
  | { readonly kind: "refuse"; readonly reply: Reply; readonly closing?: boolean }
  | { readonly kind: "forward"; readonly url: URL };

const refuse = (reply: Reply): Verdict => ({ kind: "refuse", reply });

const ignore = (): void => undefined;

/** Serves one request that node:http has parsed. */
export const serveExchange = (
  state: GatewayState,
  message: IncomingMessage,
  response: ServerResponse,
  awaiting: boolean,
): void => {
  const connection = state.connectionOf(message.socket);
  connection.pending.add(response);
  response.on("close", () => connection.pending.delete(response));
  // Broken connections show in the body and in `close`; without a listener they would end the process.
  message.on("error", ignore);
  response.on("error", ignore);
  const failed = (error: unknown): void => {
    state.onError(error);
    response.destroy();
  };
  try {
    const settled = onceKnown(judge(state, message, connection), (verdict) =>
      verdict.kind === "serve"
        ? serveMessage(message, response, verdict.arrival, awaiting, state.handle, state.onError)
        : turnAway(state, message, response, awaiting, verdict),
    );
    if (settled instanceof Promise) settled.catch(failed);
  } catch (error) {
    failed(error);
  }
};

/** Refuses, or hands the message on to the host that it is for. */
const turnAway = async (
  state: GatewayState,
  message: IncomingMessage,
  response: ServerResponse,
  awaiting: boolean,
  verdict: Exclude<Verdict, { kind: "serve" }>,
): Promise<void> => {
  if (verdict.kind === "refuse") {
    // Whoever sends such a message may disagree with us about where it ends.
    if (verdict.closing === true || verdict.reply.status === 400) response.setHeader("Connection", "close");
    return refuseMessage(message, response, verdict.reply, awaiting);
  }
  try {
    if (awaiting) response.writeContinue();
    await forward(message, response, verdict.url, state.egress);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    refuseMessage(message, response, edgeReply(error.status, "Unreachable", error.message), awaiting);
  }
};

/** Whether and as whom a message is served. */
const judge = (state: GatewayState, message: IncomingMessage, connection: Connection): Eventually<Verdict> => {
  const bad = inspectMessage(message);
  if (bad !== undefined) return { kind: "refuse", reply: refusalOf(bad), closing: true };
  const destination = destinationOf(message, connection, state.ports);
  if (destination.kind === "refused") return refuse(destination.reply);

  let { credential } = connection;
  if (destination.proxied !== undefined && destination.proxied !== false) {
    const given = proxyCredential(state.accounts, message.headers["proxy-authorization"]);
    if (given === undefined && destination.kind === "host" && connection.door === "proxy")
      return refuse(proxyChallenge);
    credential = given ?? credential;
  }
  const app = credential === undefined ? undefined : verifyAccount(state.accounts, credential)?.app;
  const arrival = (host: string): Verdict => ({
    kind: "serve",
    arrival: { host, target: destination.target, secure: connection.secure, connectionApp: app },
  });
  if (destination.kind === "own") return sameOrigin(message, state.ports) ? arrival("localhost") : refuse(crossOrigin);

  const conclude = (ownership: Ownership): Verdict => {
    if (ownership === "tenant") return arrival(destination.host);
    const { proxied } = destination;
    if (proxied === undefined) return refuse(strangerReply(destination.host, ownership));
    const barred = tunnelRefusal(state, connection, destination.host, ownership);
    return barred === undefined ? { kind: "forward", url: proxied } : refuse(barred);
  };
  return onceKnown(state.owner(destination.host), conclude);
};

/** Why traffic for a host that is not the tenant's stays here; undefined when it may go out. */
export const tunnelRefusal = (
  state: GatewayState,
  connection: Connection,
  host: string,
  ownership: Ownership,
): Reply | undefined => {
  const named = state.passthrough.has(host);
  if (ownership === "azure-unknown" && !named) return strangerReply(host, ownership);
  if (connection.door === "open")
    return edgeReply(
      403,
      "TunnelRefused",
      `This port answers for the tenant's own hosts only, and ${host} is not one.`,
    );
  if (!state.online) return edgeReply(403, "Offline", `${host} is outside the tenant, and the tenant runs offline.`);
  return undefined;
};

/** Hands a WebSocket request of a tenant's host to whoever takes upgrades. */
export const serveUpgrade = async (
  state: GatewayState,
  message: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> => {
  try {
    socket.on("error", () => socket.destroy());
    const connection = state.connectionOf(message.socket);
    const verdict = await judge(state, message, connection);
    if (verdict.kind === "refuse") return rawReply(socket, verdict.reply);
    if (verdict.kind === "forward" || state.upgrade === undefined)
      return rawReply(socket, edgeReply(501, "UpgradeNotSupported", "This connection cannot be upgraded."));
    state.upgrade(new NodeRequest(message, verdict.arrival), socket, head);
  } catch (error) {
    state.onError(error);
    socket.destroy();
  }
};

const unreadable: Readonly<Record<string, Reply>> = {
  HPE_HEADER_OVERFLOW: edgeReply(431, "RequestHeaderFieldsTooLarge", "The headers of the request are too large."),
  ERR_HTTP_REQUEST_TIMEOUT: edgeReply(408, "RequestTimeout", "The request did not arrive in time."),
};
const badRequest = edgeReply(400, "BadRequest", "The request is not valid HTTP.");

/** Answers a connection whose next request cannot be read, unless an answer is already on its way. */
export const answerUnreadable = (state: GatewayState, error: Error & { code?: string }, socket: Socket): void => {
  const { pending } = state.connectionOf(socket);
  const [oldest] = pending;
  if (error.code === "ECONNRESET") socket.destroy();
  else if (pending.size > 1) socket.destroy();
  // What was written of the answer goes out, and the connection ends behind it.
  else if (oldest?.headersSent === true) socket.destroySoon();
  else rawReply(socket, unreadable[error.code ?? ""] ?? badRequest);
};
