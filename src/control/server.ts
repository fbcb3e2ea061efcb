/**
 * Lanyard's own API, on a Unix socket in a folder that only its owner enters. Host and Origin are checked all the same:
 * a forwarded or tunnelled socket must not open it to web pages.
 */
import { chmodSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ClockChange } from "../kernel/clock.ts";
import { http } from "../wire/http.ts";
import { type ClockView, readClockChange } from "./clock.ts";
import type { DecisionLog } from "./decision-log.ts";
import type { Rotation } from "./identity.ts";
import { isIdentityProtocol } from "./identity-protocols.ts";
import { Problem } from "./problem.ts";
import {
  type BrowserGrant,
  controlHost,
  type EnvironmentGrant,
  type EnvironmentRequest,
  type ProblemBody,
  type Status,
} from "./protocol.ts";

export interface ControlHandlers {
  status(): Promise<Status>;
  environment(request: EnvironmentRequest): Promise<EnvironmentGrant>;
  browser(): Promise<BrowserGrant>;
  clock(change?: ClockChange): Promise<ClockView>;
  rotateIdentity(app: string): Promise<Rotation>;
  /** Begins to stop; the answer goes out first. */
  stop(): void;
  readonly log: DecisionLog;
}

export interface ControlServer {
  close(): Promise<void>;
}

const bodyLimit = 64 * 1024;

export const openControlServer = async (socket: string, handlers: ControlHandlers): Promise<ControlServer> => {
  // The lock is ours, so whoever left this behind is gone.
  rmSync(socket, { force: true });
  const server = http.createServer((request, response) => {
    answer(request, response, handlers).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendProblem(response, error);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socket, () => {
      server.off("error", reject);
      resolve();
    });
  });
  chmodSync(socket, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const answer = async (request: IncomingMessage, response: ServerResponse, handlers: ControlHandlers): Promise<void> => {
  const { host, origin } = request.headers;
  if (host !== controlHost || origin !== undefined || request.headers["sec-fetch-site"] !== undefined)
    throw refusal(403, "forbidden", "This API answers Lanyard's own commands only.");
  const url = new URL(request.url ?? "/", `http://${controlHost}`);
  switch (`${request.method} ${url.pathname}`) {
    case "GET /status":
      return send(response, 200, await handlers.status());
    case "GET /browser":
      return send(response, 200, await handlers.browser());
    case "POST /environment":
      return send(response, 200, await handlers.environment(environmentRequest(await readJson(request))));
    case "GET /clock":
      return send(response, 200, await handlers.clock());
    case "POST /clock":
      return send(response, 200, await handlers.clock(readClockChange(await readJson(request))));
    case "POST /identity/rotate":
      return send(response, 200, await handlers.rotateIdentity(appName(await readJson(request))));
    case "GET /logs":
      // Who asks after a request means to see it, though it is written behind.
      await handlers.log.settle();
      return streamLogs(url.searchParams, response, handlers.log);
    case "POST /stop":
      response.once("finish", () => handlers.stop());
      return send(response, 202, {});
    default:
      throw refusal(404, "unknown-path", `There is nothing at ${request.method} ${url.pathname}.`);
  }
};

class Refusal extends Problem {
  readonly status: number;
  constructor(status: number, code: string, what: string) {
    super({ code, what });
    this.status = status;
  }
}

const refusal = (status: number, code: string, what: string): Refusal => new Refusal(status, code, what);

const environmentRequest = (body: unknown): EnvironmentRequest => {
  const { as, create, identity } = members(body);
  if (as !== undefined && (typeof as !== "string" || as === "" || as.length > 1000))
    throw refusal(400, "bad-request", "`as` must be the name or id of an app.");
  if (identity !== undefined && (typeof identity !== "string" || !isIdentityProtocol(identity)))
    throw refusal(400, "bad-request", "`identity` must name one of the identity protocols.");
  return {
    ...(as === undefined ? {} : { as }),
    create: create === true,
    ...(identity === undefined ? {} : { identity }),
  };
};

const appName = (body: unknown): string => {
  const { app } = members(body);
  if (typeof app === "string" && app !== "" && app.length <= 1000) return app;
  throw refusal(400, "bad-request", "`app` must be the name or id of an app.");
};

const members = (body: unknown): Record<string, unknown> =>
  (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;

const readJson = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) throw refusal(413, "too-large", `A request body may hold ${bodyLimit} bytes.`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    throw refusal(400, "bad-request", "The request body is no JSON.");
  }
};

/** NDJSON: what is in memory first, then, with `follow`, what comes. A reader that lags far behind is cut off. */
const streamLogs = (query: URLSearchParams, response: ServerResponse, log: DecisionLog): void => {
  const denied = query.get("denied") === "true";
  const last = Math.min(Math.max(Number(query.get("last") ?? 100) || 0, 0), 2000);
  const lagLimit = 8 * 1024 * 1024;
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  const entries = log.recent(2000).filter((entry) => !denied || entry.refused);
  for (const entry of last === 0 ? [] : entries.slice(-last)) response.write(`${JSON.stringify(entry)}\n`);
  if (query.get("follow") !== "true") {
    response.end();
    return;
  }
  response.flushHeaders();
  const end = log.follow((entry) => {
    if (denied && !entry.refused) return;
    if (response.writableLength > lagLimit) response.destroy();
    else response.write(`${JSON.stringify(entry)}\n`);
  });
  response.once("close", end);
};

const send = (response: ServerResponse, status: number, body: unknown): void => {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(text);
};

const sendProblem = (response: ServerResponse, error: unknown): void => {
  const problem = error instanceof Problem ? error : undefined;
  const body: ProblemBody = {
    error: {
      code: problem?.code ?? "internal",
      what: problem?.message ?? `Lanyard failed: ${error instanceof Error ? error.message : String(error)}`,
      ...(problem?.why === undefined ? {} : { why: problem.why }),
      help: problem?.help ?? [],
    },
  };
  send(response, error instanceof Refusal ? error.status : problem === undefined ? 500 : 409, body);
};
