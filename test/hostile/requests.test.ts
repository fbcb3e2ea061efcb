/** Bad requests of known kinds, to every surface, over real sockets. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Bench, expectAlive, expectRefusal, openBench, type Surface } from "./surfaces.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench[Symbol.asyncDispose]());

afterEach(async () => {
  for (const surface of bench.surfaces) await expectAlive(bench, surface);
  expect(bench.tenant.failures).toEqual([]);
});

const eachSurface = async (run: (surface: Surface) => Promise<void>): Promise<void> => {
  for (const surface of bench.surfaces) await run(surface);
};
const pathOf = (surface: Surface): string => surface.good.path.replace(/\?.*/, "");
const queryOf = (surface: Surface): string => surface.good.path.slice(pathOf(surface).length);

/** A request line and headers as raw bytes, over TLS where the surface wants it. */
const raw = (surface: Surface, lines: readonly string[], body = "", milliseconds = 5_000): Promise<string> => {
  const local = surface.host === "127.0.0.1";
  const host = local ? `127.0.0.1:${bench.wire.port}` : surface.host;
  const text = `${lines.join("\r\n").replaceAll("HOST", host)}\r\n\r\n${body}`;
  return local ? bench.wire.plain(text, milliseconds) : bench.wire.raw(surface.host, text, milliseconds);
};
const statusesOf = (answer: string): number[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((found) => Number(found[1]));

describe("bad requests get a clear 4xx in the surface's own shape", () => {
  const paths: readonly (readonly [string, string])[] = [
    ["encoded slashes", "/a%2Fb%2f..%2F..%2Fetc%2Fpasswd"],
    ["an encoded NUL", "/a%00b"],
    ["dots", "/../../../etc/passwd"],
    ["encoded dots", "/%2e%2e/%2e%2e/etc/passwd"],
    ["backslashes", "/..%5c..%5cwindows"],
    ["broken encoding", "/%zz/%"],
    ["overlong UTF-8", "/%c0%ae%c0%ae/"],
    ["a lone surrogate", "/%ed%a0%80"],
    ["many slashes", `/${"/".repeat(5000)}`],
    ["many segments", "/a".repeat(5000)],
    ["control characters", "/%01%7f%0d%0aSet-Cookie:x"],
    ["names of object members", "/__proto__/constructor/toString/hasOwnProperty"],
    ["60 kB", `/${"x".repeat(60_000)}`],
    ["100 kB", `/${"x".repeat(100_000)}`],
  ];
  it.each(paths)("a path with %s", async (name, path) => {
    await eachSurface(async (surface) => {
      for (const target of [path, `${pathOf(surface)}${path}`]) {
        const answer = await bench.wire.send({
          ...surface.good,
          method: "GET",
          path: target,
          headers: surface.headers,
        });
        expect([surface.name, answer.status >= 400], `${target.slice(0, 100)}: ${answer.status}`).toEqual([
          surface.name,
          true,
        ]);
        expectRefusal(surface, answer, "GET", `a path with ${name}`);
      }
    });
  });

  it.each([
    ["broken JSON", '{"a":'],
    ["bytes that are no text", "\xff\xfe\x00\x80"],
    ["deeply nested JSON", "[".repeat(200_000)],
    ["deeply nested objects that close", '{"a":'.repeat(20_000) + "1" + "}".repeat(20_000)],
    ["numbers beyond all numbers", `{"location":${"9".repeat(10_000)}}`],
    ["three megabytes of JSON", `{"location":"${"x".repeat(3 * 1024 * 1024)}"}`],
    ["twenty megabytes", "x".repeat(20 * 1024 * 1024)],
  ])("a body of %s", async (name, body) => {
    await eachSurface(async (surface) => {
      for (const method of body.length > 10_000_000 ? ["PUT"] : ["PUT", "POST", "PATCH"]) {
        const answer = await bench.wire
          .send({ method, host: surface.host, path: surface.strict, headers: surface.headers, body })
          // A body that nobody wants may be cut off while it is being sent.
          .catch((error: NodeJS.ErrnoException) => error.code);
        if (typeof answer !== "object") expect(["ECONNRESET", "EPIPE"]).toContain(answer);
        else {
          // Members that nobody knows are no error, as deep as they may be.
          const refused = answer.status >= 400 || name === "deeply nested objects that close";
          expect([surface.name, method, refused], answer.text.slice(0, 200)).toEqual([surface.name, method, true]);
          expectRefusal(surface, answer, method, `${method} with a body of ${name}`);
        }
      }
    });
  });

  it.each([
    ["an unknown api-version", "?api-version=1999-01-01"],
    ["a malformed api-version", "?api-version=soon%00"],
    ["several api-versions", "?api-version=2021-04-01&api-version=1999-01-01&API-VERSION=x"],
    ["a broken percent sign", "?api-version=%"],
    ["a parameter without end", `?api-version=2021-04-01&a=${"x".repeat(50_000)}`],
    ["ten thousand parameters", `?${"a=b&".repeat(10_000)}`],
    ["names of object members", "?__proto__[x]=1&constructor=2&api-version=__proto__"],
  ])("a query with %s", async (name, query) => {
    await eachSurface(async (surface) => {
      const { method = "GET" } = surface.good;
      const answer = await bench.wire.send({ ...surface.good, path: `${pathOf(surface)}${query}` });
      expectRefusal(surface, answer, method, `a query with ${name}`);
    });
  });

  it("methods that nobody serves", async () => {
    await eachSurface(async (surface) => {
      for (const method of ["TRACE", "PROPFIND", "MKCOL", "LOCK", "SEARCH", "PURGE", "LINK"]) {
        const answer = await bench.wire.send({ ...surface.good, method });
        expect([surface.name, method, answer.status]).toEqual([surface.name, method, 405]);
        expectRefusal(surface, answer, method, method);
      }
    });
  });

  it("methods that the address does not know", async () => {
    await eachSurface(async (surface) => {
      for (const method of ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]) {
        const path = `${surface.nowhere}${queryOf(surface)}`;
        const answer = await bench.wire.send({ method, host: surface.host, path, headers: surface.headers });
        expect([surface.name, method, answer.status >= 400]).toEqual([surface.name, method, true]);
        expectRefusal(surface, answer, method, method);
      }
    });
  });

  it("wrong content types and encodings", async () => {
    await eachSurface(async (surface) => {
      for (const type of [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "",
        "application/json; charset=utf-7",
      ]) {
        const headers = { ...surface.headers, "content-type": type, "content-encoding": "gzip" };
        const answer = await bench.wire.send({ ...surface.good, headers, body: "\x1f\x8bnot gzip" });
        expectRefusal(surface, answer, surface.good.method ?? "GET", `content type ${type}`);
      }
    });
  });
});

