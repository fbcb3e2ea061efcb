/** Fits the query language in `query/` to what the data plane needs of it. */
import { setFlagsFromString } from "node:v8";
import type { Clock } from "../../kernel/clock.ts";
import type { Ids } from "../../kernel/ids.ts";
import { isObject } from "./engine/definition.ts";
import { indexes } from "./engine/indexing.ts";
import { openSlices } from "./engine/slices.ts";
import type {
  FunctionSource,
  PreparedQuery,
  QueryEngine,
  QueryFlow,
  QueryRun,
  QuerySpec,
} from "./engine/query-port.ts";
import { type Json, type JsonObject, textOf } from "./engine/records.ts";
import { badRequest, cosmosFault, unsupported } from "./faults.ts";
import { queryFault } from "./scripts/outcomes.ts";
import type { ScriptPool } from "./scripts/pool.ts";
import { type CompositePath, policyPath, servesOrder } from "./query/composite.ts";
import {
  type CompiledQuery,
  compileQuery,
  type ComputedProperty,
  compositeIndexNeeded,
  flowOf,
  indexUtilization,
  parseCondition,
  parseQuery,
  type Query,
  QueryError,
  type QueryOptions,
  type QueryRun as QueryPass,
} from "./query/query.ts";

const keptTexts = 1000;

/** Errors of a query are the client's. */
const asFault = (error: unknown): unknown =>
  error instanceof QueryError ? cosmosFault("badQuery", { errors: error.toMessage() }) : error;

const guarded = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw asFault(error);
  }
};

/** Errors of a run are faults. */
const guardedRun = (run: QueryPass): QueryRun => ({
  // Once for every document: no function is made for it.
  add: (document) => {
    try {
      return run.push(document);
    } catch (error) {
      throw asFault(error);
    }
  },
  take: () => guarded(() => run.take()),
  finish: () => guarded(() => run.finish()),
  finishing: function* () {
    try {
      return yield* run.finishing();
    } catch (error) {
      throw asFault(error);
    }
  },
});

/** Trees by text: they hold no parameters and do not change. */
const parser = (parse: (text: string) => Query): ((text: string) => Query) => {
  const kept = new Map<string, Query>();
  return (text) => {
    const known = kept.get(text);
    if (known !== undefined) return known;
    const query = guarded(() => parse(text));
    if (kept.size >= keptTexts) kept.delete(kept.keys().next().value ?? "");
    if (text.length <= 8192) kept.set(text, query);
    return query;
  };
};

const compositesOf = (definition: JsonObject): readonly (readonly CompositePath[])[] => {
  const policy = definition["indexingPolicy"];
  const composites = isObject(policy) ? policy["compositeIndexes"] : undefined;
  return (Array.isArray(composites) ? composites : []).map((index: Json) =>
    (Array.isArray(index) ? (index as Json[]) : []).map((each) => {
      const { path, order } = isObject(each) ? each : {};
      return {
        path: textOf(path),
        order: textOf(order).toLowerCase() === "descending" ? "descending" : "ascending",
      };
    }),
  );
};

/** ORDER BY several paths is served from a composite index or not at all (cosmos.md 15). @throws 400 */
const checkComposite = (query: Query, definition: JsonObject | undefined): void => {
  const needed = definition === undefined ? undefined : compositeIndexNeeded(query);
  if (definition === undefined || needed === undefined) return;
  if (!compositesOf(definition).some((index) => servesOrder(index, needed)))
    throw badRequest("The order by query does not have a corresponding composite index that it can be served from.");
};

const computedTexts = (
  definition: JsonObject | undefined,
): readonly { readonly name: string; readonly query: string }[] => {
  const listed = definition?.["computedProperties"];
  return (Array.isArray(listed) ? listed : []).flatMap((each: Json) => {
    const { name, query } = isObject(each) ? each : {};
    return typeof name === "string" && typeof query === "string" ? [{ name, query }] : [];
  });
};

/** A random number in [0, 1) for RAND(). */
const fraction = (ids: Ids): number => ids.bytes(6).readUIntBE(0, 6) / 2 ** 48;

/** A pattern of a query must not hold up everybody: V8 leaves backtracking for its linear engine when it gets out of hand. */
const boundRegularExpressions = (): void =>
  setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");

/** https://learn.microsoft.com/azure/cosmos-db/concepts-limits: user-defined functions per query. */
const maxFunctionCalls = 10;
/** All calls of a query together may take so long. */
const functionMilliseconds = 30_000;
const maxFunctionResultBytes = 64 * 1024 * 1024;
const batchDocuments = 200;
const batchCharacters = 512 * 1024;

/** Documents as JSON arrays for another thread, with turns for others in between. */
const batchesOf = async function* (documents: AsyncIterable<readonly JsonObject[]>): AsyncGenerator<string> {
  const slices = openSlices();
  let texts: string[] = [];
  let characters = 0;
  for await (const some of documents)
    for (const document of some) {
      const text = JSON.stringify(document);
      texts.push(text);
      characters += text.length;
      const pause = slices.next();
      if (pause !== undefined) await pause;
      if (texts.length < batchDocuments && characters < batchCharacters) continue;
      yield `[${texts.join(",")}]`;
      texts = [];
      characters = 0;
    }
  if (texts.length > 0) yield `[${texts.join(",")}]`;
};

