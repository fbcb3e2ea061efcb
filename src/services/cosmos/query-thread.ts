/**
 * Queries run in a thread of their own: however large what they sort, join or hold, the thread that serves everybody only reads
 * rows from the store for it and passes the answer on. The thread starts with the first query; one that is stuck or out
 * of memory is ended, and what it was asked is asked again, once.
 */
import { Worker } from "node:worker_threads";
import { Fault, type FaultInit } from "../../kernel/fault.ts";
import type { StoredText } from "../../store/store.ts";
import type { QuerySpec } from "./engine/query-port.ts";
import type { PageAnswer, PageQuestion, QueryReader } from "./engine/reader-port.ts";
import { containerPartition, type Json, type JsonObject } from "./engine/records.ts";
import type { ItemRange, ItemSource, ItemSources } from "./engine/source.ts";
import { badRequest } from "./faults.ts";
import type { QueryPlan } from "./query/query.ts";

/** What is asked of the thread. */
export type Question =
  | {
      readonly kind: "page";
      readonly question: PageQuestion;
      /** The container's LSN, which would be asked for first. */
      readonly lsn: number;
    }
  | { readonly kind: "list"; readonly spec: QuerySpec; readonly documents: readonly JsonObject[]; readonly now: number }
  | { readonly kind: "functions"; readonly spec: QuerySpec; readonly now: number }
  | { readonly kind: "plan"; readonly spec: QuerySpec; readonly definition: JsonObject; readonly now: number };

export type ToThread =
  | { readonly kind: "ask"; readonly id: number; readonly question: Question }
  | { readonly kind: "found"; readonly id: number; readonly found: readonly StoredText[] | number }
  | { readonly kind: "lost"; readonly id: number; readonly message: string }
  | { readonly kind: "forget"; readonly rid: string };

/** What the thread wants to read of a partition. */
export type Reading =
  | { readonly what: "list"; readonly range: ItemRange }
  | { readonly what: "get"; readonly keys: readonly string[] }
  | { readonly what: "changes"; readonly after: number; readonly limit: number }
  | { readonly what: "sequence" };

export type FromThread =
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly kind: "refusal"; readonly id: number; readonly fault: FaultInit }
  | { readonly kind: "failure"; readonly id: number; readonly message: string }
  | { readonly kind: "read"; readonly id: number; readonly partition: string; readonly reading: Reading };

export interface ThreadOptions {
  /** Bound of the documents kept parsed in memory, in bytes of JSON. */
  readonly cacheBytes: number;
  readonly heapBytes: number;
  /** Counted up by the thread's event loop. */
  readonly beat: Int32Array<SharedArrayBuffer>;
}

interface Job {
  readonly question: Question;
  readonly result: PromiseWithResolvers<unknown>;
  /** A thread ended over it before. */
  readonly again: boolean;
}

