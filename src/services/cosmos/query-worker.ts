/** Entry of the thread of `query-thread.ts`: queries over what the other thread reads from the store. */
import { parentPort, workerData } from "node:worker_threads";
import { Fault, type FaultInit } from "../../kernel/fault.ts";
import { randomIds } from "../../kernel/ids.ts";
import type { StoredText } from "../../store/store.ts";
import { openReader } from "./engine/reader.ts";
import { containerPartition } from "./engine/records.ts";
import type { ItemSources } from "./engine/source.ts";
import { openQueryEngine } from "./query-engine.ts";
import type { FromThread, Question, Reading, ThreadOptions, ToThread } from "./query-thread.ts";
import { openScriptPool } from "./scripts/pool.ts";

const port = parentPort;
if (port === null) throw new Error("This module runs in a worker thread.");
const { cacheBytes, heapBytes, beat } = workerData as ThreadOptions;

const tell = (message: FromThread, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, [...transfer]);

const pending = new Map<number, PromiseWithResolvers<readonly StoredText[] | number>>();
let reads = 0;
const read = (partition: string, reading: Reading): Promise<readonly StoredText[] | number> => {
  const id = (reads += 1);
  const result = Promise.withResolvers<readonly StoredText[] | number>();
  pending.set(id, result);
  tell({ kind: "read", id, partition, reading });
  return result.promise;
};
/** LSNs that came with questions: each serves the first that asks for it. */
const told = new Map<string, number>();
const rows = (partition: string, reading: Reading): Promise<readonly StoredText[]> =>
  read(partition, reading) as Promise<readonly StoredText[]>;
const sources: ItemSources = (partition) => ({
  list: (range) => rows(partition, { what: "list", range }),
  get: (keys) => rows(partition, { what: "get", keys }),
  changes: (after, limit) => rows(partition, { what: "changes", after, limit }),
  sequence: async () => {
    const lsn = told.get(partition);
    told.delete(partition);
    return lsn ?? ((await read(partition, { what: "sequence" })) as number);
  },
});

/** The tenant's time as it was when something was last asked. */
let now = 0;
const clock = { now: () => now, wall: () => now };
const queries = openQueryEngine({ clock, ids: randomIds, scripts: openScriptPool() });
const reader = openReader({ sources, ids: randomIds, queries, cacheBytes, heapBytes });

const answer = async (question: Question): Promise<unknown> => {
  switch (question.kind) {
    case "page":
      ({ now } = question.question);
      told.set(containerPartition(question.question.account, question.question.container), question.lsn);
      return reader.page(question.question);
    case "list":
      ({ now } = question);
      return reader.list(question.spec, question.documents);
    case "functions":
      ({ now } = question);
      return reader.functionsOf(question.spec);
    case "plan":
      ({ now } = question);
      return reader.plan(question.spec, question.definition);
  }
};

const faultOf = ({ status, code, message, headers, detail, hint }: Fault): FaultInit => ({
  status,
  code,
  message,
  headers,
  detail,
  ...(hint === undefined ? {} : { hint }),
});

/** The bytes of a page go over without being copied. */
const bodyOf = (value: unknown): ArrayBuffer[] =>
  typeof value === "object" &&
  value !== null &&
  "body" in value &&
  value.body instanceof Uint8Array &&
  value.body.buffer instanceof ArrayBuffer
    ? [value.body.buffer]
    : [];

const respond = async (id: number, question: Question): Promise<void> => {
  try {
    const value = await answer(question);
    tell({ kind: "answer", id, answer: value }, bodyOf(value));
  } catch (error) {
    if (error instanceof Fault) tell({ kind: "refusal", id, fault: faultOf(error) });
    else
      tell({ kind: "failure", id, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
};

port.on("message", (message: ToThread) => {
  switch (message.kind) {
    case "ask":
      return void respond(message.id, message.question);
    case "forget":
      return reader.forget(message.rid);
    case "found":
      pending.get(message.id)?.resolve(message.found);
      return void pending.delete(message.id);
    case "lost":
      pending.get(message.id)?.reject(new Error(message.message));
      return void pending.delete(message.id);
  }
});
// The first beat says that it is up.
Atomics.add(beat, 0, 1);
setInterval(() => Atomics.add(beat, 0, 1), 100);