/** Stands in for functions where a query is only looked at. */
const standIn = (): undefined => undefined;

export const openQueryEngine = (options: {
  readonly clock: Clock;
  readonly ids: Ids;
  /** Where queries with user-defined functions run; without it there are none. */
  readonly scripts?: Pick<ScriptPool, "query">;
}): QueryEngine => {
  const { clock, ids, scripts } = options;
  boundRegularExpressions();
  const parseText = parser(parseQuery);
  const parseFilter = parser(parseCondition);
  const surroundings: QueryOptions = { now: () => clock.now(), random: () => fraction(ids) };
  const computedOf = (definition: JsonObject | undefined): readonly ComputedProperty[] =>
    computedTexts(definition).map(({ name, query }) => ({ name, query: parseText(query) }));
  const elsewhere =
    ({ text, parameters }: QuerySpec, definition: JsonObject | undefined, functions: readonly FunctionSource[]) =>
    async (documents: AsyncIterable<readonly JsonObject[]>): Promise<readonly string[]> => {
      if (scripts === undefined) throw unsupported("A user-defined function");
      const outcome = await scripts.query(
        {
          text,
          parameters,
          functions,
          computed: computedTexts(definition),
          now: clock.now(),
          seed: ids.bytes(4).readUInt32BE(0),
          milliseconds: functionMilliseconds,
          maxResultBytes: maxFunctionResultBytes,
        },
        batchesOf(documents),
      );
      if (!outcome.ok) throw queryFault(outcome);
      return outcome.texts;
    };
  return {
    functionsOf: ({ text, parameters }) => {
      if (!/udf/i.test(text)) return [];
      const names: string[] = [];
      const get = (name: string): typeof standIn => {
        names.push(name);
        return standIn;
      };
      const given = new Map(parameters.map(({ name, value }) => [name, value] as const));
      guarded(() => compileQuery(parseText(text), { ...surroundings, parameters: given, udf: { get } }));
      if (names.length > maxFunctionCalls)
        throw badRequest(
          `The SQL query has ${names.length} calls of user-defined functions; the limit is ${maxFunctionCalls}.`,
        );
      return [...new Set(names)];
    },
    prepare: (spec, definition, functions): PreparedQuery => {
      const { text, parameters } = spec;
      const query = parseText(text);
      checkComposite(query, definition);
      const given = new Map(
        parameters.filter(({ value }) => value !== undefined).map(({ name, value }) => [name, value] as const),
      );
      let { checkpoint } = openSlices();
      const computedProperties = computedOf(definition);
      const options: QueryOptions = {
        ...surroundings,
        parameters: given,
        computedProperties,
        checkpoint: () => checkpoint(),
        udf: {
          get: (name) =>
            functions === undefined || functions.some((each) => each.name === name) ? standIn : undefined,
        },
      };
      const calls = functions !== undefined && functions.length > 0;
      const compiled = guarded(() => compileQuery(query, options));
      const holder = definition ?? {};
      const isIndexed = (path: readonly (string | number)[]): boolean => indexes(holder, policyPath(path));
      const computed = new Set(computedProperties.map(({ name }) => name));
      const run = (part: CompiledQuery, watch: () => number): QueryRun => {
        checkpoint = watch;
        return guardedRun(guarded(() => part.open()));
      };
      const flowing = (): QueryFlow | undefined => {
        const parts = flowOf(query);
        if (parts === undefined) return undefined;
        const { limits, order } = compiled;
        const isWhole = parts.order === undefined && limits.offset === 0 && limits.count === Infinity;
        const sorted = parts.order?.(limits.offset + limits.count);
        const by = order?.length === 1 && !computed.has(String(order[0]?.path[0])) ? order[0] : undefined;
        return {
          ...limits,
          open: (watch) => run(isWhole ? compiled : guarded(() => compileQuery(parts.rows, options)), watch),
          order:
            sorted === undefined
              ? undefined
              : {
                  by,
                  indexed: by !== undefined && isIndexed(by.path),
                  open: (watch, name) =>
                    run(
                      guarded(() => compileQuery(sorted, { ...options, project: name })),
                      watch,
                    ),
                },
        };
      };
      const flow = calls ? undefined : flowing();
      return {
        indexes: () =>
          indexUtilization(
            query,
            { covers: (path) => indexes(holder, path), compositeIndexes: compositesOf(holder) },
            given,
            computed,
          ),
        streaming: flow !== undefined && flow.order === undefined && flow.offset === 0 && flow.count === Infinity,
        ...(calls ? { elsewhere: elsewhere(spec, definition, functions) } : {}),
        constant: compiled.constant,
        bare: query.select.kind === "value",
        flow,
        filter: compiled.narrowing,
        narrowing: {
          never: compiled.narrowing.never,
          ranges: compiled.narrowing.ranges.filter(({ path }) => isIndexed(path)),
        },
        open: (watch): QueryRun => run(compiled, watch),
      };
    },
    holds: (condition, document) => {
      const run = guarded(() =>
        compileQuery(parseFilter(condition), { ...surroundings, checkpoint: openSlices().checkpoint }).open(),
      );
      return guarded(() => {
        run.push(document);
        return [...run.take(), ...run.finish()].length > 0;
      });
    },
  };
};
