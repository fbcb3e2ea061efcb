/** Starts an app's process and waits until it answers HTTP, as App Service's warm-up probe does. */
import { get } from "node:http";
import { type ProcessPlan, describeExit, startProcess } from "./process.ts";
import { type Listener, allListeners, listenersOfGroup } from "./ports.ts";
import type { AppUser, Isolation } from "./isolation.ts";
import type { Reaper } from "./reaper.ts";
import type { Instance } from "./supervisor.ts";

/** Status of any HTTP answer on a port of ours; undefined when there was none. */
const probe = (port: number, path: string): Promise<number | undefined> =>
  new Promise((resolve) => {
    const request = get(
      { host: "127.0.0.1", port, path, agent: false, timeout: 10_000, headers: { "User-Agent": "HealthCheck/1.0" } },
      (message) => {
        message.resume();
        resolve(message.statusCode);
        // The head is all we need; an endless body must not keep the connection.
        request.destroy();
      },
    );
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(undefined));
  });

export interface WarmUp {
  readonly path: string;
  /** Only these statuses count; undefined: any. */
  readonly statuses: readonly number[] | undefined;
  readonly limitMs: number;
}

/** WEBSITE_WARMUP_PATH, WEBSITE_WARMUP_STATUSES, WEBSITES_CONTAINER_START_TIME_LIMIT (docs: environment variables). */
export const warmUpOf = (settings: Readonly<Record<string, string>>): WarmUp => {
  const path = settings["WEBSITE_WARMUP_PATH"] ?? "/robots933456.txt";
  const statuses = settings["WEBSITE_WARMUP_STATUSES"]?.split(",").map(Number).filter(Number.isInteger);
  const seconds = Number(settings["WEBSITES_CONTAINER_START_TIME_LIMIT"] ?? 230);
  return {
    path: /^\/[\x21-\x7e]*$/.test(path) ? path : "/robots933456.txt",
    statuses: statuses === undefined || statuses.length === 0 ? undefined : statuses,
    limitMs: (Number.isFinite(seconds) ? Math.min(Math.max(seconds, 10), 1800) : 230) * 1000,
  };
};

export interface LaunchInput {
  readonly plan: Omit<ProcessPlan, "user">;
  readonly user: AppUser | undefined;
  readonly port: number;
  readonly warmUp: WarmUp;
  readonly say: (text: string) => void;
  readonly graceMs?: number;
  /** A port is not offered to other apps while this one may use it. */
  readonly onEnd: () => void;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The app's own listening sockets: by its user where it has one, by its process group otherwise. */
const listenersOf = async (group: number, user: AppUser | undefined): Promise<Listener[]> =>
  user === undefined
    ? listenersOfGroup(group)
    : ((await allListeners()) ?? []).filter((listener) => listener.uid === user.uid);

/** How long only the port in PORT is tried, before any other port that the app listens on counts as well. */
const patienceMs = 3_000;

export const launchApp = (input: LaunchInput, isolation: Isolation, reaper: Reaper): Instance => {
  const { user, port, say, warmUp } = input;
  const child = startProcess({ ...input.plan, user }, isolation, reaper);
  let over = false;
  const ended = child.exited.then(async (exit) => {
    over = true;
    if (user !== undefined) await reaper.sweep(user);
    input.onEnd();
    return describeExit(exit);
  });

  /** Somebody else's listener on the app's port must never get the app's traffic. */
  const isOurs = async (candidate: number): Promise<boolean> => {
    if (user === undefined) return true;
    const all = await allListeners();
    return all === undefined || all.some((listener) => listener.port === candidate && listener.uid === user.uid);
  };

  const candidates = async (waited: number): Promise<number[]> => {
    if (waited < patienceMs || child.pid === undefined) return [port];
    const found = (await listenersOf(child.pid, user)).map((listener) => listener.port);
    return [...new Set([port, ...found])];
  };

  const warnExposed = async () => {
    if (child.pid === undefined) return;
    for (const listener of await listenersOf(child.pid, user)) {
      if (!listener.exposed) continue;
      say(
        `Warning: the app listens on port ${listener.port} on all addresses; other machines on this network can reach it.`,
      );
    }
  };

  const waitUntilReady = async (): Promise<number> => {
    const began = performance.now();
    for (let wait = 25; ; wait = Math.min(wait * 1.5, 500)) {
      const waited = performance.now() - began;
      // Its end is reported by `ended`, with the exit code.
      if (over) return new Promise<never>(() => undefined);
      for (const candidate of await candidates(waited)) {
        const status = await probe(candidate, warmUp.path);
        if (status === undefined || (warmUp.statuses !== undefined && !warmUp.statuses.includes(status))) continue;
        if (!(await isOurs(candidate))) continue;
        if (candidate !== port) say(`The app listens on port ${candidate}, not on ${port} (PORT); traffic goes there.`);
        await warnExposed();
        return candidate;
      }
      if (waited > warmUp.limitMs) {
        const seconds = Math.round(warmUp.limitMs / 1000);
        throw new Error(`ContainerTimeout: Container did not start within expected time limit of ${seconds}s.`);
      }
      await pause(wait);
    }
  };

  return {
    ready: waitUntilReady(),
    ended,
    stop: async () => {
      await child.stop(input.graceMs ?? 5_000);
      await ended;
    },
  };
};
