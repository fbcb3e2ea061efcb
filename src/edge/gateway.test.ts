import { createServer, type Server } from "node:net";
import { Agent, request as httpsRequest } from "node:https";
import { createServer as createHttpServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { connect as tlsConnect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { available, type Bench, exchange, openBench, run } from "./edge.test-support.ts";
import type { Egress } from "./tunnel.ts";

let bench: Bench;
let port: number;
let openPort: number;
const curl = await available("curl", "--version");
const basic = `Basic ${Buffer.from("app1:s3cret").toString("base64")}`;

beforeAll(async () => {
  bench = await openBench();
  ({ port, openPort } = bench.gateway);
});
afterAll(() => bench[Symbol.asyncDispose]());

const parse = (answer: string): { status: number; body: Record<string, unknown> } => {
  const [head = "", ...rest] = answer.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]),
    body: body.startsWith("{") ? (JSON.parse(body) as Record<string, unknown>) : {},
  };
};

const plain = async (lines: readonly string[], to = port) =>
  parse(await exchange(to, `${[...lines, "Connection: close"].join("\r\n")}\r\n\r\n`));

const connectTo = async (authority: string, to = port, credential = basic) =>
  parse(
    await exchange(
      to,
      `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credential === "" ? "" : `Proxy-Authorization: ${credential}\r\n`}\r\n`,
      500,
    ),
  );

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
  test("is on IPv4 loopback only, on two different ports", async () => {
    expect(port).not.toBe(openPort);
    const { networkInterfaces } = await import("node:os");
    const { connect } = await import("node:net");
    const outside = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter((each) => !each.internal);
    for (const { address } of outside) {
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
      const { status, body } = await plain(["GET /msi/token?%24filter=a&api%2Dversion=1 HTTP/1.1", `Host: ${host}`]);
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
      expect((await plain(["GET / HTTP/1.1", `Host: ${host}`])).status, host).toBeGreaterThanOrEqual(400);
  });

  test("answer an app under its .localhost name", async () => {
    expect((await plain(["GET / HTTP/1.1", `Host: photos.localhost:${port}`])).body).toMatchObject({
      host: "photos.localhost",
    });
    expect((await plain(["GET / HTTP/1.1", `Host: nobody.localhost:${port}`])).status).toBe(421);
  });

  test("are refused to pages of other origins, hosted apps included", async () => {
    const from = async (origin: string): Promise<number> =>
      (await plain(["POST /msi/token HTTP/1.1", `Host: 127.0.0.1:${port}`, `Origin: ${origin}`, "Content-Length: 0"]))
        .status;
    expect(await from("https://evil.example")).toBe(403);
    expect(await from(`http://photos.localhost:${port}`)).toBe(403);
    expect(await from("null")).toBe(403);
    expect(await from(`http://127.0.0.1:${port}`)).toBe(200);
  });

  test("are answered in absolute form too, as clients without NO_PROXY ask", async () => {
    const { body } = await plain([
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

describe("the proxy", () => {
  test("wants its credential and hides it from everybody behind", async () => {
    expect((await connectTo("acme.blob.core.windows.net:443", port, "")).status).toBe(407);
    for (const wrong of ["app1:wrong", "app1:", "nobody:s3cret", "app1", ":"])
      expect(
        (await connectTo("acme.blob.core.windows.net:443", port, `Basic ${Buffer.from(wrong).toString("base64")}`))
          .status,
        wrong,
      ).toBe(407);
    expect((await connectTo("acme.blob.core.windows.net:443")).status).toBe(200);
    const lines = ["GET http://169.254.169.254/metadata/x HTTP/1.1", "Host: 169.254.169.254"];
    expect((await plain(lines)).status).toBe(407);
    const { body } = await plain([...lines, `Proxy-Authorization: ${basic}`]);
    expect(body).toMatchObject({ host: "169.254.169.254", path: "/metadata/x", app: "app1", secure: false });
    expect(JSON.stringify(body)).not.toContain("roxy-");
  });

  test.skipIf(!curl)("ends tunnels to the tenant's hosts here and knows the app", async () => {
    const { stdout } = await run("curl", [
      "-sS",
      "--cacert",
      bench.certificates.caFile,
      "-x",
      `http://app1:s3cret@127.0.0.1:${port}`,
      "-d",
      "hello",
      "https://acme.blob.core.windows.net/c/b",
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      host: "acme.blob.core.windows.net",
      app: "app1",
      secure: true,
      body: "hello",
    });
  });

  test("refuses Azure hosts that the tenant does not have", async () => {
    const { status, body } = await connectTo("nope.vault.azure.net:443");
    expect(status).toBe(403);
    expect(JSON.stringify(body)).toContain("nope.vault.azure.net is an Azure host name that this tenant does not have");
  });

  test("reaches no loopback, private or link-local address, by number or by name", async () => {
    const literal = [
      "127.0.0.1:22",
      "127.1:22",
      "0x7f.0.0.1:22",
      "2130706433:22",
      "localhost:22",
      "[::1]:22",
      "0.0.0.0:22",
    ];
    const nets = [
      "10.0.0.1:80",
      "192.168.1.1:80",
      "172.16.0.1:443",
      "169.254.1.1:443",
      "[fe80::1]:80",
      "[::ffff:127.0.0.1]:80",
    ];
    for (const target of [...literal, ...nets, "[fd00::1]:443", "[64:ff9b::7f00:1]:80"])
      expect((await connectTo(target)).status, target).toBeGreaterThanOrEqual(400);
    const inward: Egress = {
      resolve: async () => ["127.0.0.1", "10.1.2.3", "::1"],
      permits: (await import("./public-address.ts")).isPublicAddress,
    };
    await using other = await openBench({ egress: inward });
    expect((await connectTo("innocent.example:443", other.gateway.port)).status).toBe(403);
    const lines = ["GET http://innocent.example/ HTTP/1.1", "Host: innocent.example", `Proxy-Authorization: ${basic}`];
    expect((await plain(lines, other.gateway.port)).status).toBe(403);
  });

  test("tunnels foreign hosts untouched, to the very address it checked", async () => {
    const far: Server = createServer((socket) => void socket.pipe(socket));
    await new Promise<void>((resolve) => void far.listen(0, "127.0.0.1", resolve));
    let asked = 0;
    const egress: Egress = {
      // A second look-up would find another address: re-binding between check and use.
      resolve: async () => [asked++ === 0 ? "127.0.0.1" : "203.0.113.1"],
      permits: (address) => address === "127.0.0.1",
    };
    await using other = await openBench({ egress });
    const target = `far.example:${(far.address() as AddressInfo).port}`;
    const answer = await exchange(
      other.gateway.port,
      `CONNECT ${target} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${basic}\r\n\r\n\x16\x03raw`,
      500,
    );
    far.close();
    expect(answer).toBe("HTTP/1.1 200 Connection Established\r\n\r\n\x16\x03raw");
    expect(asked).toBe(1);
  });

  test("forwards plain foreign requests without our headers", async () => {
    const far = createHttpServer((message, response) =>
      response.end(JSON.stringify({ url: message.url, headers: message.headers })),
    );
    await new Promise<void>((resolve) => void far.listen(0, "127.0.0.1", resolve));
    await using other = await openBench({ egress: { resolve: async () => ["127.0.0.1"], permits: () => true } });
    const host = `far.example:${(far.address() as AddressInfo).port}`;
    const answer = await exchange(
      other.gateway.port,
      `GET http://${host}/a?b=c HTTP/1.1\r\nHost: other.example\r\nProxy-Authorization: ${basic}\r\nX-Mine: 1\r\nConnection: close\r\n\r\n`,
    );
    far.close();
    expect(answer).toContain(`"url":"/a?b=c"`);
    expect(answer).toContain(`"host":"${host}"`);
    expect(answer).toContain(`"x-mine":"1"`);
    expect(answer).not.toContain("proxy-authorization");
  });

  test("keeps everything in when offline", async () => {
    await using other = await openBench({
      online: false,
      egress: { resolve: async () => ["127.0.0.1"], permits: () => true },
    });
    const { status, body } = await connectTo("far.example:443", other.gateway.port);
    expect(status).toBe(403);
    expect(JSON.stringify(body)).toContain("offline");
  });

  test("lets named Azure hosts through and no others", async () => {
    const seen: string[] = [];
    const egress: Egress = { resolve: async (host) => (seen.push(host), []), permits: () => true };
    await using other = await openBench({ egress, passthrough: ["real.blob.core.windows.net"] });
    for (const host of [
      "aka.ms",
      "azcliprod.blob.core.windows.net",
      "real.blob.core.windows.net",
      "unreal.blob.core.windows.net",
    ])
      await connectTo(`${host}:443`, other.gateway.port);
    expect(seen).toEqual(["aka.ms", "azcliprod.blob.core.windows.net", "real.blob.core.windows.net"]);
  });

  test("bridges PostgreSQL hosts to their front door", async () => {
    const front = createServer((socket) => void socket.end("front door"));
    await new Promise<void>((resolve) => void front.listen(0, "127.0.0.1", resolve));
    const at = (front.address() as AddressInfo).port;
    await using other = await openBench({
      postgresPort: (host) => (host === "db.postgres.database.azure.com" ? at : undefined),
    });
    const ask = (host: string): Promise<string> =>
      exchange(
        other.gateway.port,
        `CONNECT ${host}:5432 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${basic}\r\n\r\n`,
        500,
      );
    expect(await ask("db.postgres.database.azure.com")).toContain("front door");
    expect(await ask("nope.postgres.database.azure.com")).toContain("403");
    front.close();
  });
});

describe("the port without credentials", () => {
  test("answers the tenant's hosts", async () => {
    expect((await connectTo("acme.blob.core.windows.net:443", openPort, "")).status).toBe(200);
    expect((await plain(["GET http://169.254.169.254/x HTTP/1.1", "Host: 169.254.169.254"], openPort)).status).toBe(
      200,
    );
  });

  test("tunnels and forwards nothing", async () => {
    for (const host of ["example.com:443", "aka.ms:443", "nope.blob.core.windows.net:443", "127.0.0.1:22"])
      expect((await connectTo(host, openPort, "")).status, host).toBe(403);
    expect((await plain(["GET http://example.com/ HTTP/1.1", "Host: example.com"], openPort)).status).toBe(403);
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
    const { status } = await plain(["GET /x HTTP/1.1", `Host: localhost:${port}`, "Upgrade: h2c"]);
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
