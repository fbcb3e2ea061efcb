/** node:http on one side, the kernel's `Request` and `Reply` on the other. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { BodyTooLarge, BodyTruncated, type Reply, type Request } from "../kernel/message.ts";
import { incomingBody } from "./node-body.ts";
import { writeReply } from "./node-reply.ts";
import { type Arrival, type BadMessage, NodeRequest } from "./node-request.ts";

export { type Arrival, type BadMessage, inspectMessage, NodeRequest, soundPath } from "./node-request.ts";

export type Handler = (request: Request) => Promise<Reply>;

/** An answer of the edge itself, in the shape most Azure clients can read. */
export const edgeReply = (
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Reply => ({ status, headers, body: { json: { error: { code, message } } } });

const failure = edgeReply(500, "InternalError", "Lanyard failed to process the request.");

/** The client's own doing, when a handler lets it through. */
const brokenBody = (error: unknown): Reply | undefined => {
  if (error instanceof BodyTooLarge) return edgeReply(413, "RequestBodyTooLarge", error.message);
  if (error instanceof BodyTruncated) return edgeReply(400, "IncompleteBody", error.message);
  return undefined;
};

/**
 * Lets `handle` answer one message.
 * @param awaiting true for a message with `Expect: 100-continue`
 * @param onError told of failures that are ours; the client gets a plain 500
 */
export const serveMessage = async (
  message: IncomingMessage,
  response: ServerResponse,
  arrival: Arrival,
  awaiting: boolean,
  handle: Handler,
  onError: (error: unknown) => void,
): Promise<void> => {
  const request = new NodeRequest(message, arrival, awaiting ? () => response.writeContinue() : undefined);
  let reply: Reply;
  try {
    reply = await handle(request);
  } catch (error) {
    reply = brokenBody(error) ?? failure;
    if (reply === failure) onError(error);
  }
  request.release();
  // It may fail in the turn before it is sent: writeReply finds it broken, and nobody's error would end the process.
  if (reply.body !== undefined && "stream" in reply.body) reply.body.stream.on("error", ignore);
  sendTogether(() => send(message, response, request, reply, onError));
};

const ignore = (): void => undefined;

const ready: (() => void)[] = [];

/**
 * Answers that are ready in the same turn of the event loop go out one behind the other at its end: a client that is woken
 * by the first finds the others there, and each waking costs the sender more than the write.
 */
const sendTogether = (write: () => void): void => {
  if (ready.push(write) > 1) return;
  setImmediate(() => {
    for (const each of ready.splice(0)) each();
  });
};

const send = (
  message: IncomingMessage,
  response: ServerResponse,
  request: NodeRequest,
  reply: Reply,
  onError: (error: unknown) => void,
): void => {
  if (response.destroyed) {
    if (reply.body !== undefined && "stream" in reply.body) reply.body.stream.destroy();
    return;
  }
  try {
    writeReply(message, response, request.body, reply);
  } catch (error) {
    onError(error);
    if (response.headersSent) response.destroy();
    else sendFailure(message, response, request);
  }
};

/** Nobody above catches what is thrown between two turns. */
const sendFailure = (message: IncomingMessage, response: ServerResponse, request: NodeRequest): void => {
  try {
    writeReply(message, response, request.body, failure);
  } catch {
    response.destroy();
  }
};

/** Answers a message that never reaches a handler. */
export const refuseMessage = (
  message: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  awaiting: boolean,
): void => writeReply(message, response, incomingBody(message, awaiting ? () => undefined : undefined), reply);

export const refusalOf = (bad: BadMessage): Reply => edgeReply(bad.status, bad.code, bad.message);
