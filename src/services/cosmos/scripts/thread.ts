/** The thread in which scripts run: one sandbox per script or query, told by the main thread what to do. */
import { parentPort } from "node:worker_threads";
import type { FunctionQuery } from "./functions.ts";
import type { FromThread, ScriptOutcome, ToThread } from "./protocol.ts";
import { type ScriptRun, startRun } from "./run.ts";
import { engineError, openSandboxes } from "./sandbox.ts";

const port = parentPort;
if (port === null) throw new Error("This runs in a worker thread.");
const tell = (message: FromThread): void => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of worker_threads, not a window
  port.postMessage(message);
};

const runs = new Map<number, ScriptRun>();
const queries = new Map<number, FunctionQuery>();
const nextSandbox = openSandboxes();

const run = async ({ id, job }: Extract<ToThread, { kind: "run" }>): Promise<void> => {
  let ended = false;
  const end = (outcome: ScriptOutcome): void => {
    ended = true;
    runs.delete(id);
    tell({ kind: "ran", id, outcome });
  };
  const ask = (call: number, operation: string, payload: string): void =>
    tell({ kind: "call", id, call, operation, payload });
  const sandbox = await nextSandbox();
  tell({ kind: "began", id });
  const started = startRun(sandbox, job, ask, end);
  if (!ended) runs.set(id, started);
};

const query = async ({ id, job }: Extract<ToThread, { kind: "query" }>): Promise<void> => {
  // With the query language, which stored procedures and triggers do without.
  const { startFunctionQuery } = await import("./functions.ts");
  let ended = false;
  const started = startFunctionQuery(await nextSandbox(), job, (outcome) => {
    ended = true;
    queries.delete(id);
    tell({ kind: "queried", id, outcome });
  });
  if (ended) return;
  queries.set(id, started);
  tell({ kind: "taken", id, more: true });
};

const failed = (id: number, error: unknown): void =>
  tell({ kind: "ran", id, outcome: { ok: false, cause: "thrown", error: engineError(error), log: "" } });

port.on("message", (message: ToThread) => {
  switch (message.kind) {
    case "run":
      run(message).catch((error: unknown) => failed(message.id, error));
      break;
    case "answer":
      runs.get(message.id)?.answer(message.call, message.text);
      break;
    case "query":
      query(message).catch((error: unknown) =>
        tell({ kind: "queried", id: message.id, outcome: { ok: false, cause: "thrown", error: engineError(error) } }),
      );
      break;
    case "documents": {
      const found = queries.get(message.id);
      if (message.batch === undefined) found?.end();
      else if (found !== undefined) tell({ kind: "taken", id: message.id, more: found.add(message.batch) });
      break;
    }
  }
});
