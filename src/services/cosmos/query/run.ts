/** Passes of a query over documents. */
import type { Expression, Query } from "./ast.ts";
import { checkSubquery, selected } from "./checks.ts";
import { compileProgram } from "./compile-query.ts";
import { tooComplex } from "./errors.ts";
import { newCompilation, type QueryOptions, type RunStatistics } from "./scope.ts";
import { finished, type Steps } from "./steps.ts";
import type { Json } from "./values.ts";
import { childrenOf } from "./walk.ts";
import { requireLight } from "./weight.ts";

/** One pass of a query over documents. Push as many as there are, take rows in between, finish once. */
export interface QueryRun {
  /** False: the rest of the documents can change nothing any more. */
  readonly push: (document: Json) => boolean;
  /** Rows that are ready so far; each is handed out once. */
  readonly take: () => readonly Json[];
  /** The last rows: all of them for sorted and grouped queries. */
  readonly finish: () => readonly Json[];
  /** `finish` in steps of a few milliseconds. */
  readonly finishing: () => Steps<readonly Json[]>;
  readonly statistics: Readonly<RunStatistics>;
}

/** Longer select lists could name one large document many times over. */
const manyParts = 200;

const mayShare = (query: Query): boolean => {
  let parts = 0;
  const count = (expression: Expression): boolean => ++parts > manyParts || childrenOf(expression).some(count);
  return query.from.some(({ collection }) => collection.kind === "query") || selected(query).some(count);
};

const openSimple = (query: Query, options: QueryOptions): QueryRun => {
  const compilation = newCompilation(options);
  const { slots, statistics, step } = compilation;
  const program = compileProgram(compilation, query);
  const { each, test, document } = program;
  const execution = program.open();
  const row = (): boolean => {
    if (test !== undefined && !test()) return true;
    statistics.rows += 1;
    return execution.row();
  };
  const shares = mayShare(query);
  const counted = (rows: readonly Json[]): readonly Json[] => {
    statistics.output += rows.length;
    if (shares) for (const found of rows) requireLight(found);
    return rows;
  };
  let ended = program.constant && !guarded(row);
  const visit = (value: Json): boolean => {
    step();
    statistics.documents += 1;
    slots[document] = value;
    return each(row);
  };
  const finishing = function* (): Steps<readonly Json[]> {
    const work = execution.finish();
    for (;;) {
      const step = guarded(() => work.next());
      if (step.done === true) return counted(step.value);
      yield;
    }
  };
  return {
    push: (value) => {
      if (ended || program.constant) return false;
      ended = !guarded(visit, value);
      return !ended;
    },
    take: () => counted(execution.rows.drain()),
    finish: () => finished(finishing()),
    finishing,
    statistics,
  };
};

/** The engine's own limits: a text longer than strings can be, a document nested deeper than the stack. */
const guarded = <A extends readonly unknown[], T>(work: (...args: A) => T, ...args: A): T => {
  try {
    return work(...args);
  } catch (error) {
    if (error instanceof RangeError) throw tooComplex("a value that it builds or compares is too large");
    throw error;
  }
};

/**
 * `FROM (SELECT ...) AS x` at the top runs the inner query over the whole container, not per document: that is how
 * distinct values are counted. The outer query then takes its rows for documents.
 */
export const openRun = (query: Query, options: QueryOptions): QueryRun => {
  const [first, ...joins] = query.from;
  if (first?.collection.kind !== "query" || first.collection.query.from.length === 0) return openSimple(query, options);
  checkSubquery(first.collection.query);
  const inner = openRun(first.collection.query, options);
  const { collection, ...source } = first;
  const rows = {
    ...source,
    collection: { kind: "path", root: source.alias ?? " rows", segments: [], at: collection.at },
  } as const;
  const { computedProperties: _computed, ...others } = options;
  const outer = openSimple({ ...query, from: [rows, ...joins] }, others);
  const hand = (values: readonly Json[]): boolean =>
    values.every((value) => {
      requireLight(value);
      return outer.push(value);
    });
  const finishing = function* (): Steps<readonly Json[]> {
    const values = yield* inner.finishing();
    for (let at = 0; at < values.length; at += 256) {
      if (!hand(values.slice(at, at + 256))) break;
      yield;
    }
    return yield* outer.finishing();
  };
  return {
    push: (document) => {
      const more = inner.push(document);
      return hand(inner.take()) && more;
    },
    take: outer.take,
    finish: () => finished(finishing()),
    finishing,
    get statistics() {
      const [a, b] = [inner.statistics, outer.statistics];
      return {
        documents: a.documents,
        rows: a.rows + b.rows,
        functionCalls: a.functionCalls + b.functionCalls,
        userFunctionCalls: a.userFunctionCalls + b.userFunctionCalls,
        output: b.output,
      };
    },
  };
};
