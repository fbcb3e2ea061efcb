import { Agent, createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Reply, Request } from "../kernel/message.ts";
import { serveMessage } from "./node-http.ts";

let server: Server;
let answer: (request: Request) => Promise<Reply> | Reply;
const errors: unknown[] = [];
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(async () => {
  server = createServer((message, response) => {
    const target = message.url ?? "/";
    const arrival = { host: "h", target, secure: false, connectionApp: undefined };
    const handle = async (request: Request): Promise<Reply> => answer(request);
    void serveMessage(message, response, arrival, false, handle, (error) => errors.push(error));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  agent.destroy();
  server.close();
});

const send = (method: string, path: string, body?: Readable | Buffer, headers: Record<string, string> = {}) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    const outgoing = httpRequest({ host: "127.0.0.1", port, method, path, agent, headers }, resolve);
    outgoing.on("error", reject);
    if (body instanceof Readable) body.pipe(outgoing);
    else outgoing.end(body);
  });

/** Reads an answer to its end, which frees the one connection, and gives its headers. */
const headersOf = async (pending: Promise<IncomingMessage>) => {
  const message = await pending;
  await text(message);
  return message.headers;
};

const text = async (message: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

test("HEAD gets the headers of the body and not the body, of a stream too", async () => {
  const stream = Readable.from(["never sent"]);
  answer = (request) =>
    request.rawPath === "/json"
      ? { status: 200, body: { json: { a: "é" } } }
      : { status: 200, body: { stream, length: 10 } };
  const json = await send("HEAD", "/json");
  expect(json.headers["content-length"]).toBe("10");
  expect(json.headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(await text(json)).toBe("");
  const streamed = await send("HEAD", "/stream");
  expect(streamed.headers["content-length"]).toBe("10");
  expect(await text(streamed)).toBe("");
  expect(stream.destroyed).toBe(true);
});

test("204 and 304 carry neither body nor length; other empty answers say that they are empty", async () => {
  answer = (request) => ({ status: Number(request.rawPath.slice(1)) });
  for (const status of ["204", "304"])
    expect(await headersOf(send("GET", `/${status}`))).not.toHaveProperty("content-length");
  expect((await headersOf(send("GET", "/202")))["content-length"]).toBe("0");
});

test("headers that the handler gives win, in any case, and connection management stays ours", async () => {
  answer = () => ({
    status: 200,
    headers: { "content-TYPE": "text/x", "Transfer-Encoding": "gzip", connection: "x", "set-cookie": ["a=1", "b=2"] },
    body: { text: "hi", type: "text/plain" },
  });
  const headers = await headersOf(send("GET", "/"));
  expect(headers["content-type"]).toBe("text/x");
  expect(headers["content-length"]).toBe("2");
  expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  expect(headers).not.toHaveProperty("transfer-encoding");
});

test("a stream that breaks breaks the connection, so that half a body never looks whole", async () => {
  answer = () => ({
    status: 200,
    body: {
      stream: Readable.from(
        (async function* () {
          yield "half";
          await pause(20);
          throw new Error("disk");
        })(),
      ),
    },
  });
  await expect(send("GET", "/").then(text)).rejects.toThrow(/aborted|hang up/);
});

test("a body streams in while the answer streams out", async () => {
  answer = (request) => ({ status: 200, body: { stream: request.body.stream().pipe(new PassThrough()) } });
  const up = new PassThrough();
  const pending = send("POST", "/", up);
  up.write("one");
  const message = await pending;
  const chunks = message[Symbol.asyncIterator]();
  expect(String((await chunks.next()).value)).toBe("one");
  up.end("two");
  expect(String((await chunks.next()).value)).toBe("two");
});

test("a slow reader holds back a fast source", async () => {
  let produced = 0;
  answer = () => ({
    status: 200,
    body: {
      stream: new Readable({
        read() {
          produced += 65_536;
          this.push(produced > 64 * 1024 * 1024 ? null : Buffer.alloc(65_536));
        },
      }),
    },
  });
  const message = await send("GET", "/");
  message.pause();
  await pause(300);
  expect(produced).toBeLessThan(32 * 1024 * 1024);
  message.destroy();
});

test("a body that fails before it is sent breaks its own answer and nobody else's", async () => {
  // What a store hands out for a content that cannot be opened: the error comes in the next turn.
  answer = async (request) => {
    await Promise.resolve();
    if (request.rawPath !== "/broken") return { status: 200, body: { text: "whole", type: "text/plain" } };
    return { status: 200, body: { stream: new Readable({ read: () => undefined }).destroy(new Error("no file")) } };
  };
  const broken = send("GET", "/broken").then(text);
  const whole = send("GET", "/whole").then(text);
  await expect(broken).rejects.toThrow(/hang up|aborted/);
  expect(await whole).toBe("whole");
});

test("the signal tells when the client has gone, and only then", async () => {
  const gone = Promise.withResolvers<boolean>();
  answer = async (request) => {
    request.signal.addEventListener("abort", () => gone.resolve(true));
    await gone.promise;
    return { status: 200 };
  };
  const { port } = server.address() as AddressInfo;
  const outgoing = httpRequest({ host: "127.0.0.1", port });
  outgoing.on("error", () => undefined);
  outgoing.end();
  await pause(50);
  outgoing.destroy();
  expect(await gone.promise).toBe(true);

  let signal: AbortSignal | undefined;
  answer = (request) => {
    ({ signal } = request);
    return { status: 200 };
  };
  await text(await send("GET", "/"));
  expect(signal?.aborted).toBe(false);
});

test("a body can be read once, and an absent one is empty", async () => {
  answer = async (request) => {
    const first = await request.body.bytes(100);
    const second = await request.body.bytes(100).catch((error: Error) => error.message);
    return { status: 200, body: { json: [first.toString(), second, request.body.length ?? null] } };
  };
  expect(JSON.parse(await text(await send("PUT", "/", Buffer.from("abc"), { "content-length": "3" })))).toEqual([
    "abc",
    "A request body can be read only once.",
    3,
  ]);
  expect(JSON.parse(await text(await send("GET", "/")))).toEqual(["", "A request body can be read only once.", null]);
});

test("queries are decoded, names included", async () => {
  answer = (request) => ({ status: 200, body: { json: { raw: request.rawQuery, all: [...request.query] } } });
  const found = JSON.parse(await text(await send("GET", "/a?%24filter=x%20eq%201&api%2Dversion=2&bad=%zz"))) as object;
  expect(found).toEqual({
    raw: "%24filter=x%20eq%201&api%2Dversion=2&bad=%zz",
    all: [
      ["$filter", "x eq 1"],
      ["api-version", "2"],
      ["bad", "%zz"],
    ],
  });
  expect(errors).toEqual([]);
});
