/**
 * The threads that scripts run in: started with the first script, at most two, kept warm for a while. A script that does not
 * stop when it is told to goes with its thread.
 */
import { Worker } from "node:worker_threads";
import { busy } from "./outcomes.ts";
import type { FromThread, QueryJob, QueryOutcome, ScriptJob, ScriptOutcome, ToThread } from "./protocol.ts";

export interface ScriptPool extends AsyncDisposable {
  /**
   * Runs a script to its end.
   * @param perform answers an operation of the script by a JSON text; when it throws, so does `run`
   * @throws 429 when too many wait already
   */
  run(job: ScriptJob, perform: (operation: string, payload: string) => Promise<string>): Promise<ScriptOutcome>;
  /** Runs a query with user-defined functions over batches of documents (JSON arrays). */
  query(job: QueryJob, batches: AsyncIterable<string>): Promise<QueryOutcome>;
  /** Threads that run, for tests. */
  readonly threads: () => number;
}

export interface ScriptPoolOptions {
  /** Threads; default 2. */
  readonly size?: number;
  /** How long an unused thread is kept; default one minute. */
  readonly idleMilliseconds?: number;
  /** Jobs that may wait for a thread; default 500. Those beyond are 429. */
  readonly longestQueue?: number;
}

/** A thread that has not begun by then never will. */
const startMilliseconds = 30_000;
/** After its time a script has this long to notice; then its thread is ended. */
const patience = 1000;

