/** A request and a reply, free of any HTTP server. `wire/` turns node:http messages into these and back. */
import type { Readable } from "node:stream";

export type Method = "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE" | "OPTIONS";

/** The body as it arrives at the edge: read at most once. */
export interface RawBody {
  /** Announced size in bytes, or undefined when chunked or absent. */
  readonly length: number | undefined;
  /** The raw bytes as they arrive. Ends with an error when the client breaks off. */
  stream(): Readable;
  /** All bytes. Rejects with `BodyTooLarge` beyond `limit` bytes, before reading when the announced size says so. */
  bytes(limit: number): Promise<Buffer>;
}

/** The body as a handler sees it, bounded by the operation's `bodyLimit`. */
export interface Body {
  readonly length: number | undefined;
  /** Raw bytes; more than the operation's limit ends the stream with a 413 fault. */
  stream(): Readable;
  bytes(): Promise<Buffer>;
  text(): Promise<string>;
  /** Parsed JSON; undefined for an empty body. Broken JSON is a 400 fault. */
  json(): Promise<unknown>;
  /** Parsed application/x-www-form-urlencoded. */
  form(): Promise<URLSearchParams>;
}

/** A body went beyond the limit it was read with. */
export class BodyTooLarge extends Error {
  readonly limit: number;
  constructor(limit: number) {
    super(`The body is larger than ${limit} bytes.`);
    this.name = "BodyTooLarge";
    this.limit = limit;
  }
}

/** The client broke off before the announced end of its body. */
export class BodyTruncated extends Error {
  constructor() {
    super("The client closed the connection before the end of the body.");
    this.name = "BodyTruncated";
  }
}

export interface Request {
  readonly method: Method;
  /** Lower-case host without port, e.g. `acme.blob.core.windows.net`. */
  readonly host: string;
  /** Path as sent (still percent-encoded), `//` kept, always begins with `/`. */
  readonly rawPath: string;
  /** Query as sent, without `?`. */
  readonly rawQuery: string;
  /** Decoded query. Names keep their case; use `queryValue` for case-insensitive look-ups. */
  readonly query: URLSearchParams;
  /** Header value by lower-case name; repeated headers joined with `, `. */
  header(name: string): string | undefined;
  /** Header names and values as sent, in order, case kept. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
  readonly body: RawBody;
  /** True when the client spoke TLS to the edge. */
  readonly secure: boolean;
  /** Address of the client. */
  readonly remoteAddress: string;
  /** The app or environment that the edge knows the connection by (proxy credential), if any. */
  readonly connectionApp: string | undefined;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

/** JSON objects are encoded by the writer; strings, bytes and streams go out as they are. */
export type ReplyBody =
  | { readonly json: unknown }
  | { readonly text: string; readonly type: string }
  | { readonly bytes: Uint8Array; readonly type?: string }
  | { readonly stream: Readable; readonly length?: number; readonly type?: string };

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: ReplyBody;
}

/** First value of a query parameter by case-insensitive name. */
export const queryValue = (request: Pick<Request, "query">, name: string): string | undefined => {
  const exact = request.query.get(name);
  if (exact !== null) return exact;
  const wanted = name.toLowerCase();
  for (const [key, value] of request.query) if (key.toLowerCase() === wanted) return value;
  return undefined;
};

/** A 200 with a JSON body. */
export const json = (value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers,
  body: { json: value },
});

export const empty = (status: number, headers: Readonly<Record<string, string>> = {}): Reply => ({ status, headers });
