/** Requests and answers of tests, straight into a kernel. */
import { memoryBody } from "../../kernel/invocation.ts";
import type { Method, Reply, Request } from "../../kernel/message.ts";

export interface Sent {
  readonly method?: Method;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Default: `acme.blob.core.windows.net`. */
  readonly host?: string;
  readonly secure?: boolean;
  readonly remoteAddress?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly code: string | undefined;
  readonly text: string;
  readonly bytes: Buffer;
}

export const bytesOf = async (reply: Reply): Promise<Buffer> => {
  const { body } = reply;
  if (body === undefined) return Buffer.alloc(0);
  if ("json" in body) return Buffer.from(JSON.stringify(body.json));
  if ("text" in body) return Buffer.from(body.text);
  if ("bytes" in body) return Buffer.from(body.bytes);
  return Buffer.concat((await body.stream.toArray()).map((chunk) => Buffer.from(chunk as Uint8Array)));
};

export const requestOf = (path: string, sent: Sent): Request => {
  const mark = path.indexOf("?");
  const rawQuery = mark < 0 ? "" : path.slice(mark + 1);
  const body = Buffer.from(sent.body ?? "");
  const rawHeaders = Object.entries({
    ...(body.length > 0 || (sent.method ?? "GET") === "PUT" ? { "Content-Length": String(body.length) } : {}),
    ...sent.headers,
  });
  const headers = new Map(rawHeaders.map(([name, value]) => [name.toLowerCase(), value]));
  return {
    method: sent.method ?? "GET",
    host: sent.host ?? "acme.blob.core.windows.net",
    rawPath: mark < 0 ? path : path.slice(0, mark),
    rawQuery,
    query: new URLSearchParams(rawQuery),
    header: (name) => headers.get(name),
    rawHeaders,
    body: headers.has("content-length") ? memoryBody(body) : { ...memoryBody(body), length: undefined },
    secure: sent.secure ?? true,
    remoteAddress: sent.remoteAddress ?? "127.0.0.1",
    connectionApp: undefined,
    signal: new AbortController().signal,
  };
};