/** Source runs as it is under Node's type stripping; a build has `.js`. */
const script = new URL(`./thread${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

type Listener = (message: FromThread) => void;

class ScriptThread {
  readonly #worker: Worker;
  readonly #listeners = new Map<number, { readonly hear: Listener; readonly end: (why: Error) => void }>();
  #next = 0;
  ended = false;

  constructor(onEnd: (thread: ScriptThread) => void) {
    // No inspector, no preload hooks and nothing of the environment; what QuickJS prints when it breaks is nobody's.
    this.#worker = new Worker(script, {
      execArgv: [],
      env: {},
      name: "cosmos-scripts",
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    let why = new Error("The thread of the script ended.");
    this.#worker.on("message", (message: FromThread) => this.#listeners.get(message.id)?.hear(message));
    this.#worker.on("error", (error: unknown) => {
      why = error instanceof Error ? error : new Error(String(error));
    });
    this.#worker.once("exit", () => {
      this.ended = true;
      onEnd(this);
      for (const { end } of this.#listeners.values()) end(why);
      this.#listeners.clear();
    });
    this.#worker.unref();
  }

  /** A job of this thread. @param end told when the thread ends before the job */
  open(hear: Listener, end: (why: Error) => void): { readonly id: number; readonly close: () => void } {
    const id = (this.#next += 1);
    this.#listeners.set(id, { hear, end });
    return { id, close: () => void this.#listeners.delete(id) };
  }

  tell(message: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of worker_threads, not a window
    this.#worker.postMessage(message);
  }

  async end(): Promise<void> {
    this.ended = true;
    await this.#worker.terminate();
  }
}

export const openScriptPool = (options: ScriptPoolOptions = {}): ScriptPool => {
  const { size = 2, idleMilliseconds = 60_000, longestQueue = 500 } = options;
  const threads = new Set<ScriptThread>();
  const idle = new Map<ScriptThread, NodeJS.Timeout>();
  const waiting: PromiseWithResolvers<ScriptThread>[] = [];
  let closed = false;

  const start = (): ScriptThread => {
    const thread = new ScriptThread((ended) => {
      threads.delete(ended);
      clearTimeout(idle.get(ended));
      idle.delete(ended);
      // Those who wait get a thread in its place.
      if (!closed && waiting.length > 0 && threads.size < size) waiting.shift()?.resolve(start());
    });
    threads.add(thread);
    return thread;
  };
  const take = (): Promise<ScriptThread> => {
    if (closed) return Promise.reject(new Error("The tenant has been closed."));
    // The most recently used one: the others may go.
    const warm = [...idle.keys()].at(-1);
    if (warm !== undefined) {
      clearTimeout(idle.get(warm));
      idle.delete(warm);
      return Promise.resolve(warm);
    }
    if (threads.size < size) return Promise.resolve(start());
    if (waiting.length >= longestQueue) return Promise.reject(busy());
    const turn = Promise.withResolvers<ScriptThread>();
    waiting.push(turn);
    return turn.promise;
  };
  const giveBack = (thread: ScriptThread): void => {
    if (thread.ended) return;
    const next = waiting.shift();
    if (next !== undefined) return next.resolve(thread);
    const rest = (): void => {
      idle.delete(thread);
      void thread.end();
    };
    idle.set(thread, setTimeout(rest, idleMilliseconds).unref());
  };
  const onThread = async <T>(work: (thread: ScriptThread) => Promise<T>): Promise<T> => {
    const thread = await take();
    try {
      return await work(thread);
    } finally {
      giveBack(thread);
    }
  };

  return {
    run: (job, perform) =>
      onThread(async (thread) => {
        const result = Promise.withResolvers<ScriptOutcome>();
        const giveUp = (): void => {
          result.resolve({ ok: false, cause: "timeout", log: "" });
          void thread.end();
        };
        let watch = setTimeout(giveUp, startMilliseconds);
        let line = Promise.resolve();
        let over = false;
        const { id, close } = thread.open((message) => {
          if (message.kind === "ran") result.resolve(message.outcome);
          if (message.kind === "began") {
            clearTimeout(watch);
            watch = setTimeout(giveUp, job.milliseconds + patience);
          }
          if (message.kind !== "call") return;
          const { call, operation, payload } = message;
          // One after the other: a script's operations happen in the order of its asking.
          line = line
            .then(async () => {
              if (!over) thread.tell({ kind: "answer", id, call, text: await perform(operation, payload) });
            })
            .catch(result.reject);
        }, result.reject);
        try {
          thread.tell({ kind: "run", id, job });
          return await result.promise;
        } catch (error) {
          // The script is in the middle of something that nobody answers any more.
          void thread.end();
          throw error;
        } finally {
          // Nobody waits for what it may still have asked.
          over = true;
          clearTimeout(watch);
          close();
        }
      }),
    query: (job, batches) =>
      onThread(async (thread) => {
        const result = Promise.withResolvers<QueryOutcome>();
        let taken = Promise.withResolvers<boolean>();
        const { id, close } = thread.open((message) => {
          if (message.kind === "queried") result.resolve(message.outcome);
          if (message.kind === "taken") taken.resolve(message.more);
        }, result.reject);
        const over = result.promise.then(() => false);
        over.catch(() => undefined);
        let watch: NodeJS.Timeout | undefined;
        /** Whether the thread wants more, once it has done what it was told last. */
        const wanted = async (): Promise<boolean> => {
          watch = setTimeout(() => {
            result.resolve({ ok: false, cause: "timeout" });
            void thread.end();
          }, job.milliseconds + patience);
          try {
            return await Promise.race([taken.promise, over]);
          } finally {
            clearTimeout(watch);
          }
        };
        try {
          thread.tell({ kind: "query", id, job });
          let more = await wanted();
          if (more)
            for await (const batch of batches) {
              taken = Promise.withResolvers();
              thread.tell({ kind: "documents", id, batch });
              more = await wanted();
              if (!more) break;
            }
          taken = Promise.withResolvers();
          thread.tell({ kind: "documents", id, batch: undefined });
          await wanted();
          return await result.promise;
        } catch (error) {
          // Nobody will tell it of further documents, and it would hold what it has for ever.
          void thread.end();
          throw error;
        } finally {
          close();
        }
      }),
    threads: () => threads.size,
    [Symbol.asyncDispose]: async () => {
      closed = true;
      for (const turn of waiting.splice(0)) turn.reject(new Error("The tenant has been closed."));
      await Promise.all([...threads].map((thread) => thread.end()));
    },
  };
};
