import { connect } from "node:net";
import { connect as tlsConnect } from "node:tls";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Reply, Request } from "../kernel/message.ts";
import { type Bench, echo, exchange, openBench } from "./edge.test-support.ts";
import { parseHostPort } from "./authority-form.ts";
import { isPublicAddress } from "./public-address.ts";

let bench: Bench;
let port: number;
let handled = 0;
let outcome: Promise<string> = Promise.resolve("");

/** `/later` answers once its body was read, `/ignore` without reading it. */
const handle = async (request: Request): Promise<Reply> => {
  handled += 1;
  if (request.rawPath === "/ignore") return { status: 403, body: { text: "no", type: "text/plain" } };
  if (request.rawPath === "/throw") throw new Error("a bug");
  if (request.rawPath === "/badreply") return { status: 200, headers: { "x-bad": "a\r\nb" } };
  if (request.rawPath === "/stream") {
    outcome = (async () => {
      try {
        let size = 0;
        for await (const chunk of request.body.stream()) size += (chunk as Buffer).length;
        return `whole ${size}`;
      } catch (error) {
        return `broken ${(error as Error).message}`;
      }
    })();
    return { status: 200, body: { text: await outcome, type: "text/plain" } };
  }
  if (request.rawPath === "/bytes") {
    outcome = request.body.bytes(10_000_000).then(
      (bytes) => `whole ${bytes.length}`,
      (error: Error) => `broken ${error.name}`,
    );
    return { status: 200, body: { text: await outcome, type: "text/plain" } };
  }
  return echo(request);
};

beforeAll(async () => {
  bench = await openBench({ handle });
  ({ port } = bench.gateway);
});
afterAll(() => bench[Symbol.asyncDispose]());