/** Source runs as it is under Node's type stripping; a build has `.js`. */
const script = new URL(`./query-worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

const megabyte = 1024 * 1024;
/** Parsed documents take about 2.5 times their JSON; results, sorts and garbage take the rest. */
const heapOf = (cacheBytes: number): number => Math.max(512 * megabyte, cacheBytes * 6);
/** V8 ends the process when a thread is beyond its limit and asks for much at once: nobody shall come near it. */
const limitOf = (heapBytes: number): number => Math.ceil(heapBytes / megabyte) + 2048;

/** Twice as much, Node's default, is not faster here and stays with the process. */
const youngMegabytes = 24;

/** Milliseconds between two looks at a thread that has work. */
const lookEvery = 1000;

class QueryThread {
  readonly #worker: Worker;
  readonly #jobs = new Map<number, Job>();
  readonly #beat = new Int32Array(new SharedArrayBuffer(4));
  #next = 0;
  #watch: NodeJS.Timeout | undefined;

  /** @param patience milliseconds without a turn of its event loop @param onEnd told once, with the jobs that are left undone */
  constructor(
    {
      sources,
      cacheBytes,
      patience,
      heapBytes,
    }: { sources: ItemSources; cacheBytes: number; patience: number; heapBytes: number },
    onEnd: (left: readonly Job[], why: string) => void,
  ) {
    const workerData: ThreadOptions = { cacheBytes, heapBytes, beat: this.#beat };
    // No inspector, no preload hooks and nothing of the environment: a thread that only computes.
    this.#worker = new Worker(script, {
      execArgv: [],
      env: {},
      name: "cosmos-queries",
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: limitOf(heapBytes), maxYoungGenerationSizeMb: youngMegabytes },
    });
    let why = "it ended";
    this.#worker.on("message", (message: FromThread) => {
      if (message.kind === "read") void this.#read(sources, message);
      else this.#settle(message);
    });
    this.#worker.on("error", (error: unknown) => {
      why = error instanceof Error ? error.message : String(error);
    });
    this.#worker.once("exit", () => {
      clearInterval(this.#watch);
      const left = [...this.#jobs.values()];
      this.#jobs.clear();
      onEnd(left, why);
    });
    this.#worker.unref();
    this.#look(patience, (reason) => {
      why = reason;
    });
  }

  ask(job: Job): void {
    const id = (this.#next += 1);
    this.#jobs.set(id, job);
    this.tell({ kind: "ask", id, question: job.question });
  }

  tell(message: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of worker_threads, not a window
    this.#worker.postMessage(message);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #look(patience: number, tell: (why: string) => void): void {
    let seen = -1;
    let still = 0;
    this.#watch = setInterval(() => {
      const beat = Atomics.load(this.#beat, 0);
      still = this.#jobs.size > 0 && beat === seen && beat > 0 ? still + lookEvery : 0;
      seen = beat;
      if (still < patience) return;
      tell(`one document kept it busy for ${patience / 1000} s`);
      void this.end();
    }, lookEvery).unref();
  }

  async #read(sources: ItemSources, { id, partition, reading }: FromThread & { kind: "read" }): Promise<void> {
    try {
      this.tell({ kind: "found", id, found: await readFrom(sources(partition), reading) });
    } catch (error) {
      this.tell({ kind: "lost", id, message: error instanceof Error ? error.message : String(error) });
    }
  }

  #settle(message: Exclude<FromThread, { kind: "read" }>): void {
    const job = this.#jobs.get(message.id);
    this.#jobs.delete(message.id);
    if (message.kind === "answer") job?.result.resolve(message.answer);
    else if (message.kind === "refusal") job?.result.reject(new Fault(message.fault));
    else job?.result.reject(new Error(message.message));
  }
}

const readFrom = (source: ItemSource, reading: Reading): Promise<readonly StoredText[] | number> => {
  switch (reading.what) {
    case "list":
      return source.list(reading.range);
    case "get":
      return source.get(reading.keys);
    case "changes":
      return source.changes(reading.after, reading.limit);
    case "sequence":
      return source.sequence();
  }
};

/** @param patience how long one document may keep the thread busy, in milliseconds; default 15 s */
export const openQueryThread = (options: {
  readonly sources: ItemSources;
  readonly cacheBytes: number;
  /** Tenant clock. */
  readonly now: () => number;
  readonly patience?: number;
  /** Of the thread's heap that a query must not go beyond; default: by the cache. */
  readonly heapBytes?: number;
}): QueryReader => {
  const { sources, cacheBytes, now, patience = 15_000, heapBytes = heapOf(cacheBytes) } = options;
  let thread: QueryThread | undefined;
  let closed = false;
  let retries = Promise.resolve();

  const ended = (left: readonly Job[], why: string): void => {
    thread = undefined;
    for (const job of left)
      if (closed) job.result.reject(new Error("The tenant has been closed."));
      else if (job.again)
        job.result.reject(
          badRequest(
            `The SQL query is too complex: the thread that ran it stopped (${why}). Use TOP, a filter, or fewer JOINs.`,
          ),
        );
      // Alone: which of them it was is not known.
      else retries = retries.then(() => give({ ...job, again: true })).then(ignored, ignored);
  };
  const give = (job: Job): Promise<unknown> => {
    thread ??= new QueryThread({ sources, cacheBytes, patience, heapBytes }, ended);
    thread.ask(job);
    return job.result.promise;
  };
  const ask = async (question: Question): Promise<unknown> => {
    if (closed) throw new Error("The tenant has been closed.");
    return give({ question, result: Promise.withResolvers(), again: false });
  };
  // What the thread answers is what the reader in it does: the same interface.
  return {
    page: async (question) => {
      const lsn = await sources(containerPartition(question.account, question.container)).sequence();
      return ask({ kind: "page", question, lsn }) as Promise<PageAnswer>;
    },
    list: (spec, documents) => ask({ kind: "list", spec, documents, now: now() }) as Promise<readonly Json[]>,
    plan: (spec, definition) => ask({ kind: "plan", spec, definition, now: now() }) as Promise<QueryPlan>,
    functionsOf: (spec) => ask({ kind: "functions", spec, now: now() }) as Promise<readonly string[]>,
    forget: (rid) => thread?.tell({ kind: "forget", rid }),
    close: async () => {
      closed = true;
      await thread?.end();
    },
  };
};

const ignored = (): void => undefined;
