import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCertificates } from "../edge/certificates.ts";
import { type EgressOptions, openEgress } from "./egress.ts";

let folder: string;
let server: Server;
let ca: string;
let host: string;
const hits: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lanyard-egress-"));
  const certificates = await openCertificates({ folder });
  ca = readFileSync(certificates.caFile, "utf8");
  server = createServer({ key: certificates.server.key, cert: certificates.server.cert }, (request, response) => {
    hits.push(`${request.headers.host}${request.url}`);
    if (request.url === "/slow") response.writeHead(200).write("[");
    else if (request.url === "/moved") response.writeHead(307, { location: "/good" }).end();
    else if (request.url === "/broken") response.writeHead(500).end("{}");
    else response.writeHead(200).end('{"good":true}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const get = (path: string, change: Partial<EgressOptions> = {}): Promise<unknown> =>
  openEgress({ allow: [host], ca, permits: () => true, ...change }).json(
    path.startsWith("/") ? `https://${host}${path}` : path,
  );

describe("an outgoing request of our own", () => {
  it("brings a JSON document from a host of the list", async () => {
    expect(await get("/good")).toEqual({ good: true });
    expect(hits.at(-1)).toBe(`${host}/good`);
  });

  it("follows no redirect, and takes no failure for an answer", async () => {
    await expect(get("/moved")).rejects.toThrow("redirects are not followed");
    expect(hits.at(-1)).toBe(`${host}/moved`);
    await expect(get("/broken")).rejects.toThrow("answered 500");
  });

  it("gives up when an answer does not end in time", async () => {
    const started = performance.now();
    await expect(get("/slow", { milliseconds: 300 })).rejects.toThrow();
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it.each([
    ["plain http", "http://localhost/good", "no https address"],
    ["a file", "file:///etc/passwd", "no https address"],
    ["a name and password", "https://a:b@localhost/good", "no https address"],
    ["nonsense", "::", "no https address"],
    ["a host that is not on the list", "https://example.com/", "not on the list"],
    ["a listed host on another port", "https://localhost/good", "not on the list"],
  ])("is not made to %s", async (_, url, why) => {
    const before = hits.length;
    await expect(get(url)).rejects.toThrow(why);
    expect(hits).toHaveLength(before);
  });

  it("is not made where any address of the host is not public", async () => {
    const before = hits.length;
    for (const addresses of [
      ["127.0.0.1"],
      ["93.184.215.14", "10.0.0.1"],
      ["::1"],
      ["169.254.169.254"],
      ["::ffff:127.0.0.1"],
      [],
    ]) {
      const { permits: _, ...strict }: EgressOptions = { allow: [host], ca, resolve: async () => addresses };
      await expect(openEgress(strict).json(`https://${host}/good`)).rejects.toThrow("not on the public internet");
    }
    const literal = openEgress({ allow: ["127.0.0.1", "[::1]"] });
    for (const url of ["https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/", "https://[::1]/"])
      await expect(literal.json(url)).rejects.toThrow("not on the public internet");
    expect(hits).toHaveLength(before);
  });

  it("wants a certificate that names the host", async () => {
    await expect(get("/good", { ca: "" })).rejects.toThrow();
    const other = `unlisted.example:${host.split(":")[1]}`;
    await expect(
      openEgress({ allow: [other], ca, permits: () => true, resolve: async () => ["127.0.0.1"] }).json(
        `https://${other}/good`,
      ),
    ).rejects.toThrow("cannot be reached");
  });
});
