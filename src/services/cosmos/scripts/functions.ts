/** A query that calls user-defined functions: run whole in the scripts' thread, over documents that come in batches. */
import type { QuickJSHandle } from "quickjs-emscripten-core";
import { compileQuery, parseQuery, QueryError, type QueryRun, type UserFunctions, type Value } from "../query/query.ts";
import { functionPrelude } from "./prelude.ts";
import type { QueryJob, QueryOutcome, Thrown } from "./protocol.ts";
import { engineError, entryOf, Interrupted, type Sandbox, ScriptError, setClock } from "./sandbox.ts";

/** One call may take so long, whatever is left to the query. */
const callMilliseconds = 5000;

class TooLarge extends Error {}

/** Numbers in [0, 1) from a seed: threads have no source of their own. (mulberry32) */
const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

export interface FunctionQuery {
  /** @returns whether more documents are wanted */
  add(batch: string): boolean;
  end(): void;
}

/** @param end told once */
export const startFunctionQuery = (
  sandbox: Sandbox,
  job: QueryJob,
  end: (outcome: QueryOutcome) => void,
): FunctionQuery => {
  const { context } = sandbox;
  const held: QuickJSHandle[] = [];
  const texts: string[] = [];
  let run: QueryRun | undefined;
  let compiling = true;
  let over = false;
  let used = 0;
  let bytes = 0;

  const finish = (outcome: QueryOutcome): void => {
    over = true;
    for (const handle of held) handle.dispose();
    sandbox.close();
    end(outcome);
  };
  const describe = ({ handle }: ScriptError): Thrown => {
    sandbox.extend();
    const thrown: unknown = context.dump(handle);
    handle.dispose();
    const members: Partial<Record<keyof Thrown, unknown>> = typeof thrown === "object" && thrown !== null ? thrown : {};
    const text = (value: unknown, otherwise: string): string => (typeof value === "string" ? value : otherwise);
    return {
      name: text(members.name, ""),
      message: text(members.message, typeof thrown === "string" ? thrown : (JSON.stringify(thrown) ?? "")),
      stack: text(members.stack, ""),
    };
  };
  const fail = (error: unknown): void => {
    if (error instanceof QueryError) finish({ ok: false, cause: "query", errors: error.toMessage() });
    else if (error instanceof Interrupted) finish({ ok: false, cause: "timeout" });
    else if (error instanceof TooLarge) finish({ ok: false, cause: "tooLarge" });
    else {
      const cause = compiling ? "compile" : "thrown";
      finish({ ok: false, cause, error: error instanceof ScriptError ? describe(error) : engineError(error) });
    }
  };
  const guarded = <T>(work: () => T, otherwise: T): T => {
    if (over) return otherwise;
    try {
      return work();
    } catch (error) {
      fail(error);
      return otherwise;
    }
  };

  const callable = (target: QuickJSHandle): ((args: readonly Value[]) => Value) => {
    held.push(target);
    return (args) => {
      const started = performance.now();
      sandbox.limit(Math.min(callMilliseconds, job.milliseconds - used));
      const argument = context.newString(JSON.stringify(args.map((each) => (each === undefined ? [] : [each]))));
      try {
        const result = sandbox.call(target, argument);
        const text = context.getString(result);
        result.dispose();
        return text === "" ? undefined : (JSON.parse(text) as Value);
      } finally {
        argument.dispose();
        used += performance.now() - started;
      }
    };
  };
  const bind = (): UserFunctions => {
    sandbox.limit(callMilliseconds);
    setClock(sandbox, job.now);
    const wrap = sandbox.evaluate(functionPrelude, "lanyard.js");
    held.push(wrap);
    const known = new Map(
      job.functions.map(({ name, source }) => {
        const entry = entryOf(sandbox, source, `${name}.js`);
        held.push(entry);
        return [name, callable(sandbox.call(wrap, entry))] as const;
      }),
    );
    return { get: (name) => known.get(name) };
  };
  const keep = (results: readonly unknown[]): void => {
    for (const each of results) {
      const text = JSON.stringify(each);
      texts.push(text);
      bytes += text.length;
      if (bytes > job.maxResultBytes) throw new TooLarge();
    }
  };

  guarded(() => {
    const udf = bind();
    compiling = false;
    run = compileQuery(parseQuery(job.text), {
      udf,
      now: () => job.now,
      random: randomFrom(job.seed),
      parameters: new Map(job.parameters.map(({ name, value }) => [name, value as Value])),
      computedProperties: job.computed.map(({ name, query }) => ({ name, query: parseQuery(query) })),
    }).open();
  }, undefined);
  return {
    add: (batch) =>
      guarded(() => {
        for (const document of JSON.parse(batch) as Parameters<QueryRun["push"]>[0][]) {
          const more = run?.push(document) ?? false;
          keep(run?.take() ?? []);
          if (!more) return false;
        }
        return true;
      }, false),
    end: () =>
      guarded(() => {
        keep(run?.finish() ?? []);
        finish({ ok: true, texts });
      }, undefined),
  };
};
