/** One client connection, from its first byte to the end of its login. */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket, type SecureContext } from "node:tls";
import { ByteReader, Gone } from "./byte-reader.ts";
import { domain, type Gate } from "./gate.ts";
import { logIn, Refused, refuse } from "./login.ts";
import { cancelRequest, gssRequest, parseStartup, sslRequest, startupLimit } from "./protocol.ts";
import { splice } from "./splice.ts";

/** What a session needs of the front door that it came in by. */
export interface Surroundings {
  readonly gate: Gate;
  /** The server of the port that the connection came in by; undefined on the shared port. */
  readonly server: string | undefined;
  /** Milliseconds a client may take for everything before the login's end. Starting the server is not counted. */
  readonly patience: number;
  knows(server: string): boolean;
  /** The context to offer for a host name; `host` undefined for clients that name none. */
  context(host: string | undefined): Promise<SecureContext>;
  remember(key: Buffer, socketPath: string): () => void;
  cancel(body: Buffer, request: Buffer): void;
}

/** ProtocolNameList of the one protocol: a length byte, then the name. */
const alpn = Buffer.from("\u000apostgresql", "latin1");

/** How long a refused client may take to read why. */
const farewell = 2_000;

interface Deadline {
  pause(): void;
  restart(): void;
}

const deadline = (socket: Socket, patience: number): Deadline => {
  let timer: NodeJS.Timeout | undefined;
  const pause = (): void => clearTimeout(timer);
  const restart = (): void => {
    pause();
    timer = setTimeout(() => socket.destroy(), patience);
  };
  return { pause, restart };
};

/** The gate may have to start a cluster first; meanwhile the client's time stands still. */
const patientGate = (gate: Gate, clock: Deadline): Gate => ({
  ...gate,
  begin: async (attempt) => {
    clock.pause();
    try {
      return await gate.begin(attempt);
    } finally {
      clock.restart();
    }
  },
});

/** @returns the server that a host name means, if it is one of ours. */
export const serverOf = (host: string): string | undefined => {
  const name = host.toLowerCase();
  return name.endsWith(domain) ? name.slice(0, -domain.length) : undefined;
};

const chooseContext = async (
  surroundings: Surroundings,
  host: string,
  done: (error: Error | null, context?: SecureContext) => void,
): Promise<void> => {
  let context: SecureContext;
  try {
    context = await surroundings.context(host);
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  done(null, context);
};

const encrypt = async (socket: Socket, surroundings: Surroundings): Promise<TLSSocket> => {
  const context = await surroundings.context(undefined);
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: context,
    ALPNProtocols: alpn,
    SNICallback: (host, done) => {
      void chooseContext(surroundings, host, done);
    },
  });
  const established = Promise.withResolvers<void>();
  secure.once("secure", established.resolve);
  secure.once("close", () => established.reject(new Gone("The TLS handshake failed.")));
  secure.on("error", () => secure.destroy());
  await established.promise;
  return secure;
};

interface Opening {
  readonly stream: Duplex;
  readonly reader: ByteReader;
  readonly secure: TLSSocket | undefined;
  /** The StartupMessage, without its length. */
  readonly body: Buffer;
}

const invalid = new Refused({ code: "08P01", message: "invalid length of startup packet" });

const readPacket = async (reader: ByteReader): Promise<{ code: number; head: Buffer; body: Buffer }> => {
  const head = await reader.exactly(4);
  const length = head.readInt32BE(0);
  if (length < 8 || length > startupLimit) throw invalid;
  const body = await reader.exactly(length - 4);
  return { code: body.readInt32BE(0), head, body };
};

/**
 * Deals with everything that may come before the StartupMessage.
 * @returns undefined when the connection is over.
 */
const open = async (socket: Socket, surroundings: Surroundings, first: ByteReader): Promise<Opening | undefined> => {
  let reader = first;
  let secure: TLSSocket | undefined;
  const start = await reader.exactly(1);
  reader.unread(start);
  if (start[0] === 0x16) {
    // Direct TLS (libpq 17): the handshake begins at once, and must name the protocol so that no other one is let in.
    socket.unshift(reader.detach());
    secure = await encrypt(socket, surroundings);
    if (secure.alpnProtocol !== "postgresql") return undefined;
    reader = new ByteReader(secure);
  }
  for (;;) {
    const stream = secure ?? socket;
    const { code, head, body } = await readPacket(reader);
    if (code === cancelRequest) {
      surroundings.cancel(body, Buffer.concat([head, body]));
      return undefined;
    }
    if (code === gssRequest && secure === undefined) socket.write("N");
    else if (code === sslRequest && secure === undefined) {
      // Bytes sent before our answer would be plaintext taken for encrypted data (CVE-2021-23214).
      if (reader.detach().length > 0) return undefined;
      socket.write("S");
      secure = await encrypt(socket, surroundings);
      reader = new ByteReader(secure);
    } else return { stream, reader, secure, body };
  }
};

/** Sends the reason, then takes and drops what the client still sends: closing at once could lose the reason. */
const sayFarewell = (socket: Socket, stream: Duplex, { refusal, original }: Refused): void => {
  refuse(stream, refusal, original);
  stream.resume();
  stream.once("end", () => socket.destroySoon());
  const timer = setTimeout(() => socket.destroy(), farewell);
  socket.once("close", () => clearTimeout(timer));
};

const serve = async (socket: Socket, surroundings: Surroundings, first: ByteReader, gate: Gate): Promise<void> => {
  const opening = await open(socket, surroundings, first);
  if (opening === undefined) {
    socket.destroy();
    return;
  }
  const { stream, reader, secure, body } = opening;
  try {
    const startup = parseStartup(body);
    if (startup === undefined) throw new Refused({ code: "0A000", message: "unsupported frontend protocol" });
    const user = startup.parameters.get("user") ?? "";
    if (user === "")
      throw new Refused({ code: "28000", message: "no PostgreSQL user name specified in startup packet" });
    const database = startup.parameters.get("database") ?? user;
    if (secure === undefined) {
      // az 2.45 and people recognise this text; it is PostgreSQL's own for `hostssl` only.
      const message = `no pg_hba.conf entry for host "127.0.0.1", user "${user}", database "${database}", no encryption`;
      throw new Refused({ code: "28000", message });
    }
    const named = typeof secure.servername === "string" ? serverOf(secure.servername) : undefined;
    const server = named ?? surroundings.server;
    if (server === undefined || !surroundings.knows(server)) {
      const message =
        server === undefined
          ? "The client named no server in its TLS handshake (SNI). Connect by the server's host name or to the server's own port."
          : `There is no server ${server}${domain} here.`;
      throw new Refused({ code: "08006", message });
    }
    const done = await logIn(stream, reader, gate, { server, user, database }, startup);
    const forget = surroundings.remember(done.key, done.socketPath);
    stream.once("close", forget);
    splice(stream, done.upstream, reader.detach(), done.pending);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    reader.detach();
    sayFarewell(socket, stream, error);
  }
};

/** Serves one connection. Never throws: whatever a client sends ends at worst its own connection. */
export const handleConnection = async (socket: Socket, surroundings: Surroundings): Promise<void> => {
  socket.setNoDelay(true);
  // The end shows as "close"; an error without a listener would end the process.
  socket.on("error", () => socket.destroy());
  const clock = deadline(socket, surroundings.patience);
  clock.restart();
  const reader = new ByteReader(socket);
  try {
    await serve(socket, surroundings, reader, patientGate(surroundings.gate, clock));
  } catch (error) {
    if (error instanceof Refused) sayFarewell(socket, socket, error);
    else socket.destroy();
  } finally {
    clock.pause();
  }
};
