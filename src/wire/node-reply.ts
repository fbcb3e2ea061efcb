import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import type { Reply } from "../kernel/message.ts";
import type { IncomingBody } from "./node-body.ts";

/** How much of an unread body is swallowed so that the client can read the answer, and for how long. */
const drainBytes = 8 * 1024 * 1024;
const drainMilliseconds = 2_000;
/** An unread body up to this size does not cost the client its connection. */
const keepAliveBytes = 64 * 1024;

/** Connection management is this server's business, whatever the one behind it said. */
const hopByHop: ReadonlySet<string> = new Set(["connection", "keep-alive", "transfer-encoding", "proxy-connection"]);

/** A body up to this size goes out in one write with its head: two buffers would be two pieces to put together. */
const joinedBytes = 8 * 1024;

const bodiless = (status: number): boolean => status === 204 || status === 304;

/**
 * Writes a reply to a node:http response and settles what is left of the request's body.
 * @throws when the reply itself cannot be written (bad header characters, bad status); nothing was sent then
 */
export const writeReply = (
  message: IncomingMessage,
  response: ServerResponse,
  body: IncomingBody,
  reply: Reply,
): void => {
  const headers: OutgoingHttpHeaders = {};
  let typed = false;
  let sized = false;
  const given = reply.headers;
  if (given !== undefined)
    for (const name in given) {
      const value = given[name];
      if (value === undefined) continue;
      const lower = name.toLowerCase();
      if (lower === "content-type") typed = true;
      else if (lower === "content-length") sized = true;
      else if (hopByHop.has(lower)) continue;
      headers[name] = value as string | string[];
    }

  const content = reply.body;
  let payload: string | Uint8Array | undefined;
  let type: string | undefined;
  let length: number | undefined;
  // ASCII is the same in both encodings, and node writes Latin-1 at half the cost; text is joined with the head.
  let encoding: "utf8" | "latin1" = "utf8";
  if (content === undefined) length = 0;
  else if ("json" in content) {
    payload = JSON.stringify(content.json);
    type = "application/json; charset=utf-8";
    length = Buffer.byteLength(payload);
  } else if ("text" in content) {
    payload = content.text;
    type = content.type;
    length = Buffer.byteLength(payload);
  } else if ("bytes" in content) {
    payload = content.bytes;
    type = content.type;
    length = payload.byteLength;
    if (length > 0 && length <= joinedBytes) {
      payload = Buffer.from(payload.buffer, payload.byteOffset, length).toString("latin1");
      encoding = "latin1";
    }
  } else {
    type = content.type;
    length = content.length;
  }
  if (typeof payload === "string" && payload.length === length) encoding = "latin1";
  if (!typed && type !== undefined) headers["Content-Type"] = type;
  if (!sized && length !== undefined && !bodiless(reply.status)) headers["Content-Length"] = length;

  const leftover = leftoverOf(message, body);
  if (leftover !== "none") headers["Connection"] = "close";
  response.writeHead(reply.status, headers);

  if (content !== undefined && "stream" in content) {
    const { stream } = content;
    if (message.method === "HEAD" || bodiless(reply.status)) {
      stream.destroy();
      response.end();
      return;
    }
    pipeline(stream, response, (error) => {
      // The status is out already: a broken connection is the only honest way left to say that the body is not whole.
      if (error !== null && error !== undefined) response.destroy();
    });
    return;
  }
  const silent = message.method === "HEAD" || bodiless(reply.status) || payload === undefined;
  if (leftover === "drain") {
    if (!silent) response.write(payload, encoding);
    else response.flushHeaders();
    drain(message, () => response.end());
  } else if (silent) response.end();
  else response.end(payload, encoding);
};

/** What to do about a body that the handler did not read: nothing, close after the reply, or swallow some first. */
const leftoverOf = (message: IncomingMessage, body: IncomingBody): "none" | "close" | "drain" => {
  if (message.complete) return "none";
  // A client told to wait for `100 Continue` sends its body or not, as it likes: the connection cannot be reused.
  if (body.awaited) return "close";
  if (
    !body.started &&
    (body.length ?? (message.headers["transfer-encoding"] === undefined ? 0 : Infinity)) <= keepAliveBytes
  )
    return "none";
  return "drain";
};

/**
 * Swallows the rest of a body within bounds, then calls `done`. Closing at once would reset the connection under
 * a client that is still sending, and it would never see why it was refused.
 */
const drain = (message: IncomingMessage, done: () => void): void => {
  let swallowed = 0;
  const finish = (): void => {
    clearTimeout(timer);
    message.off("data", onData).off("end", finish).off("error", finish).off("close", finish);
    done();
  };
  const onData = (chunk: Buffer): void => {
    swallowed += chunk.length;
    if (swallowed > drainBytes) finish();
  };
  const timer = setTimeout(finish, drainMilliseconds);
  message.on("data", onData).on("end", finish).on("error", finish).on("close", finish);
  message.resume();
};
