/** Keeps apps of containers running: starts them, follows their output, starts them again when they end. */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { forward, forwardUpgrade, type ForwardTarget } from "../host/forward.ts";
import { type AppLog, type LogLine, openAppLog } from "../host/log-stream.ts";
import { unreachablePage } from "../host/pages.ts";
import type { Reply, Request } from "../kernel/message.ts";
import type { ContainerSpec, Engine, EngineContainer, NoEngine } from "./engine.ts";

export interface HostedContainer extends Omit<ContainerSpec, "name" | "labels"> {
  readonly name: string;
}

export interface HostedApp {
  readonly id: string;
  /** Short and unique: names the containers and the log's folder. */
  readonly label: string;
  readonly name: string;
  readonly revision: string;
  readonly hostName: string;
  readonly targetPort: number | undefined;
  /** Composed at each start, so that a new secret takes effect with it. */
  readonly containers: () => Promise<readonly HostedContainer[]>;
}

export type Phase = "none" | "starting" | "running" | "waiting" | "no-engine" | "stopped";

export interface HostState {
  readonly phase: Phase;
  readonly detail?: string;
  readonly revision?: string;
  readonly restarts: number;
}

export interface ContainerHostOptions {
  readonly engine: () => Promise<Engine | NoEngine>;
  /** Marks our containers, so that a later process finds what an earlier one left behind. */
  readonly tenantId: string;
  readonly logFolder: (label: string) => string;
  /** First pause before a new start; doubled with each failure. */
  readonly firstPauseMs?: number;
}

interface Entry {
  app: HostedApp;
  readonly log: AppLog;
  phase: Phase;
  detail: string | undefined;
  restarts: number;
  failures: number;
  /** Another value: what was under way is void. */
  run: number;
  containers: EngineContainer[];
  timer: NodeJS.Timeout | undefined;
  ready: Promise<void>;
  /** Containers that are being made or removed: none is left when it has resolved after a halt. */
  ending: Promise<unknown>;
}

