/**
 * Private RSA operations in worker threads. Node has them only synchronously (`privateEncrypt`), where each would hold up
 * every other request for its time. Threads start with the first operation and do not keep the process alive.
 */
import type { KeyObject } from "node:crypto";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { RsaAnswer, RsaPacket } from "./rsa-worker.ts";
import { type PrivateRsa, privateRsaHere, type RsaWork } from "./services/key-vault/private-rsa.ts";

export interface RsaPool extends AsyncDisposable {
  readonly privateRsa: PrivateRsa;
  /** Threads that run, for tests that end one. */
  readonly threads: () => readonly Worker[];
}

export interface RsaPoolOptions {
  /** Default: a processor is left to the thread that serves, and two are enough for one machine's apps. */
  readonly size?: number;
  /** Operations that may wait; default 1024. Those beyond are done by the caller's thread, which slows the callers down. */
  readonly longestQueue?: number;
}

interface Job {
  readonly key: KeyObject;
  readonly work: RsaWork;
  readonly result: PromiseWithResolvers<Buffer | undefined>;
  /** A thread ended over it before. */
  readonly again: boolean;
}

/** Source runs as it is under Node's type stripping; a build has `.js`. */
const script = new URL(`./rsa-worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

/** Keys that a thread knows at a time, as many as Key Vault keeps parsed. */
const remembered = 200;

class RsaThread {
  readonly worker: Worker;
  readonly jobs = new Map<number, Job>();
  readonly #numbers = new Map<KeyObject, number>();
  #next = 0;

  /** @param onEnd told once, with the jobs that are left undone */
  constructor(onEnd: (thread: RsaThread, left: readonly Job[], why: string) => void) {
    // No inspector, no preload hooks and nothing of the environment: a thread that only computes.
    this.worker = new Worker(script, { execArgv: [], env: {}, name: "private-rsa" });
    let why = "it ended";
    this.worker.on("message", ({ id, value }: RsaAnswer) => {
      const job = this.jobs.get(id);
      this.jobs.delete(id);
      job?.result.resolve(value && Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    });
    this.worker.on("error", (error: unknown) => {
      why = error instanceof Error ? error.message : String(error);
    });
    this.worker.once("exit", () => {
      const left = [...this.jobs.values()];
      this.jobs.clear();
      onEnd(this, left, why);
    });
    this.worker.unref();
  }

  take(job: Job): void {
    const id = (this.#next += 1);
    this.jobs.set(id, job);
    const { value } = job.work;
    // A copy: small buffers share their memory with others, and all of it would cross.
    this.#post({ id, with: this.#numberOf(job.key), work: { ...job.work, value: new Uint8Array(value) } });
  }

  #numberOf(key: KeyObject): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#numbers;
    if (oldest !== undefined && this.#numbers.size >= remembered) {
      this.#numbers.delete(oldest[0]);
      this.#post({ forget: oldest[1] });
    }
    const number = (this.#next += 1);
    this.#numbers.set(key, number);
    this.#post({ learn: number, key });
    return number;
  }

  #post(packet: RsaPacket): void {
    const { worker: port } = this;
    port.postMessage(packet);
  }
}

export const openRsaPool = (options: RsaPoolOptions = {}): RsaPool => {
  const size = options.size ?? Math.min(2, Math.max(1, availableParallelism() - 1));
  const longestQueue = options.longestQueue ?? 1024;
  const threads = new Set<RsaThread>();
  let closed = false;

  const ended = (thread: RsaThread, left: readonly Job[], why: string): void => {
    threads.delete(thread);
    for (const job of left)
      // The operation changes nothing, so it can be done again; once, lest one bad job ends thread after thread.
      if (closed || job.again) job.result.reject(new Error(`The thread for private RSA operations stopped: ${why}.`));
      else give({ ...job, again: true });
  };
  const idlest = (): RsaThread => {
    let found: RsaThread | undefined;
    for (const thread of threads) if (found === undefined || thread.jobs.size < found.jobs.size) found = thread;
    if (found !== undefined && (found.jobs.size === 0 || threads.size >= size)) return found;
    const started = new RsaThread(ended);
    threads.add(started);
    return started;
  };
  const give = (job: Job): void => {
    const thread = idlest();
    if (thread.jobs.size * size < longestQueue) thread.take(job);
    else job.result.resolve(privateRsaHere(job.key, job.work));
  };
  return {
    privateRsa: async (key, work) => {
      if (closed) throw new Error("The tenant has been closed.");
      const result = Promise.withResolvers<Buffer | undefined>();
      give({ key, work, result, again: false });
      return result.promise;
    },
    threads: () => [...threads].map(({ worker }) => worker),
    [Symbol.asyncDispose]: async () => {
      closed = true;
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
    },
  };
};
