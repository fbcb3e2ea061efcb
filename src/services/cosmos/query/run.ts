/** Passes of a query over documents. */
import type { Query } from "./ast.ts";
import { checkSubquery } from "./checks.ts";
import { compileProgram } from "./compile-query.ts";
import { newCompilation, type QueryOptions, type RunStatistics } from "./scope.ts";
import type { Json } from "./values.ts";

/** One pass of a query over documents. Push as many as there are, take rows in between, finish once. */
export interface QueryRun {
  /** False: the rest of the documents can change nothing any more. */
  readonly push: (document: Json) => boolean;
  /** Rows that are ready so far; each is handed out once. */
  readonly take: () => readonly Json[];
  /** The last rows: all of them for sorted and grouped queries. */
  readonly finish: () => readonly Json[];
  readonly statistics: Readonly<RunStatistics>;
}

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
  const counted = (rows: readonly Json[]): readonly Json[] => {
    statistics.output += rows.length;
    return rows;
  };
  let ended = program.constant && !row();
  return {
    push: (value) => {
      if (ended || program.constant) return false;
      step();
      statistics.documents += 1;
      slots[document] = value;
      ended = !each(row);
      return !ended;
    },
    take: () => counted(execution.rows.drain()),
    finish: () => counted(execution.finish()),
    statistics,
  };
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
  const hand = (values: readonly Json[]): boolean => values.every((value) => outer.push(value));
  return {
    push: (document) => {
      const more = inner.push(document);
      return hand(inner.take()) && more;
    },
    take: outer.take,
    finish: () => {
      hand(inner.finish());
      return outer.finish();
    },
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
