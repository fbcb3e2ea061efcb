import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { Readable } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { type ForwardTarget, forward, forwardUpgrade } from "./forward.ts";
import { requestFor, textOf } from "./host.test-support.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const appThat = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, port: (server.address() as AddressInfo).port };
};

const targetAt = (port: number, rest: Partial<ForwardTarget> = {}): ForwardTarget => ({
  port,
  site: "shop",
  defaultHostName: "shop.azurewebsites.net",
  say: () => undefined,
  ...rest,
});

describe("a forwarded request", () => {
  test("carries the front end's headers, and none that the client made up", async () => {
    const { port } = await appThat((request, response) => response.end(JSON.stringify(request.headers)));
    const request = requestFor("/a%20b?x=1", {
      rawHeaders: [
        ["X-Forwarded-For", "9.9.9.9"],
        ["X-Forwarded-Proto", "http"],
        ["X-MS-CLIENT-PRINCIPAL", "forged"],
        ["X_MS_CLIENT_PRINCIPAL_NAME", "forged"],
        ["Disguised-Host", "evil"],
        ["Connection", "close, X-Secret-Hop"],
        ["X-Secret-Hop", "1"],
        ["Proxy-Authorization", "Basic x"],
        ["X-Mine", "kept"],
      ],
    });
    const headers = JSON.parse(await textOf(await forward(request, targetAt(port)))) as Record<string, string>;
    expect(headers).toMatchObject({
      host: "shop.azurewebsites.net",
      "x-forwarded-for": "9.9.9.9, 127.0.0.1:0",
      "x-forwarded-proto": "https",
      "x-appservice-proto": "https",
      "disguised-host": "shop.azurewebsites.net",
      "was-default-hostname": "shop.azurewebsites.net",
      "x-original-url": "/a%20b?x=1",
      "x-mine": "kept",
    });
    expect(Object.keys(headers).filter((name) => /principal|hop|proxy-auth/.test(name))).toEqual([]);
  });

  test("to a container app carries Envoy's headers, and none of them that the client made up", async () => {
    const { port } = await appThat((request, response) => response.end(JSON.stringify(request.headers)));
    const request = requestFor("/", {
      rawHeaders: [
        ["X-Envoy-External-Address", "9.9.9.9"],
        ["X_Envoy_External_Address", "9.9.9.9"],
        ["X-Envoy-Internal", "true"],
        ["X-Request-Id", "forged"],
      ],
    });
    const answer = await forward(request, targetAt(port, { frontEnd: "envoy" }));
    const headers = JSON.parse(await textOf(answer)) as Record<string, string>;
    expect(headers["x-envoy-external-address"]).toBe("127.0.0.1");
    expect(headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.stringify(headers)).not.toMatch(/9\.9\.9\.9|forged|internal/);
  });

  test("keeps its framing whatever its Connection header says: a body is never read as another request", async () => {
    const seen: string[] = [];
    const { port } = await appThat((request, response) => {
      seen.push(request.url ?? "");
      request.resume().once("end", () => response.end(request.headers.host));
    });
    const inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for (const method of ["POST", "GET"] as const) {
      const request = requestFor("/outer", {
        method,
        content: inner,
        rawHeaders: [["Connection", "keep-alive, Content-Length, host"]],
      });
      expect(await textOf(await forward(request, targetAt(port)))).toBe("shop.azurewebsites.net");
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen).toEqual(["/outer", "/outer"]);
  });

  test("keeps repeated response headers and gets affinity cookies unless it has one", async () => {
    const { port } = await appThat((_request, response) => {
      response.setHeader("Set-Cookie", ["a=1", "b=2"]);
      response.writeHead(418, { "X-One": "1", Connection: "close" }).end("tea");
    });
    const reply = await forward(requestFor("/"), targetAt(port, { affinity: "abc" }));
    expect(reply.status).toBe(418);
    expect(reply.headers).toMatchObject({ "X-One": "1" });
    expect(reply.headers?.["Set-Cookie"]).toEqual([
      "a=1",
      "b=2",
      "ARRAffinity=abc;Path=/;HttpOnly;Secure;Domain=shop.azurewebsites.net",
      "ARRAffinitySameSite=abc;Path=/;HttpOnly;Secure;SameSite=None;Domain=shop.azurewebsites.net",
    ]);
    expect(reply.headers).not.toHaveProperty("Connection");
    const known = requestFor("/", { rawHeaders: [["Cookie", "ARRAffinity=abc"]] });
    const second = await forward(known, targetAt(port, { affinity: "abc" }));
    expect(second.headers?.["Set-Cookie"]).toEqual(["a=1", "b=2"]);
  });

  test("sends its body, with a length or in chunks", async () => {
    const { port } = await appThat((request, response) => request.pipe(response));
    const sized = requestFor("/", { method: "POST", content: "hello" });
    expect(await textOf(await forward(sized, targetAt(port)))).toBe("hello");
    const plain = requestFor("/", { method: "POST", rawHeaders: [["Transfer-Encoding", "chunked"]] });
    const chunked = {
      ...plain,
      body: { ...plain.body, stream: () => Readable.from([Buffer.from("in "), Buffer.from("chunks")]) },
    };
    expect(await textOf(await forward(chunked, targetAt(port)))).toBe("in chunks");
  });

  test("is streamed back while the app still writes", async () => {
    const { port } = await appThat((_request, response) => {
      response.write("first");
      setTimeout(() => response.end("second"), 100);
    });
    const reply = await forward(requestFor("/"), targetAt(port));
    const { body } = reply;
    if (body === undefined || !("stream" in body)) throw new Error("No stream.");
    const chunks: string[] = [];
    for await (const chunk of body.stream) chunks.push(String(chunk));
    expect(chunks).toEqual(["first", "second"]);
  });

  test("is answered with 504 when the app says nothing in time, and cut when it stops in the middle", async () => {
    const silent = await appThat(() => undefined);
    expect((await forward(requestFor("/"), targetAt(silent.port, { idleLimitMs: 50 }))).status).toBe(504);
    const halfway = await appThat((_request, response) => void response.write("half"));
    const reply = await forward(requestFor("/"), targetAt(halfway.port, { idleLimitMs: 50 }));
    await expect(textOf(reply)).rejects.toThrow(/broke off|aborted/);
  });

  test("is answered with 502 and a line in the log when nobody listens or the app talks nonsense", async () => {
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    const { port, server } = await appThat(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    expect((await forward(requestFor("/"), targetAt(port, { say }))).status).toBe(502);
    expect(said.join()).toMatch(/Failed to forward request to .*ECONNREFUSED/);
    const nonsense = createTcpServer((socket) => socket.end("hello?\r\n"));
    await new Promise<void>((resolve) => nonsense.listen(0, "127.0.0.1", resolve));
    closing.push(() => nonsense.close());
    expect((await forward(requestFor("/"), targetAt((nonsense.address() as AddressInfo).port))).status).toBe(502);
  });

  test("is taken back from the app when the client goes away", async () => {
    const seen = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    const { port } = await appThat((request) => {
      request.once("close", () => closed.resolve());
      seen.resolve();
    });
    const leaving = new AbortController();
    const pending = forward(requestFor("/", { signal: leaving.signal }), targetAt(port));
    await seen.promise;
    leaving.abort();
    await closed.promise;
    await pending;
  });
});

describe("an upgrade", () => {
  const client = async (appPort: number, path: string) => {
    const front = createTcpServer((socket) =>
      socket.once("data", () =>
        forwardUpgrade(
          requestFor(path, {
            rawHeaders: [
              ["Connection", "Upgrade"],
              ["Upgrade", "websocket"],
              ["Sec-WebSocket-Key", "k"],
            ],
          }),
          socket,
          Buffer.from("early "),
          targetAt(appPort),
        ),
      ),
    );
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    closing.push(() => front.close());
    const socket = connect((front.address() as AddressInfo).port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\n\r\n");
    closing.push(() => socket.destroy());
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    return { socket, text: () => text };
  };

  test("joins both sockets, early bytes included, and ends both together", async () => {
    const { port, server } = await appThat(() => undefined);
    const ended = Promise.withResolvers<void>();
    server.on("upgrade", (request: IncomingMessage, socket) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Key: ${request.headers["sec-websocket-key"]}\r\n\r\n`,
      );
      socket.pipe(socket);
      socket.once("close", () => ended.resolve());
    });
    const { socket, text } = await client(port, "/ws");
    await expect.poll(text).toContain("early ");
    socket.write("late");
    await expect.poll(text).toMatch(/^HTTP\/1\.1 101 [\s\S]*X-Key: k[\s\S]*\r\n\r\nearly late$/);
    socket.destroy();
    await ended.promise;
  });

  test("that the app refuses is answered with the app's own answer", async () => {
    const { port } = await appThat((_request, response) => response.writeHead(404).end("no"));
    const { text } = await client(port, "/none");
    await expect.poll(text).toMatch(/^HTTP\/1\.1 404 [\s\S]*\r\n\r\nno$/);
  });
});
