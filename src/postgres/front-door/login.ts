/** From a StartupMessage on an encrypted connection to a backend that is ready for queries. */
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { startExchange } from "../scram.ts";
import { ByteReader, Gone } from "./byte-reader.ts";
import type { Attempt, Gate } from "./gate.ts";
import {
  askCleartextPassword,
  fatal,
  negotiateDown,
  parseError,
  passwordLimit,
  saslInitialResponse,
  saslResponse,
  startupMessage,
  type Refusal,
  type Startup,
} from "./protocol.ts";

/** A login that worked: everything from here on is passed through unread. */
export interface Established {
  readonly upstream: Socket;
  /** What PostgreSQL sent beyond its ReadyForQuery. */
  readonly pending: Buffer;
  /** Body of BackendKeyData: the key of cancel requests. */
  readonly key: Buffer;
  readonly socketPath: string;
}

/** Ends a login with a message to the client. */
export class Refused extends Error {
  readonly refusal: Refusal;
  /** PostgreSQL's own message, to be passed on as it is. */
  readonly original: Buffer | undefined;
  /** The gate decided this, so it is on record already. */
  readonly recorded: boolean;

  constructor(refusal: Refusal, { original, recorded = false }: { original?: Buffer; recorded?: boolean } = {}) {
    super(refusal.message);
    this.name = "Refused";
    this.refusal = refusal;
    this.original = original;
    this.recorded = recorded;
  }
}

interface Client {
  readonly stream: Duplex;
  readonly reader: ByteReader;
}

interface Backend {
  readonly socket: Socket;
  readonly reader: ByteReader;
}

/** Messages that PostgreSQL sends during a login; error texts are the longest. */
const upstreamLimit = 128 * 1024;
const saslLimit = 16 * 1024;

const failure = (message: string): Refused => new Refused({ code: "08006", message });

const protocolViolation = (message: string): Refused => new Refused({ code: "08P01", message });

/** Opens the cluster's socket; the caller destroys it when the login fails. */
const openBackend = async (socketPath: string, parameters: ReadonlyMap<string, string>): Promise<Backend> => {
  const socket = connect({ path: socketPath });
  const opened = Promise.withResolvers<void>();
  socket.once("connect", opened.resolve);
  socket.once("error", opened.reject);
  try {
    await opened.promise;
  } catch {
    throw failure("The server is not accepting connections.");
  }
  // From here on an error shows as the end of the stream.
  socket.on("error", () => socket.destroy());
  socket.write(startupMessage(parameters));
  return { socket, reader: new ByteReader(socket) };
};

const readPassword = async (client: Client, limit: number): Promise<{ body: Buffer; whole: Buffer }> => {
  let received: Awaited<ReturnType<ByteReader["message"]>>;
  try {
    received = await client.reader.message(limit);
  } catch (error) {
    if (error instanceof RangeError) throw protocolViolation("invalid password packet size");
    throw error;
  }
  if (received.type !== "p") {
    throw protocolViolation(`expected password response, got message type ${received.type.charCodeAt(0)}`);
  }
  return received;
};

/** Reads upstream until authentication ends or the next `R`; everything else goes to the client. */
const nextAuthentication = async (
  client: Client,
  backend: Backend,
): Promise<{ code: number; body: Buffer; whole: Buffer }> => {
  for (;;) {
    const received = await backend.reader.message(upstreamLimit);
    if (received.type === "R" && received.body.length >= 4) {
      return { code: received.body.readInt32BE(0), body: received.body.subarray(4), whole: received.whole };
    }
    if (received.type === "E") throw new Refused(parseError(received.body), { original: received.whole });
    client.stream.write(received.whole);
  }
};

/** Proves the role's secret to PostgreSQL. @throws Refused with 28P01 when the role's password was changed meanwhile. */
const proveSecret = async (client: Client, backend: Backend, secret: string): Promise<void> => {
  const exchange = startExchange(secret);
  const offer = await nextAuthentication(client, backend);
  if (offer.code !== 10) throw failure("The server did not ask for SCRAM.");
  backend.socket.write(saslInitialResponse("SCRAM-SHA-256", exchange.first));
  const challenge = await nextAuthentication(client, backend);
  if (challenge.code !== 11) throw failure("The server broke off SCRAM.");
  backend.socket.write(saslResponse(exchange.final(challenge.body.toString("utf8"))));
  const final = await nextAuthentication(client, backend);
  if (final.code !== 12 || !exchange.proves(final.body.toString("utf8")))
    throw failure("The server did not prove itself.");
  const accepted = await nextAuthentication(client, backend);
  if (accepted.code !== 0) throw failure("The server asked for more than SCRAM.");
  client.stream.write(accepted.whole);
};

