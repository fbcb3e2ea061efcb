/**
 * Where decisions go: a ring in memory for the live view and an append-only file for later. Recording puts one reference
 * into an array; everything else happens behind, so that no request waits for it or fails with it.
 */
import { appendFileSync, chmodSync, closeSync, existsSync, openSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Decision, DecisionSink } from "../kernel/decision.ts";
import { type LogEntry, logEntry } from "./log-entry.ts";

export interface DecisionLogOptions {
  /** Folder of the file; exists. */
  readonly folder: string;
  /** Decisions in memory. */
  readonly keep?: number;
  /** A file of this many bytes is put aside; the one put aside before goes. */
  readonly maximumBytes?: number;
  /** A file put aside goes when it is this old, milliseconds. */
  readonly maximumAge?: number;
  readonly delay?: number;
}

export interface DecisionLog extends DecisionSink {
  /** The newest entries in memory, oldest first. */
  recent(count: number): readonly LogEntry[];
  /** Told of each entry, in order, shortly after it was recorded. @returns the end of the subscription */
  follow(each: (entry: LogEntry) => void): () => void;
  /** Entries not written because the disk did not keep up. */
  readonly dropped: number;
  /** How principals are called: tokens of apps carry no name. Asked once per principal. */
  nameBy(lookUp: NameLookUp): void;
  /** Writes what is pending while names can still be asked for. */
  settle(): Promise<void>;
  /** Writes the rest and tells followers of it; they hear nothing more. */
  close(): void;
}

export type NameLookUp = (objectId: string) => Promise<string | undefined>;

export const logFileName = "requests.ndjson";

const pendingLimit = 50_000;
/** So many are not left to the timer: they would age in memory, where collections move them about. */
const batch = 256;
/** More at once would hold up the requests behind them. */
const mostAtOnce = 1024;

export const openDecisionLog = (options: DecisionLogOptions): DecisionLog => {
  const { folder, keep = 2000, maximumBytes = 16 * 1024 * 1024, maximumAge = 14 * 86_400_000, delay = 100 } = options;
  const file = join(folder, logFileName);
  const aside = `${file}.1`;
  /** Lines as they are written, the newest last: entries kept as objects would be moved by every collection. */
  const ring: Lines[] = [];
  let kept = 0;
  const followers = new Set<(entry: LogEntry) => void>();
  const pending: Decision[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;
  let handle: FileHandle | undefined;
  let dropped = 0;
  let lookUp: NameLookUp | undefined;
  const names = new Map<string, string>();
  let size = prepareFile(file);
  dropOld(aside, maximumAge);

  /** Takes the oldest pending into the ring, tells followers, and returns the lines; undefined when there are none. */
  const take = (): Lines | undefined => {
    const taken = pending.splice(0, mostAtOnce);
    if (taken.length === 0) return undefined;
    let text = "";
    for (const decision of taken) {
      const entry = logEntry(decision, names);
      text += `${JSON.stringify(entry)}\n`;
      for (const each of followers) each(entry);
    }
    const lines = { bytes: Buffer.from(text), count: taken.length };
    ring.push(lines);
    kept += lines.count;
    while (kept - (ring[0]?.count ?? kept) >= keep) kept -= ring.shift()?.count ?? 0;
    return lines;
  };
  const learnNames = async (): Promise<void> => {
    const unknown = new Set<string>();
    for (const { caller } of pending.slice(0, mostAtOnce))
      if (caller?.kind === "principal" && !names.has(caller.objectId)) unknown.add(caller.objectId);
    if (names.size > 10_000) names.clear();
    for (const id of unknown) names.set(id, (await lookUp?.(id).catch(() => undefined)) ?? id);
  };
  const rotate = async (): Promise<void> => {
    if (size < maximumBytes) return;
    await handle?.close();
    handle = undefined;
    await rename(file, aside);
    size = prepareFile(file);
  };
  const append = async ({ bytes, count }: Lines): Promise<void> => {
    try {
      handle ??= await open(file, "a", 0o600);
      await handle.appendFile(bytes);
      size += bytes.byteLength;
      await rotate();
    } catch {
      // A full disk must not stop requests; the live view still has them.
      dropped += count;
    }
  };
  const write = async (): Promise<void> => {
    try {
      do {
        await learnNames();
        const lines = take();
        if (lines !== undefined) await append(lines);
      } while (pending.length >= batch);
    } finally {
      writing = undefined;
      if (pending.length > 0) schedule();
    }
  };
  /** One write at a time: what comes meanwhile goes with the next. */
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing ??= write();
    return writing;
  };
  const schedule = (): void => {
    timer ??= setTimeout(() => void flush(), delay).unref();
  };

  return {
    record: (decision) => {
      if (pending.length >= pendingLimit) {
        dropped += 1;
        return;
      }
      pending.push(decision);
      if (pending.length >= batch) void flush();
      else schedule();
    },
    recent: (count) => {
      const entries = ring.flatMap(entriesOf);
      return entries.slice(-Math.min(count, keep));
    },
    follow: (each) => {
      followers.add(each);
      return () => followers.delete(each);
    },
    get dropped() {
      return dropped;
    },
    nameBy: (given) => {
      lookUp = given;
    },
    settle: async () => {
      await writing;
      while (pending.length > 0) await flush();
    },
    close: () => {
      clearTimeout(timer);
      void handle?.close().catch(() => undefined);
      for (let lines = take(); lines !== undefined; lines = take())
        try {
          appendFileSync(file, lines.bytes, { mode: 0o600 });
        } catch {
          // As above.
        }
      followers.clear();
    },
  };
};

/** NDJSON of one batch. */
interface Lines {
  readonly bytes: Buffer;
  readonly count: number;
}

const entriesOf = ({ bytes }: Lines): readonly LogEntry[] =>
  bytes
    .toString()
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogEntry);

/** Creates the file closed to others; @returns its size */
const prepareFile = (file: string): number => {
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
  return statSync(file).size;
};

const dropOld = (file: string, maximumAge: number): void => {
  if (existsSync(file) && Date.now() - statSync(file).mtimeMs > maximumAge) rmSync(file, { force: true });
};
