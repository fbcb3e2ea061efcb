/** Queries to loops: sources, filter, projection or grouping, and the row end. */
import type { Count, Query, SubqueryMode } from "./ast.ts";
import { compileExpression, compileTest } from "./compile-expression.ts";
import type { Compiler } from "./compiler.ts";
import { compileGrouping, openGroups } from "./compile-group.ts";
import { compileSources, type Each } from "./compile-sources.ts";
import { compileProjection } from "./compile-select.ts";
import { compileRanking, isDistance } from "./compile-score.ts";
import { checkSubquery, isGrouped } from "./checks.ts";
import { QueryError } from "./errors.ts";
import { type Execution, openRows, type RowLimits, type RowOrder } from "./rows.ts";
import { finished } from "./steps.ts";
import type { Compilation, Evaluate, Grouping, Scope, Test } from "./scope.ts";
import type { Json } from "./values.ts";

export interface QueryProgram {
  readonly each: Each;
  readonly test: Test | undefined;
  /** Where the document of a top query goes. */
  readonly document: number;
  /** The query does not depend on documents: it has one row. */
  readonly constant: boolean;
  readonly open: () => Execution;
}

const maxCount = 2_147_483_647;

const countOf = (
  count: Count | undefined,
  clause: "TOP" | "OFFSET" | "LIMIT",
  compilation: Pick<Compilation, "options">,
): number | undefined => {
  if (count === undefined) return undefined;
  const value = count.kind === "number" ? count.value : compilation.options.parameters?.get(count.name);
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0)
    throw new QueryError("SC2060", `The count value provided for a ${clause} clause must be an integer.`, count.at);
  if (value > maxCount)
    throw new QueryError(
      clause === "OFFSET" ? "SC2062" : "SC2061",
      `The ${clause} count value exceeds the maximum allowed value.`,
      count.at,
    );
  return value;
};

/** What TOP, OFFSET and LIMIT come to. @throws QueryError */
export const limitsOf = (query: Query, compilation: Pick<Compilation, "options">): RowLimits => {
  const top = countOf(query.top, "TOP", compilation) ?? Number.POSITIVE_INFINITY;
  const offset = countOf(query.offset, "OFFSET", compilation) ?? 0;
  const limit = countOf(query.limit, "LIMIT", compilation) ?? Number.POSITIVE_INFINITY;
  return { distinct: query.distinct, offset, count: Math.min(limit, Math.max(0, top - offset)) };
};

interface Ordering {
  readonly keys: readonly Evaluate[];
  readonly order?: RowOrder;
}

/** ORDER BY VectorDistance goes from the most similar to the least, whatever the function measures. */
const compileOrder = (compiler: Compiler, query: Query, scope: Scope): Ordering => {
  if (query.rank !== undefined) {
    const { keys, ascending, weights } = compileRanking(compiler, query.rank, scope);
    return { keys, order: { descending: ascending.map((up) => !up), ...(weights === undefined ? {} : { weights }) } };
  }
  if (query.orderBy.length === 0) return { keys: [] };
  const descending = query.orderBy.map((item) => {
    const distance = isDistance(compiler, item.expression);
    return distance === undefined ? item.descending : !distance;
  });
  return { keys: query.orderBy.map((item) => compiler.expression(item.expression, scope)), order: { descending } };
};

/** Throws QueryError for what can be told without documents. */
export const compileProgram = (compilation: Compilation, query: Query, parent?: Scope): QueryProgram => {
  const compiler: Compiler = {
    compilation,
    expression: (expression, scope) => compileExpression(compiler, expression, scope),
    subquery: (mode, inner, scope) => compileSubquery(compilation, mode, inner, scope),
  };
  const { each, scope, document } = compileSources(compilation, query.from, parent, (inner, outer) => {
    const rows = compileSubquery(compilation, "ARRAY", inner, outer);
    return () => rows() as readonly Json[];
  });
  const test = query.where === undefined ? undefined : compileTest(compiler, query.where, scope);
  const limits = limitsOf(query, compilation);
  const constant = query.from.length === 0;
  if (!isGrouped(query)) {
    const own = parent === undefined ? compilation.options.project : undefined;
    const project = own ?? compileProjection(compiler, query, scope);
    const { keys, ...order } = compileOrder(compiler, query, scope);
    const open = (): Execution => {
      const rows = openRows({ ...limits, ...order });
      const row =
        keys.length === 0
          ? () => rows.add(project(), [])
          : () =>
              rows.add(
                project(),
                keys.map((key) => key()),
              );
      return { rows, row, finish: () => rows.finish() };
    };
    return { each, test, document, constant, open };
  }
  const keys = query.groupBy.map((expression) => ({
    expression,
    evaluate: compiler.expression(expression, scope),
    slot: compilation.slot(),
  }));
  const grouping: Grouping = compileGrouping(keys, scope);
  const inner: Scope = { ...scope, grouping };
  const project = compileProjection(compiler, query, inner);
  const { keys: orderKeys, ...order } = compileOrder(compiler, query, inner);
  const open = (): Execution =>
    openGroups(compilation, keys, grouping, () => {
      const rows = openRows({ ...limits, ...order });
      return {
        rows,
        emit: () =>
          rows.add(
            project(),
            orderKeys.map((key) => key()),
          ),
      };
    });
  return { each, test, document, constant, open };
};

/** Runs a program inside a row of an outer query. */
const runAll = ({ each, test, open }: QueryProgram): readonly Json[] => {
  const execution = open();
  each(() => (test === undefined || test() ? execution.row() : true));
  return finished(execution.finish());
};

const compileSubquery = (compilation: Compilation, mode: SubqueryMode, query: Query, scope: Scope): Evaluate => {
  checkSubquery(query);
  // What a name of the outer query means inside does not change by the outer one's grouping: keys stay reachable.
  const program = compileProgram(compilation, query, scope);
  const { each, test } = program;
  switch (mode) {
    case "EXISTS":
      if (isGrouped(query) || query.select.kind === "value") return () => runAll(program).length > 0;
      return () => !each(() => !(test === undefined || test()));
    case "ALL": {
      if (query.where === undefined) return () => true;
      const negated = compileProgram(
        compilation,
        { ...query, where: { kind: "unary", operator: "NOT", operand: query.where, at: query.where.at } },
        scope,
      );
      return () => runAll(negated).length === 0;
    }
    case "ARRAY":
      return () => runAll(program);
    case "FIRST":
      return () => runAll(program)[0];
    case "LAST":
      return () => runAll(program).at(-1);
    case "scalar":
      return () => {
        const rows = runAll(program);
        if (rows.length > 1)
          throw new QueryError(
            "SC3001",
            "The cardinality of a scalar subquery result set cannot be greater than one.",
            query.at,
          );
        return rows[0];
      };
  }
};