/** Passes SCRAM between client and PostgreSQL. Nothing but a completed exchange is an accepted login. */
const relayPassword = async (client: Client, backend: Backend): Promise<void> => {
  let proven = false;
  for (;;) {
    const request = await nextAuthentication(client, backend);
    if (request.code === 0 && proven) {
      client.stream.write(request.whole);
      return;
    }
    if (request.code !== 10 && request.code !== 11 && request.code !== 12) {
      throw failure("The server asked for something else than SCRAM.");
    }
    client.stream.write(request.whole);
    if (request.code === 12) proven = true;
    else backend.socket.write((await readPassword(client, saslLimit)).whole);
  }
};

/** After authentication: parameters, the cancel key, and ReadyForQuery. */
const untilReady = async (client: Client, backend: Backend): Promise<Buffer> => {
  let key = Buffer.alloc(0);
  for (;;) {
    const { type, body, whole } = await backend.reader.message(upstreamLimit);
    if (type === "E") throw new Refused(parseError(body), { original: whole });
    client.stream.write(whole);
    if (type === "K") key = Buffer.from(body);
    if (type === "Z") return key;
  }
};

const readToken = async (client: Client): Promise<string> => {
  client.stream.write(askCleartextPassword);
  const { body } = await readPassword(client, passwordLimit);
  const end = body.indexOf(0);
  return body.subarray(0, end === -1 ? body.length : end).toString("utf8");
};

const wrongPassword = "28P01";

/** Opens a backend and authenticates; a login that fails leaves no socket behind. */
const attempted = async (
  socketPath: string,
  parameters: ReadonlyMap<string, string>,
  authenticate: (backend: Backend) => Promise<void>,
): Promise<Backend> => {
  const backend = await openBackend(socketPath, parameters);
  try {
    await authenticate(backend);
    return backend;
  } catch (error) {
    backend.socket.destroy();
    throw error;
  }
};

interface Authenticated {
  readonly backend: Backend;
  readonly socketPath: string;
  /** Object id of the principal whose token it was. */
  readonly oid?: string;
}

const withToken = async (client: Client, gate: Gate, attempt: Attempt, startup: Startup): Promise<Authenticated> => {
  const token = await readToken(client);
  for (const renew of [false, true]) {
    const admission = await gate.token(attempt, token, renew);
    if (!admission.ok) throw new Refused(admission.refusal, { recorded: true });
    const { user, secret, socketPath, oid } = admission;
    const parameters = new Map(startup.parameters).set("user", user);
    try {
      const backend = await attempted(socketPath, parameters, (opened) => proveSecret(client, opened, secret));
      return { backend, socketPath, oid };
    } catch (error) {
      // A role may change its own password; then the product's secret is void and is made anew, once.
      if (renew || !(error instanceof Refused) || error.refusal.code !== wrongPassword) throw error;
    }
  }
  throw failure("The login could not be completed.");
};

const withPassword = async (
  client: Client,
  { user, socketPath }: { readonly user: string; readonly socketPath: string },
  startup: Startup,
): Promise<Authenticated> => {
  const parameters = new Map(startup.parameters).set("user", user);
  return { backend: await attempted(socketPath, parameters, (opened) => relayPassword(client, opened)), socketPath };
};

/**
 * Logs a client in.
 * @throws Refused with what to tell the client; Gone when there is nobody to tell.
 */
export const logIn = async (
  stream: Duplex,
  reader: ByteReader,
  gate: Gate,
  attempt: Attempt,
  startup: Startup,
): Promise<Established> => {
  const client: Client = { stream, reader };
  const admission = await gate.begin(attempt);
  if (admission.kind === "refused") throw new Refused(admission.refusal, { recorded: true });
  let backend: Backend | undefined;
  const close = (): void => {
    backend?.socket.destroy();
  };
  stream.once("close", close);
  try {
    if (startup.minor > 0 || startup.options.length > 0) stream.write(negotiateDown(startup.options));
    const authenticated =
      admission.kind === "token"
        ? await withToken(client, gate, attempt, startup)
        : await withPassword(client, admission, startup);
    backend = authenticated.backend;
    if (stream.destroyed) throw new Gone("The client went away.");
    const key = await untilReady(client, backend);
    gate.outcome(attempt, true, "authenticated", authenticated.oid);
    return { upstream: backend.socket, pending: backend.reader.detach(), key, socketPath: authenticated.socketPath };
  } catch (error) {
    close();
    if (error instanceof Refused && !error.recorded) {
      gate.outcome(attempt, false, `${error.refusal.code} ${error.refusal.message}`);
    }
    throw error;
  } finally {
    stream.off("close", close);
  }
};

export const refuse = (stream: Duplex, refusal: Refusal, original?: Buffer): void => {
  stream.end(original ?? fatal(refusal));
};
