import { Agent, request as httpsRequest } from "node:https";
import { get } from "node:http";
import { connect as tlsConnect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { basic, type Bench, exchange, openBench, plain } from "./edge.test-support.ts";

let bench: Bench;
let port: number;

beforeAll(async () => {
  bench = await openBench();
  ({ port } = bench.gateway);
});
afterAll(() => bench[Symbol.asyncDispose]());

/** A request by direct TLS with the production name as SNI. */
const direct = (
  host: string,
  options: { path?: string; method?: string; headers?: Record<string, string>; body?: Buffer; agent?: Agent } = {},
): Promise<{ status: number; text: string; reused: boolean; headers: Record<string, unknown> }> =>
  new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      {
        host: "127.0.0.1",
        port,
        servername: host,
        ca: bench.certificates.ca,
        path: options.path ?? "/",
        method: options.method ?? "GET",
        headers: { host, ...options.headers },
        agent: options.agent ?? false,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            text: Buffer.concat(chunks).toString(),
            reused: outgoing.reusedSocket,
            headers: answer.headers,
          }),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(options.body);
  });

describe("listening", () => {
  test("is on IPv4 loopback only, on three different ports", async () => {
    const ports = [port, bench.gateway.openPort, bench.gateway.tlsPort];
    expect(new Set(ports).size).toBe(3);
    const { networkInterfaces } = await import("node:os");
    const { connect } = await import("node:net");
    const outside = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter((each) => !each.internal);
    // On Linux all of 127.0.0.0/8 is this machine: a socket bound to every address would answer there.
    if (process.platform === "linux") outside.push({ ...outside[0], address: "127.0.0.2" } as (typeof outside)[number]);
    for (const { address, port } of outside.flatMap(({ address }) => ports.map((each) => ({ address, port: each })))) {
      const outcome = await new Promise<string>((resolve) => {
        const socket = connect({ host: address, port }, () => resolve("connected"));
        socket.on("error", () => resolve("refused"));
        setTimeout(() => resolve("timeout"), 500);
      });
      expect(outcome, address).not.toBe("connected");
    }
  });
});

