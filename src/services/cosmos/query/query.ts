/**
 * The query engine of Azure Cosmos DB for NoSQL: text to tree, tree to a program, documents in, rows out. No I/O and no
 * clock of its own. See README.md.
 */
import type { Query } from "./ast.ts";
import { openRun, type QueryRun } from "./run.ts";
import { isGrouped } from "./checks.ts";
import { limitsOf } from "./compile-query.ts";
import { parse, parseCondition as parseConditionText } from "./parse.ts";
import { type Narrowing, narrowing, orderPaths } from "./ranges.ts";
import type { QueryOptions } from "./scope.ts";
import type { Json } from "./values.ts";

export { QueryError } from "./errors.ts";
export type { Query } from "./ast.ts";
export type { ComputedProperty, QueryOptions, RunStatistics, TextStatistics, UserFunctions } from "./scope.ts";
export type { Json, Value } from "./values.ts";
export { type Interval, inRange, type Narrowing, narrowing, orderPaths, type PathRange } from "./ranges.ts";
export { functionNames } from "./functions/registry.ts";
export { indexUtilization } from "./index-utilization.ts";
export { compositeIndexNeeded } from "./composite.ts";
export { buildingPathIndex, buildPathIndex, type PathIndex, valueAt } from "./path-index.ts";
export { compare } from "./values.ts";
export { sorted, type Steps } from "./steps.ts";
export type { QueryRun } from "./run.ts";
export { passThroughPlan, type QueryPlan } from "./plan.ts";

/**
 * Reads a query. Cache the result by text: it does not change and holds no parameters.
 * @throws QueryError SC1001 and its kin, with the offsets of what does not fit.
 */
export const parseQuery = (text: string): Query => parse(text);

/** Reads the `condition` of a patch: `FROM c WHERE ...`. */
export const parseCondition = (text: string): Query => parseConditionText(text);

export interface CompiledQuery {
  /** Opens a pass. Passes do not share state. */
  open(): QueryRun;
  /** A whole pass; rows come as soon as they are known. */
  run(documents: Iterable<Json>): Iterable<Json>;
  /** What the WHERE clause says about paths: a store may leave out documents that are not inside. */
  readonly narrowing: Narrowing;
  /** The paths of ORDER BY, when all of them are document paths. */
  readonly order: ReturnType<typeof orderPaths>;
  /** What TOP, OFFSET and LIMIT come to; infinity without them. */
  readonly limits: { readonly offset: number; readonly count: number };
  /** Rows come in the order of the documents, as soon as theirs was pushed: a page can end after any row. */
  readonly streaming: boolean;
  /** Streaming, and each document's rows depend on it alone (no DISTINCT, TOP or OFFSET): a page can start anywhere. */
  readonly independent: boolean;
  /** No FROM: one row, whatever the documents are. */
  readonly constant: boolean;
}

/** Binds parameters and hooks, and checks what can be checked without documents. @throws QueryError */
export const compileQuery = (query: Query, options: QueryOptions = {}): CompiledQuery => {
  const build = (): QueryRun => openRun(query, options);
  let checked: QueryRun | undefined = build();
  const open = (): QueryRun => {
    const run = checked ?? build();
    checked = undefined;
    return run;
  };
  const computed = new Set((options.computedProperties ?? []).map(({ name }) => name));
  return {
    open,
    run: (documents) => runAll(open(), documents),
    narrowing: narrowing(query, options.parameters, computed),
    order: orderPaths(query),
    limits: limitsOf(query, { options }),
    streaming: isStreaming(query),
    independent: isStreaming(query) && isIndependent(query),
    constant: query.from.length === 0,
  };
};

/** A query in two parts: which documents come when, and what each of them gives. */
export interface Flow {
  /** Without ORDER BY, TOP, OFFSET and LIMIT: every document's rows depend on it alone. */
  readonly rows: Query;
  /**
   * With `project`, what the ORDER BY makes of the documents that the filter keeps; at most the first `atMost` when rows cannot be
   * undefined. Undefined: rows come in the order of documents.
   */
  readonly order: ((atMost: number) => Query) | undefined;
}

/** Undefined: groups, distinct rows, ranks and sorted joins come to be only once all documents were looked at. */
export const flowOf = (query: Query): Flow | undefined => {
  const [first, ...joins] = query.from;
  if (
    first === undefined ||
    first.collection.kind === "query" ||
    query.distinct ||
    query.rank !== undefined ||
    isGrouped(query)
  )
    return undefined;
  const { top: _top, offset: _offset, limit: _limit, ...unlimited } = query;
  const rows: Query = { ...unlimited, orderBy: [] };
  if (query.orderBy.length === 0) return { rows, order: undefined };
  if (joins.length > 0 || first.iterate || first.collection.segments.length > 0) return undefined;
  const order = (atMost: number): Query =>
    query.select.kind === "value" || atMost > 1_000_000
      ? unlimited
      : { ...unlimited, top: { kind: "number", value: atMost, at: query.at } };
  return { rows, order };
};

const isStreaming = (query: Query): boolean => {
  const inner = query.from[0]?.collection;
  return (
    query.orderBy.length === 0 &&
    query.rank === undefined &&
    !isGrouped(query) &&
    (inner?.kind !== "query" || isStreaming(inner.query))
  );
};

const isIndependent = (query: Query): boolean => {
  const inner = query.from[0]?.collection;
  return (
    !query.distinct &&
    query.top === undefined &&
    query.offset === undefined &&
    query.limit === undefined &&
    (inner?.kind !== "query" || isIndependent(inner.query))
  );
};

const runAll = function* (run: QueryRun, documents: Iterable<Json>): Generator<Json> {
  for (const document of documents) {
    const more = run.push(document);
    yield* run.take();
    if (!more) break;
  }
  yield* run.finish();
};
