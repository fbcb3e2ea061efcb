import { connect, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuthority, type Authority } from "../tenant.test-support.ts";
import { FrontDoor } from "./front-door.ts";
import type { Gate } from "./gate.ts";
import { parseStartup, startupMessage } from "./protocol.ts";

const host = "pg1.postgres.database.azure.com";
const refusal = { code: "28000", message: "not today" };

let authority: Authority;
let door: FrontDoor;
let port: number;
const tokens: string[] = [];

beforeAll(async () => {
  authority = await createAuthority();
  const gate: Gate = {
    certificate: (name) => authority.certificate(name),
    begin: async ({ user }) => {
      await Promise.resolve();
      return user === "token" ? { kind: "token" } : { kind: "refused", refusal };
    },
    token: async (_attempt, token) => {
      await Promise.resolve();
      tokens.push(token);
      return { ok: false, refusal };
    },
    outcome: () => {},
  };
  door = new FrontDoor(gate, 400);
  port = await door.open([]);
  await door.add("pg1", []);
});

afterAll(async () => door.close());

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
};

const sslRequest = Buffer.concat([word(8), word(80_877_103)]);

const plain = async (): Promise<Socket> => {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {});
  const open = Promise.withResolvers<void>();
  socket.once("connect", open.resolve);
  await open.promise;
  return socket;
};

/** Everything the door sends until it closes the connection. */
const untilClosed = async (socket: Socket | TLSSocket): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  const closed = Promise.withResolvers<Buffer>();
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.once("close", () => closed.resolve(Buffer.concat(chunks)));
  socket.resume();
  return closed.promise;
};

const encrypted = async (
  options: { readonly alpn?: readonly string[]; readonly direct?: boolean } = {},
): Promise<TLSSocket> => {
  const socket = await plain();
  if (options.direct !== true) {
    const answer = Promise.withResolvers<Buffer>();
    socket.once("data", answer.resolve);
    socket.write(sslRequest);
    expect((await answer.promise).toString()).toBe("S");
    socket.removeAllListeners("data");
    socket.pause();
  }
  const secure = connectTls({
    socket,
    servername: host,
    ca: authority.ca,
    ...(options.alpn ? { ALPNProtocols: [...options.alpn] } : {}),
  });
  secure.on("error", () => {});
  const ready = Promise.withResolvers<void>();
  secure.once("secureConnect", ready.resolve);
  secure.once("close", () => ready.reject(new Error("closed")));
  await ready.promise;
  return secure;
};

const startup = (user: string): Buffer => startupMessage(new Map([["user", user]]));

/** The door is alive when an ordinary client gets its ordinary answer. */
const serves = async (): Promise<boolean> => {
  const socket = await encrypted();
  socket.write(startup("someone"));
  return (await untilClosed(socket)).includes("not today");
};

const tempting = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc
    .tuple(
      fc.integer(),
      fc.constantFrom(80_877_102, 80_877_103, 80_877_104, 196_608, 196_610, 131_072),
      fc.uint8Array({ maxLength: 200 }),
    )
    .map(([length, code, rest]) => Buffer.concat([word(length), word(code), rest])),
  fc
    .tuple(fc.constantFrom(80_877_102, 196_608, 196_610), fc.uint8Array({ maxLength: 200 }))
    .map(([code, rest]) => Buffer.concat([word(8 + rest.length), word(code), rest])),
  fc.uint8Array({ maxLength: 300 }).map((rest) => Buffer.concat([Buffer.from([0x16, 3, 1]), rest])),
  fc.constant(Buffer.alloc(20_000, 0x41)),
);

describe("whatever a stranger sends", () => {
  it("in plaintext ends at worst its own connection", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tempting, { minLength: 1, maxLength: 3 }), async (parts) => {
        const socket = await plain();
        for (const part of parts) socket.write(part);
        socket.end();
        await untilClosed(socket);
      }),
      { numRuns: 150 },
    );
    expect(await serves()).toBe(true);
  });

  it("inside TLS ends at worst its own connection", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tempting, { minLength: 1, maxLength: 3 }), async (parts) => {
        const socket = await encrypted();
        for (const part of parts) socket.write(part);
        socket.end();
        await untilClosed(socket);
      }),
      { numRuns: 60 },
    );
    expect(await serves()).toBe(true);
  });

  it("instead of a password ends at worst its own connection", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.integer(),
        fc.constantFrom("p", "Q", "X", "\0"),
        async (bytes, length, type) => {
          const socket = await encrypted();
          socket.write(startup("token"));
          socket.end(Buffer.concat([Buffer.from(type, "latin1"), word(length), bytes]));
          await untilClosed(socket);
        },
      ),
      { numRuns: 60 },
    );
    expect(await serves()).toBe(true);
  });

  it("slowly, or not at all, is cut off in time", async () => {
    const [silent, secure] = [await plain(), await encrypted()];
    const waiting = await encrypted();
    waiting.write(startup("token"));
    await Promise.all([silent, secure, waiting].map(untilClosed));
  });

  it("before the answer to its SSLRequest is never taken for encrypted data", async () => {
    const socket = await plain();
    socket.write(Buffer.concat([sslRequest, startup("someone")]));
    expect((await untilClosed(socket)).length).toBe(0);
  });

  it("in floods is refused before it is stored", async () => {
    const socket = await encrypted();
    socket.write(startup("token"));
    socket.write(Buffer.concat([Buffer.from("p"), word(200 * 1024)]));
    const flood = setInterval(() => socket.write(Buffer.alloc(64 * 1024)), 1);
    expect((await untilClosed(socket)).toString()).toContain("invalid password packet size");
    clearInterval(flood);
  });
});

describe("the front door", () => {
  it("takes long tokens whole", async () => {
    const token = "x".repeat(64_000);
    const socket = await encrypted();
    socket.write(startup("token"));
    socket.write(Buffer.concat([Buffer.from("p"), word(4 + token.length + 1), Buffer.from(`${token}\0`)]));
    await untilClosed(socket);
    expect(tokens.at(-1)).toBe(token);
  });

  it("takes direct TLS only for PostgreSQL's own protocol name", async () => {
    const named = await encrypted({ direct: true, alpn: ["postgresql"] });
    named.write(startup("someone"));
    expect((await untilClosed(named)).toString()).toContain("not today");
    await expect(encrypted({ direct: true, alpn: ["http/1.1"] })).rejects.toThrow("closed");
    const nameless = await encrypted({ direct: true });
    nameless.write(startup("someone"));
    expect((await untilClosed(nameless)).length).toBe(0);
  });

  it("has no GSS encryption to offer, and goes on with TLS", async () => {
    const socket = await plain();
    const answer = Promise.withResolvers<Buffer>();
    socket.once("data", answer.resolve);
    socket.write(Buffer.concat([word(8), word(80_877_104)]));
    expect((await answer.promise).toString()).toBe("N");
    const second = Promise.withResolvers<Buffer>();
    socket.once("data", second.resolve);
    socket.write(sslRequest);
    expect((await second.promise).toString()).toBe("S");
    socket.destroy();
  });

  it("reads back every StartupMessage it can write", () => {
    const name = fc
      .string({ minLength: 1 })
      .filter((text) => !text.includes("\0") && text.isWellFormed() && !text.startsWith("_pq_."));
    const value = fc.string().filter((text) => !text.includes("\0") && text.isWellFormed());
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
        const parameters = new Map(pairs);
        expect(parseStartup(startupMessage(parameters).subarray(4))?.parameters).toEqual(parameters);
      }),
    );
  });
});