const own = (): string => `Host: localhost:${port}\r\n`;
const alive = async (): Promise<void> =>
  expect(await exchange(port, `GET / HTTP/1.1\r\n${own()}Connection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200/);

describe("messages that two readers could read differently", () => {
  const smuggling: readonly [string, string][] = [
    ["both lengths", "POST / HTTP/1.1\r\nHOST\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["two lengths", "POST / HTTP/1.1\r\nHOST\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"],
    ["a list of lengths", "POST / HTTP/1.1\r\nHOST\r\nContent-Length: 4, 4\r\n\r\nabcd"],
    ["a signed length", "POST / HTTP/1.1\r\nHOST\r\nContent-Length: +4\r\n\r\nabcd"],
    ["a space before the colon", "POST / HTTP/1.1\r\nHOST\r\nContent-Length : 4\r\n\r\nabcd"],
    ["an odd transfer encoding", "POST / HTTP/1.1\r\nHOST\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
    ["a masked transfer encoding", "POST / HTTP/1.1\r\nHOST\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
    ["two hosts", "GET / HTTP/1.1\r\nHOST\r\nHOST\r\n\r\n"],
    ["no host", "GET / HTTP/1.1\r\n\r\n"],
    ["two authorizations", "GET / HTTP/1.1\r\nHOST\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n"],
    ["two identity headers", "GET / HTTP/1.1\r\nHOST\r\nX-IDENTITY-HEADER: a\r\nX-Identity-Header: b\r\n\r\n"],
    ["a folded header", "GET / HTTP/1.1\r\nHOST\r\nX-A: b\r\n c\r\n\r\n"],
    ["a bare carriage return", "GET / HTTP/1.1\r\nHOST\r\nX-A: b\rX-B: c\r\n\r\n"],
    ["a NUL in a header", "GET / HTTP/1.1\r\nHOST\r\nX-A: b\0c\r\n\r\n"],
    ["a broken chunk size", "POST /bytes HTTP/1.1\r\nHOST\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"],
    ["credentials in the target", "GET http://user:pass@localhost/ HTTP/1.1\r\nHOST\r\n\r\n"],
    ["an unknown method", "BREW / HTTP/1.1\r\nHOST\r\n\r\n"],
    ["a method that is not served", "TRACE / HTTP/1.1\r\nHOST\r\n\r\n"],
    ["an asterisk", "OPTIONS * HTTP/1.1\r\nHOST\r\n\r\n"],
    ["a target that is no path", "GET foo HTTP/1.1\r\nHOST\r\n\r\n"],
    ["a path with NUL", "GET /a%00b HTTP/1.1\r\nHOST\r\n\r\n"],
    ["a path with broken percent-encoding", "GET /a%zz HTTP/1.1\r\nHOST\r\n\r\n"],
    ["a path that is no UTF-8", "GET /a%ff%fe HTTP/1.1\r\nHOST\r\n\r\n"],
    ["a very long path", `GET /${"a".repeat(100_000)} HTTP/1.1\r\nHOST\r\n\r\n`],
    [
      "an unknown expectation",
      "POST / HTTP/1.1\r\nHOST\r\nExpect: miracles\r\nConnection: close\r\nContent-Length: 1\r\n\r\na",
    ],
  ];
  test.each(smuggling)("are refused: %s", async (_name, message) => {
    const before = handled;
    const answer = await exchange(port, message.replaceAll("HOST", own().trim()), 1_500);
    expect(answer).toMatch(/^HTTP\/1\.1 [45]\d\d /);
    expect(answer).not.toMatch(/^HTTP\/1\.1 500/);
    // A chunk is read only once the handler wants it.
    if (!message.includes("/bytes")) expect(handled).toBe(before);
    await alive();
  });
});

describe("floods", () => {
  test("of header bytes get 431, ten megabytes of them too", async () => {
    const big = `GET / HTTP/1.1\r\n${own()}X-Big: ${"a".repeat(10_000_000)}\r\n\r\n`;
    expect(await exchange(port, big)).toMatch(/^HTTP\/1\.1 431 /);
    await alive();
  });

  test("of header lines get 431", async () => {
    const many = Array.from({ length: 3000 }, (_, index) => `h${index}: 1\r\n`).join("");
    expect(await exchange(port, `GET / HTTP/1.1\r\n${own()}${many}Connection: close\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
    await alive();
  });

  test("a token of 27 kB still passes", async () => {
    const answer = await exchange(
      port,
      `GET / HTTP/1.1\r\n${own()}Authorization: Bearer ${"x".repeat(27_285)}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("bodies", () => {
  test("cut short never look whole to the handler, and the client is told if it still listens", async () => {
    for (const path of ["/bytes", "/stream"]) {
      const head = `PUT ${path} HTTP/1.1\r\n${own()}Content-Length: 1000\r\n\r\nonly this`;
      await exchange(port, head, 200);
      expect(await outcome, path).toMatch(/^broken/);
      const answer = await new Promise<string>((resolve) => {
        let text = "";
        const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
        socket.on("data", (chunk) => (text += chunk.toString()));
        socket.on("close", () => resolve(text));
        socket.end(head);
      });
      expect(await outcome, path).toMatch(/^broken/);
      expect(answer, path).toMatch(/^HTTP\/1\.1 400 /);
    }
    await alive();
  });

  test("in chunks, cut short, are broken too", async () => {
    await exchange(port, `PUT /bytes HTTP/1.1\r\n${own()}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`, 200);
    expect(await outcome).toBe("broken BodyTruncated");
  });

  test("are asked for with 100 Continue only when somebody reads them", async () => {
    const head = (path: string): string =>
      `PUT ${path} HTTP/1.1\r\n${own()}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`;
    expect(await exchange(port, head("/bytes"), 300)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    const ignored = await exchange(port, head("/ignore"), 1_000);
    expect(ignored).toMatch(/^HTTP\/1\.1 403 /);
    expect(ignored).toMatch(/connection: close/i);
  });

  test("announced as too large are refused before they are read", async () => {
    const answer = await exchange(
      port,
      `PUT /bytes HTTP/1.1\r\n${own()}Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n`,
      1_500,
    );
    expect(answer).toContain("broken BodyTooLarge");
    expect(answer).not.toContain("100 Continue");
  });

  test("that nobody reads are swallowed within bounds, and the client sees the answer", async () => {
    const started = performance.now();
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connect({ port, host: "127.0.0.1" });
      socket.on("data", (chunk) => (text += chunk.toString()));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(text));
      socket.write(`PUT /ignore HTTP/1.1\r\n${own()}Content-Length: 1000000000\r\n\r\n`);
      const chunk = Buffer.alloc(65_536);
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on("drain", more);
      more();
    });
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(performance.now() - started).toBeLessThan(4_000);
  });

  test("small and unread do not cost the connection", async () => {
    const one = `PUT /ignore HTTP/1.1\r\n${own()}Content-Length: 5\r\n\r\nhello`;
    const answer = await exchange(port, `${one}${one.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")}`);
    expect(answer.match(/HTTP\/1\.1 403/g)).toHaveLength(2);
  });
});

