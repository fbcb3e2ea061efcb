/** An app's console: the newest lines in memory, all recent ones in rotating files, and whoever follows along. */
import { appendFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";

export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** `platform`: what App Service itself says about the container. */
  readonly source: "stdout" | "stderr" | "platform";
  readonly text: string;
}

export interface LogOptions {
  /** Lines kept in memory. */
  readonly keep?: number;
  /** The current file is put aside beyond this size; one older file is kept. */
  readonly rotateBytes?: number;
  readonly now?: () => number;
}

/** Longer lines are cut: a program that never ends its line must not fill the memory. */
const maxLine = 16 * 1024;
/** A follower that reads too slowly loses the oldest lines, never holds the app up. */
const maxQueued = 10_000;

export interface AppLog {
  readonly write: (source: LogLine["source"], text: string) => void;
  /** Takes raw output; lines are put together across chunks. Returns a function that ends the last, open line. */
  readonly pipe: (source: "stdout" | "stderr") => { readonly push: (chunk: Buffer) => void; readonly end: () => void };
  readonly recent: (count: number) => readonly LogLine[];
  /** Recent lines, then new ones until `signal` is aborted or the log is closed. */
  readonly follow: (options?: { readonly tail?: number; readonly signal?: AbortSignal }) => AsyncIterable<LogLine>;
  /** Writes what is still in memory to the file; followers end. */
  readonly close: () => void;
  readonly file: string;
}

const fileLine = (line: LogLine): string => `${new Date(line.time).toISOString()} ${line.text}\n`;

/**
 * @param folder closed to the app: we may run as another user than the app, and a link planted there would have us
 *   write elsewhere in our own name.
 */
export const openAppLog = (folder: string, options: LogOptions = {}): AppLog => {
  const keep = options.keep ?? 2000;
  const rotateBytes = options.rotateBytes ?? 5 * 1024 * 1024;
  const now = options.now ?? Date.now;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "default_docker.log");
  const ring: LogLine[] = [];
  const followers = new Set<(line: LogLine | undefined) => void>();
  let pending: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (pending.length === 0) return;
    const text = pending.join("");
    pending = [];
    try {
      if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > rotateBytes) renameSync(file, `${file}.1`);
      appendFileSync(file, text, { mode: 0o600 });
    } catch {
      // A full disk must not take the app down; the lines are still in memory.
    }
  };

  const write = (source: LogLine["source"], text: string) => {
    if (closed) return;
    const line: LogLine = { time: now(), source, text: text.length > maxLine ? `${text.slice(0, maxLine)}...` : text };
    ring.push(line);
    if (ring.length > keep) ring.splice(0, ring.length - keep);
    pending.push(fileLine(line));
    if (pending.length > 500) flush();
    timer ??= setTimeout(flush, 200).unref();
    for (const follower of followers) follower(line);
  };

  const pipe = (source: "stdout" | "stderr") => {
    const decoder = new TextDecoder();
    let rest = "";
    const push = (chunk: Buffer) => {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) write(source, line.endsWith("\r") ? line.slice(0, -1) : line);
      while (rest.length > maxLine) {
        write(source, rest.slice(0, maxLine));
        rest = rest.slice(maxLine);
      }
    };
    const end = () => {
      if (rest !== "") write(source, rest);
      rest = "";
    };
    return { push, end };
  };

  async function* follow(wanted: { readonly tail?: number; readonly signal?: AbortSignal } = {}) {
    const queue: LogLine[] = ring.slice(Math.max(0, ring.length - (wanted.tail ?? 10)));
    let ended = closed || wanted.signal?.aborted === true;
    let wake: (() => void) | undefined;
    const follower = (line: LogLine | undefined) => {
      if (line === undefined) ended = true;
      else queue.push(line);
      if (queue.length > maxQueued) queue.splice(0, queue.length - maxQueued);
      wake?.();
    };
    const stop = () => follower(undefined);
    followers.add(follower);
    wanted.signal?.addEventListener("abort", stop, { once: true });
    try {
      for (;;) {
        const line = queue.shift();
        if (line !== undefined) yield line;
        else if (ended) return;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = undefined;
        }
      }
    } finally {
      followers.delete(follower);
      wanted.signal?.removeEventListener("abort", stop);
    }
  }

  return {
    write,
    pipe,
    recent: (count) => ring.slice(Math.max(0, ring.length - count)),
    follow,
    close: () => {
      closed = true;
      flush();
      for (const follower of followers) follower(undefined);
    },
    file,
  };
};
