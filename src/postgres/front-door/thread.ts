/** The front door in a worker thread, seen from the main thread. */
import { createServer } from "node:net";
import { Worker } from "node:worker_threads";
import { channel, type Methods } from "./channel.ts";
import type { Attempt, Gate } from "./gate.ts";

export interface FrontDoorThread {
  /** The shared port. */
  readonly port: number;
  add(name: string, preferred: readonly number[]): Promise<number>;
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Source runs as it is under Node's type stripping; a build has `.js`. */
const script = new URL(`./worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

export interface HeldPort {
  readonly port: number;
  release(): Promise<void>;
}

/**
 * Takes a port of 127.0.0.1 and answers nobody on it: environments name the port before there is a server, and a thread
 * costs memory.
 * @param preferred tried in order; when none is free, the system chooses.
 */
export const holdPort = async (preferred: readonly number[]): Promise<HeldPort> => {
  for (const port of [...preferred, 0]) {
    const held = await tryPort(port);
    if (held !== undefined) return held;
  }
  throw new Error("No port of 127.0.0.1 is free.");
};

const tryPort = async (port: number): Promise<HeldPort | undefined> =>
  new Promise((done) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.once("error", () => done(undefined));
    server.listen({ host: "127.0.0.1", port }, () => {
      const address = server.address();
      if (typeof address !== "object" || address === null) return done(undefined);
      const release = async (): Promise<void> =>
        new Promise((released) => {
          server.close(() => released());
        });
      return done({ port: address.port, release });
    });
  });

/** @param onCrash told when the thread ended unasked; its connections are gone. */
export const startFrontDoor = async (
  gate: Gate,
  preferred: readonly number[],
  onCrash: () => void,
): Promise<FrontDoorThread> => {
  // No inspector, no preload hooks and nothing of the environment: a thread that only moves bytes.
  const worker = new Worker(script, { execArgv: [], env: {}, name: "postgres-front-door" });
  const methods = {
    certificate: (host: string) => gate.certificate(host),
    begin: (attempt: Attempt) => gate.begin(attempt),
    token: (attempt: Attempt, token: string, renew: boolean) => gate.token(attempt, token, renew),
    outcome: (attempt: Attempt, allowed: boolean, reason: string, oid?: string) =>
      gate.outcome(attempt, allowed, reason, oid),
  } satisfies Methods;
  const main = channel(worker, methods);
  worker.once("error", (error: unknown) => {
    main.fail(`The PostgreSQL front door stopped: ${error instanceof Error ? error.message : String(error)}`);
  });
  let closing = false;
  worker.once("exit", () => {
    main.fail("The PostgreSQL front door has stopped.");
    if (!closing) onCrash();
  });
  const port = Number(await main.call("open", preferred));
  return {
    port,
    add: async (name, wanted) => Number(await main.call("add", name, wanted)),
    remove: async (name) => {
      await main.call("remove", name);
    },
    close: async () => {
      closing = true;
      await main.call("close").catch(() => {});
      await worker.terminate();
    },
  };
};