describe("handlers that fail", () => {
  test("become a plain 500 that says nothing, and are reported", async () => {
    const before = bench.errors.length;
    for (const path of ["/throw", "/badreply"]) {
      const answer = await exchange(port, `GET ${path} HTTP/1.1\r\n${own()}Connection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 500 /);
      expect(answer).not.toContain("a bug");
    }
    expect(bench.errors.length).toBe(before + 2);
  });
});

describe("arbitrary bytes", () => {
  test("never bring the gateway down, on plain connections or inside TLS", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        await exchange(port, bytes, 30);
      }),
      { numRuns: 60 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
        await exchange(port, Buffer.concat([Buffer.from([0x16, 3, 1]), bytes]), 30);
        await exchange(port, Buffer.concat([Buffer.from("LANYARD "), bytes, Buffer.from("\r\n")]), 30);
      }),
      { numRuns: 30 },
    );
    await new Promise<void>((resolve) => {
      const socket = tlsConnect({ port, host: "127.0.0.1", servername: "localhost", ca: bench.certificates.ca }, () => {
        socket.write(Buffer.from("\x00\x01garbage\r\n\r\n"));
      });
      socket.on("data", () => undefined);
      socket.on("error", () => undefined);
      socket.on("close", () => resolve());
    });
    await alive();
    expect(bench.errors.filter((error) => !/a bug|Invalid character/.test(String(error)))).toEqual([]);
  });

  test("of a host are parsed to themselves or refused", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const found = parseHostPort(text);
        if (found !== undefined) expect(found.host).toMatch(/^[a-z0-9_.:-]+$/);
      }),
    );
    for (const bad of [
      "",
      "a b",
      "a/b",
      "u@h",
      "h:0",
      "h:65536",
      "h:",
      "[::1",
      "[x]",
      "0x7f.1",
      "127.1",
      "1",
      "a..b:80\r",
    ])
      expect(bad === "a..b:80\r" ? parseHostPort(bad) : parseHostPort(bad), bad).toBeUndefined();
    expect(parseHostPort("Acme.Blob.core.windows.net.:443")).toEqual({ host: "acme.blob.core.windows.net", port: 443 });
  });

  test("public addresses are the public ones only", () => {
    for (const inside of [
      "127.0.0.1",
      "10.0.0.1",
      "172.31.255.255",
      "192.168.0.1",
      "169.254.169.254",
      "100.64.0.1",
      "0.0.0.0",
      "224.0.0.1",
      "255.255.255.255",
      "::",
      "::1",
      "::ffff:8.8.8.8",
      "fe80::1",
      "fe80::1%eth0",
      "fc00::1",
      "ff02::1",
      "64:ff9b::808:808",
      "2002:7f00:1::",
      "2001:0:1::",
      "nonsense",
      "",
    ])
      expect(isPublicAddress(inside), inside).toBe(false);
    for (const outside of ["8.8.8.8", "20.60.1.1", "172.32.0.1", "2606:4700::1111", "2603:1030::1"])
      expect(isPublicAddress(outside), outside).toBe(true);
  });
});