const graceSeconds = 5;
const longestPauseMs = 300_000;
/** Who ran this long has started well. */
const wellMs = 60_000;
const startLimitMs = 240_000;

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: 1000 });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class ContainerHost implements AsyncDisposable {
  readonly #options: ContainerHostOptions;
  readonly #entries = new Map<string, Entry>();
  /** Marks what this process started: a successor's containers are not to end with us. */
  readonly #process = randomUUID();
  #engine: Promise<Engine | NoEngine> | undefined;
  #unguard: (() => void) | undefined;

  constructor(options: ContainerHostOptions) {
    this.#options = options;
  }

  state(id: string): HostState {
    const entry = this.#entries.get(key(id));
    if (entry === undefined) return { phase: "none", restarts: 0 };
    const { phase, detail, restarts, app } = entry;
    return { phase, restarts, revision: app.revision, ...(detail === undefined ? {} : { detail }) };
  }

  /** Wants an app running. Left alone when this revision already is. */
  async run(app: HostedApp): Promise<void> {
    const known = this.#entries.get(key(app.id));
    if (known !== undefined && known.app.revision === app.revision && isLive(known.phase)) {
      known.app = app;
      return;
    }
    await this.restart(app);
  }

  async restart(app: HostedApp): Promise<void> {
    const entry = this.#entryOf(app);
    await this.#halt(entry, "stopped");
    entry.app = app;
    entry.failures = 0;
    await this.#start(entry);
  }

  async stop(id: string): Promise<void> {
    const entry = this.#entries.get(key(id));
    if (entry !== undefined) await this.#halt(entry, "stopped");
  }

  async remove(id: string): Promise<void> {
    const entry = this.#entries.get(key(id));
    if (entry === undefined) return;
    this.#entries.delete(key(id));
    await this.#halt(entry, "none");
    entry.log.close();
    await rm(this.#options.logFolder(entry.app.label), { recursive: true, force: true });
  }

  async *logs(id: string, options: { readonly tail: number; readonly signal?: AbortSignal }): AsyncIterable<LogLine> {
    const entry = this.#entries.get(key(id));
    if (entry !== undefined) yield* entry.log.follow(options);
  }

  async forward(id: string, request: Request, port: number): Promise<Reply> {
    const target = await this.#targetOf(id, port);
    return target === undefined ? unreachablePage() : forward(request, target);
  }

  async upgrade(id: string, request: Request, socket: Duplex, head: Buffer, port: number): Promise<void> {
    const target = await this.#targetOf(id, port);
    if (target === undefined) socket.destroy();
    else forwardUpgrade(request, socket, head, target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((id) => this.stop(id)));
    for (const { log } of this.#entries.values()) log.close();
    this.#unguard?.();
  }

  async #targetOf(id: string, port: number): Promise<ForwardTarget | undefined> {
    const entry = this.#entries.get(key(id));
    if (entry === undefined) return undefined;
    await entry.ready;
    if (entry.phase !== "running" || this.#ownerOf(port, entry) !== undefined) return undefined;
    const { name, hostName } = entry.app;
    return {
      port,
      site: name,
      defaultHostName: hostName,
      frontEnd: "envoy",
      say: (text) => entry.log.write("platform", text),
    };
  }

  /** Another app that has the port: containers share this machine's network. */
  #ownerOf(port: number | undefined, besides: Entry): Entry | undefined {
    if (port === undefined) return undefined;
    return [...this.#entries.values()].find(
      (other) => other !== besides && other.app.targetPort === port && other.containers.length > 0,
    );
  }

  #entryOf(app: HostedApp): Entry {
    const known = this.#entries.get(key(app.id));
    if (known !== undefined) return known;
    const made: Entry = {
      app,
      log: openAppLog(this.#options.logFolder(app.label)),
      phase: "stopped",
      detail: undefined,
      restarts: 0,
      failures: 0,
      run: 0,
      containers: [],
      timer: undefined,
      ready: Promise.resolve(),
      ending: Promise.resolve(),
    };
    this.#entries.set(key(app.id), made);
    return made;
  }

  /** An engine that was not there may be next time; one that was is kept. */
  async #findEngine(): Promise<Engine | NoEngine> {
    const asked = (this.#engine ??= this.#options.engine().then(async (found) => {
      if ("reason" in found) this.#engine = undefined;
      else {
        await found.sweep(`lanyard.tenant=${this.#options.tenantId}`);
        this.#unguard = found.guard(`lanyard.process=${this.#process}`);
      }
      return found;
    }));
    try {
      return await asked;
    } catch (error) {
      this.#engine = undefined;
      return { reason: textOf(error) };
    }
  }

  async #start(entry: Entry): Promise<void> {
    const run = ++entry.run;
    entry.phase = "starting";
    entry.detail = undefined;
    const engine = await this.#findEngine();
    if (entry.run !== run) return;
    if ("reason" in engine) {
      entry.phase = "no-engine";
      entry.detail = `No container engine answers: ${engine.reason} Start one, or run the app as a process of this machine: lanyard run --as ${entry.app.name} -- COMMAND`;
      entry.log.write("platform", entry.detail);
      return;
    }
    const launched = this.#launch(entry, run, engine).catch((error) => this.#failed(entry, run, textOf(error)));
    entry.ready = launched.then(() => this.#awaitReady(entry, run));
    await launched;
  }

  async #launch(entry: Entry, run: number, engine: Engine): Promise<void> {
    const { app, log } = entry;
    const { targetPort } = app;
    const owner = this.#ownerOf(targetPort, entry);
    if (owner !== undefined || (targetPort !== undefined && (await accepts(targetPort))))
      throw new Error(
        `Port ${targetPort} is taken${owner === undefined ? " by another program" : ` by the container app ${owner.app.name}`}. Containers use this machine's network, so each app needs a target port of its own.`,
      );
    for (const container of await app.containers()) {
      await engine.provide(container.image, (line) => log.write("platform", line));
      if (entry.run !== run) return;
      const creating = this.#create(entry, run, engine, container);
      entry.ending = Promise.allSettled([entry.ending, creating]);
      await creating;
    }
  }

  async #create(entry: Entry, run: number, engine: Engine, container: HostedContainer): Promise<void> {
    const { app, log } = entry;
    const pipes = { stdout: log.pipe("stdout"), stderr: log.pipe("stderr") };
    const made = await engine.create(
      {
        ...container,
        name: `lanyard-${this.#options.tenantId.slice(0, 8)}-${app.label}-${container.name}`,
        labels: {
          "lanyard.tenant": this.#options.tenantId,
          "lanyard.app": app.id,
          "lanyard.revision": app.revision,
          "lanyard.process": this.#process,
        },
      },
      { stdout: pipes.stdout.push, stderr: pipes.stderr.push },
    );
    if (entry.run !== run) return made.remove(0);
    entry.containers.push(made);
    await made.start();
    log.write("platform", `Container ${container.name} of ${app.revision} started on ${engine.description}`);
    void made.ended.then((code) => {
      pipes.stdout.end();
      pipes.stderr.end();
      return this.#failed(entry, run, `Container ${container.name} ended with code ${code}.`);
    });
  }

  /** An app with an ingress runs once its port accepts connections. */
  async #awaitReady(entry: Entry, run: number): Promise<void> {
    const { targetPort } = entry.app;
    const deadline = performance.now() + startLimitMs;
    const isOpen = async () => targetPort === undefined || (await accepts(targetPort));
    while (entry.run === run && !(await isOpen())) {
      if (performance.now() > deadline)
        return this.#failed(
          entry,
          run,
          `Port ${targetPort} did not accept connections within ${startLimitMs / 1000} s.`,
        );
      await pause(50);
    }
    if (entry.run !== run) return;
    entry.phase = "running";
    const mark = setTimeout(() => {
      if (entry.run === run) entry.failures = 0;
    }, wellMs);
    mark.unref();
  }

  async #failed(entry: Entry, run: number, why: string): Promise<void> {
    if (entry.run !== run) return;
    await this.#halt(entry, "waiting");
    const wait = Math.min(longestPauseMs, (this.#options.firstPauseMs ?? 1000) * 2 ** entry.failures);
    entry.failures += 1;
    entry.detail = why;
    entry.log.write("platform", `${why} Next start in ${Math.ceil(wait / 1000)} s.`);
    const halted = entry.run;
    entry.timer = setTimeout(() => {
      if (entry.run !== halted) return;
      entry.restarts += 1;
      void this.#start(entry);
    }, wait);
    entry.timer.unref();
  }

  async #halt(entry: Entry, phase: Phase): Promise<void> {
    entry.run += 1;
    entry.phase = phase;
    entry.detail = undefined;
    clearTimeout(entry.timer);
    const removals = entry.containers
      .splice(0)
      .map((each) => each.remove(graceSeconds).catch((error) => entry.log.write("platform", textOf(error))));
    // Also what an earlier halt, or a container just being made, has not finished.
    entry.ending = Promise.allSettled([entry.ending, ...removals]);
    await entry.ending;
  }
}

const key = (id: string): string => id.toLowerCase();
const isLive = (phase: Phase): boolean => phase === "starting" || phase === "running" || phase === "waiting";
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).trim();
