/** Speaks to a running tenant over its control socket. */
import type { IncomingMessage } from "node:http";
import type { ClockChange } from "../kernel/clock.ts";
import { http } from "../wire/http.ts";
import type { ClockView } from "./clock.ts";
import type { Rotation } from "./identity.ts";
import type { LogEntry } from "./log-entry.ts";
import { Problem } from "./problem.ts";
import {
  type BrowserGrant,
  controlHost,
  type EnvironmentGrant,
  type EnvironmentRequest,
  type ProblemBody,
  type Status,
} from "./protocol.ts";

/** What can be asked of a tenant: the same for one in another process and for one in this. */
export interface Control {
  status(): Promise<Status>;
  environment(request: EnvironmentRequest): Promise<EnvironmentGrant>;
  browser(): Promise<BrowserGrant>;
  /** The tenant's clock, after the change when there is one. */
  clock(change?: ClockChange): Promise<ClockView>;
  /** A new identity header for an app. */
  rotateIdentity(app: string): Promise<Rotation>;
}

export interface ControlClient extends Control {
  stop(): Promise<void>;
  /** Entries in memory, then live ones with `follow`. Ends when the tenant does. */
  logs(options: { readonly follow: boolean; readonly denied: boolean; readonly last: number }): AsyncIterable<LogEntry>;
}

export const controlClient = (socketPath: string): ControlClient => {
  const call = async (method: string, path: string, body?: unknown): Promise<IncomingMessage> => {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = http.request({ socketPath, method, path, headers: { host: controlHost }, agent: false }, resolve);
      request.once("error", (error) => reject(unreachable(socketPath, error)));
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
    if ((response.statusCode ?? 500) < 300) return response;
    const { error } = (await readJson(response)) as ProblemBody;
    throw new Problem(error);
  };
  const get = async <T>(path: string): Promise<T> => (await readJson(await call("GET", path))) as T;
  return {
    status: () => get<Status>("/status"),
    browser: () => get<BrowserGrant>("/browser"),
    clock: async (change) =>
      (await readJson(
        await (change === undefined ? call("GET", "/clock") : call("POST", "/clock", change)),
      )) as ClockView,
    environment: async (request) => (await readJson(await call("POST", "/environment", request))) as EnvironmentGrant,
    rotateIdentity: async (app) => (await readJson(await call("POST", "/identity/rotate", { app }))) as Rotation,
    stop: async () => {
      (await call("POST", "/stop")).resume();
    },
    logs: async function* ({ follow, denied, last }) {
      const response = await call("GET", `/logs?follow=${follow}&denied=${denied}&last=${last}`);
      let rest = "";
      try {
        for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) {
          const lines = (rest + chunk).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) yield JSON.parse(line) as LogEntry;
        }
      } catch (error) {
        // The tenant ended in the middle: so does its log.
        if (!response.destroyed) throw error;
      }
    },
  };
};

const readJson = async (response: IncomingMessage): Promise<unknown> => {
  let text = "";
  for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) text += chunk;
  return JSON.parse(text) as unknown;
};

const unreachable = (socketPath: string, cause: Error): Problem =>
  new Problem({
    code: "unreachable",
    what: `The tenant does not answer on ${socketPath}: ${cause.message}.`,
    help: ["lanyard status", "lanyard down, then lanyard up"],
    cause,
  });
