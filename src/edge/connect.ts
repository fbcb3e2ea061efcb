import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { edgeReply } from "../wire/node-http.ts";
import { isLoopbackName, parseHostPort } from "./authority-form.ts";
import { newConnection } from "./connection.ts";
import { proxyChallenge, tunnelRefusal } from "./exchange.ts";
import type { GatewayState } from "./gateway-state.ts";
import { proxyCredential } from "./proxy-credentials.ts";
import { rawReply } from "./raw-reply.ts";
import { bridge, type Egress, reach, Unreachable } from "./tunnel.ts";

const established = "HTTP/1.1 200 Connection Established\r\n\r\n";

/** Only for front doors of our own, whose ports we know. */
const loopbackEgress: Egress = { resolve: async () => ["127.0.0.1"], permits: (address) => address === "127.0.0.1" };

/**
 * Serves CONNECT: ends the tunnel here for hosts of the tenant, bridges to the PostgreSQL front door for its servers,
 * carries it to the named host for everybody else's, and refuses the rest with a reason.
 */
export const openTunnel = async (
  state: GatewayState,
  message: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> => {
  socket.on("error", () => socket.destroy());
  try {
    await tunnel(state, message, socket, head);
  } catch (error) {
    if (error instanceof Unreachable) rawReply(socket, edgeReply(error.status, "Unreachable", error.message));
    else {
      state.onError(error);
      socket.destroy();
    }
  }
};

const tunnel = async (state: GatewayState, message: IncomingMessage, socket: Socket, head: Buffer): Promise<void> => {
  const connection = state.connectionOf(socket);
  if (connection.secure || connection.tunnelHost !== undefined)
    return rawReply(socket, edgeReply(405, "MethodNotAllowed", "CONNECT is not served inside a tunnel."));
  const credential = proxyCredential(state.accounts, message.headers["proxy-authorization"]);
  if (connection.door === "proxy" && credential === undefined) return rawReply(socket, proxyChallenge);
  const named = parseHostPort(message.url ?? "");
  if (named?.port === undefined)
    return rawReply(socket, edgeReply(400, "BadRequestTarget", "CONNECT wants HOST:PORT."));
  const { host, port } = named;
  const open = (): void => {
    if (head.length > 0) socket.unshift(head);
    socket.write(established);
  };
  const carry = async (address: string, egress: Egress, to: number): Promise<void> => {
    const far = await reach(address, to, egress);
    open();
    bridge(socket, far);
  };

  if (port === 5432) {
    const front = await state.postgresPort(host);
    if (front !== undefined) return carry("localhost", loopbackEgress, front);
  }
  const self = isLoopbackName(host) && state.ports.includes(port);
  const ownership = isLoopbackName(host) ? "foreign" : await state.owner(host);
  if (self || (ownership === "tenant" && (port === 443 || port === 80))) {
    open();
    const opened = newConnection(connection.door, { credential, tunnelHost: self ? undefined : host });
    // A client that waited for our answer starts with its TLS greeting: nothing has to be read to know.
    state.accept(socket, opened, port === 443 && head.length === 0 ? "tls" : undefined);
    return;
  }
  if (ownership === "tenant")
    return rawReply(socket, edgeReply(403, "PortRefused", `The tenant does not answer for ${host} on port ${port}.`));
  const barred = tunnelRefusal(state, connection, host, ownership);
  if (barred !== undefined) return rawReply(socket, barred);
  return carry(host, state.egress, port);
};