describe("the tenant's own paths in plain HTTP", () => {
  test("are answered under loopback names with our port", async () => {
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) {
      const { status, body } = await plain(port, [
        "GET /msi/token?%24filter=a&api%2Dversion=1 HTTP/1.1",
        `Host: ${host}`,
      ]);
      expect(status, host).toBe(200);
      expect(body).toMatchObject({
        host: "localhost",
        path: "/msi/token",
        query: { $filter: "a", "api-version": "1" },
      });
    }
  });

  test("are refused under any other name, so that re-bound web pages get nothing", async () => {
    const names = ["evil.example", `evil.example:${port}`, "127.0.0.1:1", "localhost", "acme.blob.core.windows.net"];
    for (const host of [...names, `photos.localhost.evil.example:${port}`, `127.0.0.1.evil.example:${port}`])
      expect((await plain(port, ["GET / HTTP/1.1", `Host: ${host}`])).status, host).toBeGreaterThanOrEqual(400);
  });

  test("answer an app under its .localhost name", async () => {
    expect((await plain(port, ["GET / HTTP/1.1", `Host: photos.localhost:${port}`])).body).toMatchObject({
      host: "photos.localhost",
    });
    expect((await plain(port, ["GET / HTTP/1.1", `Host: nobody.localhost:${port}`])).status).toBe(421);
  });

  test("are refused to pages of other origins, hosted apps included", async () => {
    const from = async (origin: string): Promise<number> =>
      (
        await plain(port, [
          "POST /msi/token HTTP/1.1",
          `Host: 127.0.0.1:${port}`,
          `Origin: ${origin}`,
          "Content-Length: 0",
        ])
      ).status;
    expect(await from("https://evil.example")).toBe(403);
    expect(await from(`http://photos.localhost:${port}`)).toBe(403);
    expect(await from("null")).toBe(403);
    expect(await from(`http://127.0.0.1:${port}`)).toBe(200);
  });

  test("are answered in absolute form too, as clients without NO_PROXY ask", async () => {
    const { body } = await plain(port, [
      `GET http://127.0.0.1:${port}/msi/token?resource=x HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      `Proxy-Authorization: ${basic}`,
    ]);
    expect(body).toMatchObject({ host: "localhost", path: "/msi/token", app: "app1" });
  });
});

describe("direct TLS", () => {
  test("serves the tenant's hosts and keeps connections", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const first = await direct("acme.blob.core.windows.net", { path: "/c/b%20b?comp=list", agent });
    const second = await direct("acme.blob.core.windows.net", { agent });
    agent.destroy();
    expect(JSON.parse(first.text)).toMatchObject({
      host: "acme.blob.core.windows.net",
      path: "/c/b%20b",
      secure: true,
    });
    expect(second.reused).toBe(true);
  });

  test("mints for deeper names that the tenant has, and not for others", async () => {
    expect((await direct("app.happy.westus.azurecontainerapps.io")).status).toBe(200);
    await expect(direct("app.nobody.westus.azurecontainerapps.io")).rejects.toThrow(/altnames/);
  });

  test("refuses Azure hosts that the tenant does not have, with the reason", async () => {
    const { status, text } = await direct("other.blob.core.windows.net");
    expect(status).toBe(403);
    expect(text).toContain("HostNotInTenant");
  });

  test("speaks HTTP/1.1 only, and TLS 1.2 or later", async () => {
    const negotiated = await new Promise<string>((resolve) => {
      const socket = tlsConnect(
        {
          port,
          host: "127.0.0.1",
          servername: "localhost",
          ca: bench.certificates.ca,
          ALPNProtocols: ["h2", "http/1.1"],
        },
        () => {
          resolve(`${String(socket.alpnProtocol)} ${String(socket.getProtocol())}`);
          socket.destroy();
        },
      );
    });
    expect(negotiated).toBe("http/1.1 TLSv1.3");
    const old = await new Promise<string>((resolve) => {
      const socket = tlsConnect(
        {
          port,
          host: "127.0.0.1",
          servername: "localhost",
          ca: bench.certificates.ca,
          maxVersion: "TLSv1.1",
          minVersion: "TLSv1",
        },
        () => resolve("connected"),
      );
      socket.on("error", () => resolve("refused"));
    });
    expect(old).toBe("refused");
  });

  test("resumes sessions across connections", async () => {
    const session = await new Promise<Buffer>((resolve) => {
      const socket = tlsConnect({ port, host: "127.0.0.1", servername: "localhost", ca: bench.certificates.ca });
      socket.once("session", (ticket: Buffer) => {
        resolve(ticket);
        socket.destroy();
      });
      socket.write(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    });
    const reused = await new Promise<boolean>((resolve) => {
      const socket = tlsConnect(
        { port, host: "127.0.0.1", servername: "localhost", ca: bench.certificates.ca, session },
        () => {
          resolve(socket.isSessionReused());
          socket.destroy();
        },
      );
    });
    expect(reused).toBe(true);
  });
});

describe("upgrades", () => {
  test("hand the socket to the app host, and only for the tenant's hosts", async () => {
    await using other = await openBench({
      upgrade: (request, socket, head) =>
        void socket.end(`HTTP/1.1 101 Yes\r\n\r\n${request.host} ${request.header("x-a")} ${head.length}`),
    });
    const ask = (host: string): Promise<string> =>
      exchange(
        other.gateway.port,
        `GET /ws HTTP/1.1\r\nHost: ${host}\r\nX-A: 1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi`,
        500,
      );
    expect(await ask(`photos.localhost:${other.gateway.port}`)).toContain("photos.localhost 1 2");
    expect(await ask("evil.example")).toContain("421");
  });

  test("other than WebSocket are ignored, as Java's HttpClient expects", async () => {
    const { status } = await plain(port, ["GET /x HTTP/1.1", `Host: localhost:${port}`, "Upgrade: h2c"]);
    expect(status).toBe(200);
    const h2c = await exchange(
      port,
      `GET /x HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n`,
      300,
    );
    expect(h2c).toContain("200 OK");
  });
});

test("closing ends every connection and frees both ports", async () => {
  const other = await openBench();
  const hanging = exchange(other.gateway.port, "GET / HTTP/1.1\r\n", 5_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const started = performance.now();
  await other[Symbol.asyncDispose]();
  await hanging;
  expect(performance.now() - started).toBeLessThan(1_000);
  await expect(
    new Promise(
      (resolve, reject) => void get({ port: other.gateway.port, host: "127.0.0.1" }, resolve).on("error", reject),
    ),
  ).rejects.toThrow("ECONNREFUSED");
});
