import { Readable } from "node:stream";
import type { Invocation } from "./call.ts";
import type { RawBody, Request } from "./message.ts";

/** A body already in memory. */
export const memoryBody = (bytes: Buffer): RawBody => ({
  length: bytes.length,
  stream: () => Readable.from(bytes.length === 0 ? [] : [bytes]),
  bytes: () => Promise.resolve(bytes),
});

const never = new AbortController().signal;

/** The request that an invocation stands for. It never left the process, so it counts as secure. */
export const invocationRequest = (invocation: Invocation): Request => {
  const mark = invocation.path.indexOf("?");
  const rawPath = mark === -1 ? invocation.path : invocation.path.slice(0, mark);
  const rawQuery = mark === -1 ? "" : invocation.path.slice(mark + 1);
  const body = memoryBody(Buffer.from(invocation.json === undefined ? "" : JSON.stringify(invocation.json)));
  const rawHeaders = Object.entries({ "content-type": "application/json", ...invocation.headers });
  const headers = new Map(rawHeaders.map(([name, value]) => [name.toLowerCase(), value]));
  return {
    method: invocation.method,
    host: invocation.host,
    rawPath,
    rawQuery,
    query: new URLSearchParams(rawQuery),
    header: (name) => headers.get(name),
    rawHeaders,
    body,
    secure: true,
    remoteAddress: "127.0.0.1",
    connectionApp: undefined,
    signal: never,
  };
};
