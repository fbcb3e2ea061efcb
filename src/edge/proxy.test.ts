import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { available, basic, type Bench, connectTo, exchange, openBench, plain, run } from "./edge.test-support.ts";
import type { Egress } from "./tunnel.ts";

let bench: Bench;
let port: number;
let openPort: number;
const curl = await available("curl", "--version");

beforeAll(async () => {
  bench = await openBench();
  ({ port, openPort } = bench.gateway);
});
afterAll(() => bench[Symbol.asyncDispose]());

describe("the proxy", () => {
  test("wants its credential and hides it from everybody behind", async () => {
    expect((await connectTo(port, "acme.blob.core.windows.net:443", "")).status).toBe(407);
    for (const wrong of ["app1:wrong", "app1:", "nobody:s3cret", "app1", ":"])
      expect(
        (await connectTo(port, "acme.blob.core.windows.net:443", `Basic ${Buffer.from(wrong).toString("base64")}`))
          .status,
        wrong,
      ).toBe(407);
    expect((await connectTo(port, "acme.blob.core.windows.net:443")).status).toBe(200);
    const lines = ["GET http://169.254.169.254/metadata/x HTTP/1.1", "Host: 169.254.169.254"];
    expect((await plain(port, lines)).status).toBe(407);
    const { body } = await plain(port, [...lines, `Proxy-Authorization: ${basic}`]);
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
    const { status, body } = await connectTo(port, "nope.vault.azure.net:443");
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
      expect((await connectTo(port, target)).status, target).toBeGreaterThanOrEqual(400);
    const inward: Egress = {
      resolve: async () => ["127.0.0.1", "10.1.2.3", "::1"],
      permits: (await import("./public-address.ts")).isPublicAddress,
    };
    await using other = await openBench({ egress: inward });
    expect((await connectTo(other.gateway.port, "innocent.example:443")).status).toBe(403);
    const lines = ["GET http://innocent.example/ HTTP/1.1", "Host: innocent.example", `Proxy-Authorization: ${basic}`];
    expect((await plain(other.gateway.port, lines)).status).toBe(403);
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
    const { status, body } = await connectTo(other.gateway.port, "far.example:443");
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
      await connectTo(other.gateway.port, `${host}:443`);
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
    expect((await connectTo(openPort, "acme.blob.core.windows.net:443", "")).status).toBe(200);
    expect((await plain(openPort, ["GET http://169.254.169.254/x HTTP/1.1", "Host: 169.254.169.254"])).status).toBe(
      200,
    );
  });

  test("tunnels and forwards nothing", async () => {
    for (const host of ["example.com:443", "aka.ms:443", "nope.blob.core.windows.net:443", "127.0.0.1:22"])
      expect((await connectTo(openPort, host, "")).status, host).toBe(403);
    expect((await plain(openPort, ["GET http://example.com/ HTTP/1.1", "Host: example.com"])).status).toBe(403);
  });
});