describe("malformed HTTP", () => {
  const single = [
    "Host: evil.example",
    "Authorization: Bearer other",
    "Content-Length: 5",
    "Transfer-Encoding: chunked",
  ];
  it.each(single)("is refused with a second %s", async (header) => {
    await eachSurface(async (surface) => {
      const first = ["Host: HOST", "Authorization: Bearer x", "Content-Length: 0", "Transfer-Encoding: chunked"];
      const name = header.slice(0, header.indexOf(":"));
      const own = first.filter((line) => line.startsWith(name) || line.startsWith("Host"));
      const answer = await raw(surface, [`GET ${surface.good.path} HTTP/1.1`, ...own, header]);
      expect([surface.name, statusesOf(answer)]).toEqual([surface.name, [400]]);
    });
  });

  it.each([
    [
      "both a length and chunks",
      ["Content-Length: 4", "Transfer-Encoding: chunked"],
      "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n",
    ],
    ["a hidden chunked", ["Transfer-Encoding: xchunked"], "0\r\n\r\n"],
    ["chunked twice", ["Transfer-Encoding: chunked, chunked"], "0\r\n\r\n"],
    ["chunked not last", ["Transfer-Encoding: chunked, identity"], "0\r\n\r\n"],
    ["a space before the colon", ["Transfer-Encoding : chunked"], "0\r\n\r\n"],
    ["a folded header", ["X: a", " Transfer-Encoding: chunked"], ""],
    ["a negative length", ["Content-Length: -1"], ""],
    ["a length with a plus", ["Content-Length: +5"], "hello"],
    ["a length in hex", ["Content-Length: 0x5"], "hello"],
    ["two lengths in one", ["Content-Length: 5, 6"], "hello!"],
    ["a bare line feed in a header", ["X: a\nHost: evil"], ""],
    ["a NUL in a header", ["X: a\0b"], ""],
    ["a chunk of a negative size", ["Transfer-Encoding: chunked"], "-1\r\nx\r\n0\r\n\r\n"],
    ["a chunk beyond all sizes", ["Transfer-Encoding: chunked"], "fffffffffffffffff\r\nx\r\n0\r\n\r\n"],
  ])("with %s is refused, and nothing behind it is taken for a second request", async (_, headers, body) => {
    await eachSurface(async (surface) => {
      const before = bench.tenant.decisions.length;
      const answer = await raw(surface, [`POST ${surface.good.path} HTTP/1.1`, "Host: HOST", ...headers], body);
      const statuses = statusesOf(answer);
      expect(statuses.length, answer.slice(0, 500)).toBeLessThanOrEqual(1);
      for (const status of statuses) expect([400, 401, 404, 405, 413, 501]).toContain(status);
      expect(bench.tenant.decisions.slice(before).map(({ path }) => path)).not.toContain("/smuggled");
    });
  });

  it("of ten megabytes of headers is refused with 431", async () => {
    await eachSurface(async (surface) => {
      const answer = await raw(surface, [
        `GET ${surface.good.path} HTTP/1.1`,
        "Host: HOST",
        `X: ${"x".repeat(10 * 1024 * 1024)}`,
      ]);
      expect([surface.name, statusesOf(answer)]).toEqual([surface.name, [431]]);
    });
  });

  it("of ten thousand headers is refused with 431", async () => {
    await eachSurface(async (surface) => {
      const many = Array.from({ length: 10_000 }, (_, index) => `X${index}: 1`);
      const answer = await raw(surface, [`GET ${surface.good.path} HTTP/1.1`, "Host: HOST", ...many]);
      expect([surface.name, statusesOf(answer)]).toEqual([surface.name, [431]]);
    });
  });

  it("without a host, with another port or with an unknown host is refused", async () => {
    for (const lines of [
      ["GET / HTTP/1.1"],
      ["GET / HTTP/1.1", "Host: "],
      ["GET / HTTP/1.1", "Host: a b"],
      ["GET / HTTP/1.1", "Host: unknown.example"],
      ["GET / HTTP/1.1", "Host: nobody.blob.core.windows.net"],
      ["GET / HTTP/1.1", "Host: management.azure.com@evil.example"],
      ["GET / HTTP/1.1", `Host: ${"a".repeat(5000)}`],
      ["GET http://user:pass@management.azure.com/ HTTP/1.1", "Host: management.azure.com"],
      ["GET ftp://management.azure.com/ HTTP/1.1", "Host: management.azure.com"],
      ["GET * HTTP/1.1", "Host: management.azure.com"],
    ])
      for (const answer of [
        await bench.wire.raw("management.azure.com", `${lines.join("\r\n")}\r\nConnection: close\r\n\r\n`),
        await bench.wire.plain(`${lines.join("\r\n")}\r\nConnection: close\r\n\r\n`),
      ]) {
        expect(statusesOf(answer), `${lines.join(" | ").slice(0, 200)}: ${answer.slice(0, 200)}`).toHaveLength(1);
        expect([400, 403, 404, 407, 421]).toContain(statusesOf(answer)[0]);
      }
  });

  it("and bytes that are no HTTP at all get an answer or an end, never a crash", async () => {
    for (const bytes of [
      "\0".repeat(1000),
      "\x16\x03\x01\x02\x00garbage",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "SSH-2.0-x\r\n",
      "LANYARD x:y\r\nGET / HTTP/1.1\r\n\r\n",
      "\r\n\r\n\r\n",
      "GET /\r\n",
    ])
      for (const send of [
        (text: string, time: number) => bench.wire.plain(text, time),
        (text: string, time: number) => bench.wire.raw("management.azure.com", text, time),
      ])
        expect(statusesOf(await send(bytes, 300)).filter((status) => status >= 500)).toEqual([]);
  });

  it("that stops in the middle of a body leaves nothing behind", async () => {
    await eachSurface(async (surface) => {
      const headers = Object.entries(surface.headers).map(([name, value]) => `${name}: ${value}`);
      await raw(
        surface,
        [`PUT ${surface.good.path}-cut HTTP/1.1`, "Host: HOST", ...headers, "Content-Length: 1000"],
        '{"location":"eastus"}',
        300,
      );
    });
  });
});
