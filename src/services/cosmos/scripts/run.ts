/** One run of a script in a sandbox: begins it, hands it what the store answers, and tells how it ended. */
import type { QuickJSHandle } from "quickjs-emscripten-core";
import { prelude } from "./prelude.ts";
import type { ScriptJob, ScriptOutcome, Thrown } from "./protocol.ts";
import { engineError, entryOf, Interrupted, type Sandbox, ScriptError, setClock } from "./sandbox.ts";

/** Of the time: what is asked after that is not taken up any more, so that a script can end in good order. */
const accepting = 0.8;
/** One question, in characters: an item of 2 MB with room for its escapes. */
const maxQuestion = 4 * 1024 * 1024;
/** Questions and their texts that may wait at a time. */
const maxWaiting = 10_000;
const maxWaitingCharacters = 32 * 1024 * 1024;
/** Of what goes out; https://learn.microsoft.com/azure/cosmos-db/concepts-limits: 2 MB per request, with room for escapes. */
const maxMessage = 4 * 1024 * 1024;

export interface ScriptRun {
  /** The store's answer to a call. */
  answer(call: number, text: string): void;
}

/** What comes out of a sandbox is what the script made of it: any JSON, or none. */
const membersOf = (text: string): Readonly<Record<string, unknown>> => {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
};
const wordOf = (value: unknown): string => (typeof value === "string" ? value : "");

/**
 * @param ask hands a call on; its answer comes by `answer`
 * @param end told once
 */
export const startRun = (
  sandbox: Sandbox,
  job: ScriptJob,
  ask: (call: number, operation: string, payload: string) => void,
  end: (outcome: ScriptOutcome) => void,
): ScriptRun => {
  const { context } = sandbox;
  const started = performance.now();
  const waiting = new Map<number, number>();
  const methods = new Map<string, QuickJSHandle>();
  let waitingCharacters = 0;
  let calls = 0;
  let over = false;

  const finish = (outcome: ScriptOutcome): void => {
    over = true;
    for (const method of methods.values()) method.dispose();
    sandbox.close();
    end(outcome);
  };
  const invoke = (name: string, ...args: readonly QuickJSHandle[]): QuickJSHandle => {
    const method = methods.get(name);
    if (method === undefined) throw new TypeError(`The prelude has no ${name}.`);
    try {
      return sandbox.call(method, ...args);
    } finally {
      for (const arg of args) arg.dispose();
    }
  };
  const textOf = (handle: QuickJSHandle): string => {
    const text = context.getString(handle);
    handle.dispose();
    return text;
  };
  const described = (error: ScriptError): { thrown: Thrown; log: string } => {
    try {
      sandbox.extend();
      const told = membersOf(textOf(invoke("describe", error.handle)));
      const number = told["number"];
      const thrown = { name: wordOf(told["name"]), message: wordOf(told["message"]), stack: wordOf(told["stack"]) };
      return { thrown: typeof number === "number" ? { ...thrown, number } : thrown, log: wordOf(told["log"]) };
    } catch {
      return { thrown: { name: "Error", message: "The error cannot be told.", stack: "" }, log: "" };
    }
  };
  const fail = (error: unknown, cause: "thrown" | "compile"): void => {
    if (error instanceof Interrupted) finish({ ok: false, cause: "timeout", log: "" });
    else if (error instanceof ScriptError && methods.size > 0) {
      const { thrown, log } = described(error);
      finish({ ok: false, cause, error: thrown, log });
    } else finish({ ok: false, cause, error: engineError(error), log: "" });
  };
  const settle = (): void => {
    if (waiting.size > 0) return;
    const text = textOf(invoke("finish"));
    if (text.length > maxMessage) return finish({ ok: false, cause: "tooLarge", log: "" });
    const { request, response, log } = membersOf(text);
    finish({ ok: true, request: JSON.stringify(request), response: JSON.stringify(response), log: wordOf(log) });
  };
  const entering = (work: () => void): void => {
    if (over) return;
    try {
      work();
      settle();
    } catch (error) {
      fail(error, "thrown");
    }
  };

  const host = (operation: QuickJSHandle, payload: QuickJSHandle): QuickJSHandle => {
    const text = context.getString(payload);
    if (text.length > maxQuestion) return context.newNumber(-1);
    const full = waiting.size >= maxWaiting || waitingCharacters + text.length > maxWaitingCharacters;
    if (full || performance.now() - started > job.milliseconds * accepting) return context.newNumber(0);
    calls += 1;
    waiting.set(calls, text.length);
    waitingCharacters += text.length;
    ask(calls, context.getString(operation), text);
    return context.newNumber(calls);
  };

  const begin = (): void => {
    sandbox.limit(job.milliseconds);
    setClock(sandbox, job.now);
    const make = sandbox.evaluate(prelude, "lanyard.js");
    const door = context.newFunction("host", host);
    const setup = context.newString(job.setup);
    const made = sandbox.call(make, door, setup);
    for (const name of ["start", "deliver", "finish", "describe"]) methods.set(name, context.getProp(made, name));
    for (const handle of [make, door, setup, made]) handle.dispose();
  };
  try {
    begin();
    const entry = entryOf(sandbox, job.source, `${job.name}.js`);
    entering(() => invoke("start", entry).dispose());
  } catch (error) {
    fail(error, "compile");
  }
  return {
    answer: (call, text) => {
      waitingCharacters -= waiting.get(call) ?? 0;
      waiting.delete(call);
      entering(() => invoke("deliver", context.newNumber(call), context.newString(text)).dispose());
    },
  };
};
