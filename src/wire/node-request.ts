import type { IncomingMessage } from "node:http";
import type { Method, Request } from "../kernel/message.ts";
import { type IncomingBody, incomingBody } from "./node-body.ts";

/** What the edge knows about a request that the message itself does not say. */
export interface Arrival {
  /** Lower-case host without port. */
  readonly host: string;
  /** Path and query, origin-form. */
  readonly target: string;
  readonly secure: boolean;
  readonly connectionApp: string | undefined;
}

const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]);

/** Headers meant for the gateway itself; nobody behind it may see the credential. */
const hiddenHeaders: ReadonlySet<string> = new Set(["proxy-authorization", "proxy-connection"]);

/** Headers whose repetition lets two readers of one message disagree about it. */
const singleHeaders: ReadonlySet<string> = new Set([
  "host",
  "authorization",
  "content-length",
  "content-type",
  "expect",
  "proxy-authorization",
  "transfer-encoding",
  "x-identity-header",
  "x-ms-date",
  "x-ms-version",
]);

const maxHeaders = 200;

/** Why a message is refused before anything looks at what it asks for. */
export interface BadMessage {
  readonly status: 400 | 405 | 431 | 501;
  readonly code: string;
  readonly message: string;
}

const bad = (status: BadMessage["status"], code: string, message: string): BadMessage => ({ status, code, message });

/** Checks that need no knowledge of hosts or services. Undefined: the message is sound. */
export const inspectMessage = (message: IncomingMessage): BadMessage | undefined => {
  const { rawHeaders } = message;
  if (rawHeaders.length > maxHeaders * 2)
    return bad(431, "RequestHeaderFieldsTooLarge", `A request may carry at most ${maxHeaders} headers.`);
  if (!methods.has(message.method ?? ""))
    return bad(405, "MethodNotAllowed", `The method ${message.method} is not served.`);
  let seen: Set<string> | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    if (!singleHeaders.has(name)) continue;
    seen ??= new Set();
    if (seen.has(name)) return bad(400, "DuplicateHeader", `The header ${name} was sent more than once.`);
    seen.add(name);
  }
  const encoding = message.headers["transfer-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "chunked")
    return bad(501, "UnsupportedTransferEncoding", "The only transfer encoding served is chunked.");
  return undefined;
};

/** True for a path whose percent-encoding is sound UTF-8 without NUL; http.sys answers 400 to any other. */
export const soundPath = (path: string): boolean => {
  if (!path.startsWith("/")) return false;
  if (!path.includes("%")) return true;
  if (path.includes("%00")) return false;
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
};

/** A node:http message as the kernel sees it. Everything that costs is done when first asked for. */
export class NodeRequest implements Request {
  readonly method: Method;
  readonly host: string;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly secure: boolean;
  readonly connectionApp: string | undefined;
  readonly body: IncomingBody;
  readonly #message: IncomingMessage;
  #query: URLSearchParams | undefined;
  #headers: (readonly [string, string])[] | undefined;
  #abort: AbortController | undefined;

  constructor(message: IncomingMessage, arrival: Arrival, proceed?: () => void) {
    const { target } = arrival;
    const mark = target.indexOf("?");
    this.method = message.method as Method;
    this.host = arrival.host;
    this.rawPath = mark < 0 ? target : target.slice(0, mark);
    this.rawQuery = mark < 0 ? "" : target.slice(mark + 1);
    this.secure = arrival.secure;
    this.connectionApp = arrival.connectionApp;
    this.body = incomingBody(message, proceed);
    this.#message = message;
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.rawQuery);
    return this.#query;
  }

  get rawHeaders(): readonly (readonly [name: string, value: string])[] {
    if (this.#headers === undefined) {
      this.#headers = [];
      const raw = this.#message.rawHeaders;
      for (let index = 0; index + 1 < raw.length; index += 2) {
        const name = raw[index] as string;
        if (!hiddenHeaders.has(name.toLowerCase())) this.#headers.push([name, raw[index + 1] as string]);
      }
    }
    return this.#headers;
  }

  get remoteAddress(): string {
    return this.#message.socket.remoteAddress ?? "";
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      const { socket } = this.#message;
      this.#abort = abort;
      if (socket.destroyed) abort.abort();
      else {
        const gone = (): void => abort.abort();
        socket.once("close", gone);
        // Kept-alive connections outlive their requests: without this, each would leave a listener behind.
        this.#release = () => socket.off("close", gone);
      }
    }
    return this.#abort.signal;
  }

  #release: (() => void) | undefined;

  /** Ends the watch for the client's departure, once the reply is out. */
  release(): void {
    this.#release?.();
  }

  header(name: string): string | undefined {
    if (hiddenHeaders.has(name)) return undefined;
    const value = this.#message.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }
}
