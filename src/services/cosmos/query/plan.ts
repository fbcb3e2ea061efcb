/**
 * Query plans as the gateway answers them (`x-ms-cosmos-is-query-plan-request`): how an SDK splits a query over
 * partitions, and how it merges what comes back. Shapes: the .NET SDK's query plan baselines.
 */
import { isAggregate } from "./aggregates.ts";
import type { Count, Expression, Query } from "./ast.ts";
import { isGrouped, selected } from "./checks.ts";
import { columnNames } from "./compile-select.ts";
import { printExpression, printQuery } from "./print.ts";
import type { Value } from "./values.ts";

export interface QueryInfo {
  readonly distinctType: "None" | "Ordered" | "Unordered";
  readonly top: number | null;
  readonly offset: number | null;
  readonly limit: number | null;
  readonly orderBy: readonly ("Ascending" | "Descending")[];
  readonly orderByExpressions: readonly string[];
  readonly groupByExpressions: readonly string[];
  readonly groupByAliases: readonly string[];
  readonly aggregates: readonly string[];
  readonly groupByAliasToAggregateType: Readonly<Record<string, string | null>>;
  readonly rewrittenQuery: string;
  readonly hasSelectValue: boolean;
  readonly hasNonStreamingOrderBy: boolean;
  readonly dCountInfo: { readonly dCountAlias: string } | null;
}

export interface QueryPlan {
  readonly partitionedQueryExecutionInfoVersion: 2;
  readonly queryInfo: QueryInfo;
  readonly queryRanges: readonly {
    readonly min: string;
    readonly max: string;
    readonly isMinInclusive: boolean;
    readonly isMaxInclusive: boolean;
  }[];
}

const nothingToMerge: QueryInfo = {
  distinctType: "None",
  top: null,
  offset: null,
  limit: null,
  orderBy: [],
  orderByExpressions: [],
  groupByExpressions: [],
  groupByAliases: [],
  aggregates: [],
  groupByAliasToAggregateType: {},
  rewrittenQuery: "",
  hasSelectValue: false,
  hasNonStreamingOrderBy: false,
  dCountInfo: null,
};

const planOf = (queryInfo: QueryInfo): QueryPlan => ({
  partitionedQueryExecutionInfoVersion: 2,
  queryInfo,
  queryRanges: [{ min: "", max: "FF", isMinInclusive: true, isMaxInclusive: false }],
});

/** For a server that runs the whole query itself: one range, nothing to merge. Java unwraps values only when it is told of them. */
export const passThroughPlan = ({ select }: Query): QueryPlan =>
  planOf({ ...nothingToMerge, hasSelectValue: select.kind === "value" });

const operatorNames: Readonly<Record<string, string>> = {
  COUNT: "Count",
  COUNTIF: "CountIf",
  SUM: "Sum",
  AVG: "Average",
  MIN: "Min",
  MAX: "Max",
  MAKELIST: "MakeList",
  MAKESET: "MakeSet",
};

type Call = Extract<Expression, { kind: "call" }>;

const aggregateOf = (expression: Expression): Call | undefined =>
  expression.kind === "call" && !expression.udf && isAggregate(expression.name) ? expression : undefined;

const operatorOf = (expression: Expression): string | null =>
  operatorNames[aggregateOf(expression)?.name.toUpperCase() ?? ""] ?? null;

/** What one partition sends for an aggregate; AVG as sum and count, MIN and MAX with a count beside them. */
const partial = (expression: Expression): string => {
  const call = aggregateOf(expression);
  const text = printExpression(expression);
  if (call === undefined) return text;
  const argument = call.args.map(printExpression).join(", ");
  const name = call.name.toUpperCase();
  if (name === "AVG") return `{"item": {"sum": SUM(${argument}), "count": COUNT(${argument})}}`;
  if (name !== "MIN" && name !== "MAX") return `{"item": ${name}(${argument})}`;
  return `{"item": ${name}(${argument}), "item2": {"${name.toLowerCase()}": ${name}(${argument}), "count": COUNT(${argument})}}`;
};

const filterPlaceholder = "{documentdb-formattableorderbyquery-filter}";

const numberOf = (count: Count | undefined, parameters: ReadonlyMap<string, Value> | undefined): number | null => {
  if (count === undefined) return null;
  const value = count.kind === "number" ? count.value : parameters?.get(count.name);
  return typeof value === "number" ? value : null;
};

/** Everything after the select list, as it stands. */
const rest = (query: Query): string => {
  const { offset: _offset, limit: _limit, ...unlimited } = query;
  const text = printQuery({ ...unlimited, orderBy: [], distinct: false, select: { kind: "list", items: [] } });
  return text.slice(text.indexOf("\n") + 1);
};

const items = (expressions: readonly Expression[]): string =>
  `[${expressions.map((expression) => `{"item": ${printExpression(expression)}}`).join(", ")}]`;

const payload = (query: Query): string => {
  const { select } = query;
  if (select.kind === "value")
    return isGrouped(query) ? partial(select.expression) : printExpression(select.expression);
  if (select.kind === "star") return query.from[0]?.alias ?? "c";
  const names = columnNames(select.items);
  return `{${select.items.map(({ expression }, index) => `${JSON.stringify(names[index])}: ${partial(expression)}`).join(", ")}}`;
};

const rewriteOrdered = (query: Query, top: string): string => {
  const alias = query.from[0]?.alias ?? "c";
  const order = query.orderBy
    .map((item) => printExpression(item.expression) + (item.descending ? " DESC" : ""))
    .join(", ");
  const filter =
    query.where === undefined ? `(${filterPlaceholder})` : `(${printExpression(query.where)} AND ${filterPlaceholder})`;
  const { where: _where, ...open } = query;
  return `SELECT ${top}${alias}._rid, ${items(query.orderBy.map((item) => item.expression))} AS orderByItems, ${payload(query)} AS payload\n${rest(open)}\nWHERE ${filter}\nORDER BY ${order}`;
};

const rewriteGrouped = (query: Query): string => {
  if (query.groupBy.length > 0)
    return `SELECT ${items(query.groupBy)} AS groupByItems, ${payload(query)} AS payload\n${rest(query)}`;
  if (query.select.kind === "value") return `SELECT VALUE [${payload(query)}]\n${rest(query)}`;
  return `SELECT ${payload(query)} AS payload\n${rest(query)}`;
};

/** `SELECT COUNT(1) FROM (SELECT DISTINCT VALUE ...)`: partitions send the distinct values, the SDK counts them. */
const distinctCount = (query: Query): { inner: Query; alias: string } | undefined => {
  const [source] = query.from;
  if (query.from.length !== 1 || source?.collection.kind !== "query" || !source.collection.query.distinct)
    return undefined;
  const [only, second] = selected(query);
  if (only === undefined || second !== undefined || operatorOf(only) !== "Count" || query.where !== undefined)
    return undefined;
  const alias = query.select.kind === "list" ? (columnNames(query.select.items)[0] ?? "$1") : "";
  return { inner: source.collection.query, alias };
};

/** The plan for a container with several partitions. */
export const queryPlan = (query: Query, parameters?: ReadonlyMap<string, Value>): QueryPlan => {
  const offset = numberOf(query.offset, parameters);
  const limit = numberOf(query.limit, parameters);
  const top = numberOf(query.top, parameters);
  const hasSelectValue = query.select.kind === "value";
  const base: QueryInfo = { ...nothingToMerge, top, offset, limit, hasSelectValue };
  const counted = distinctCount(query);
  if (counted !== undefined)
    return planOf({
      ...base,
      distinctType: "Unordered",
      rewrittenQuery: printQuery(counted.inner),
      dCountInfo: { dCountAlias: counted.alias },
    });
  const distinctType = query.distinct ? (query.orderBy.length > 0 ? "Ordered" : "Unordered") : "None";
  if (isGrouped(query)) {
    const expressions = selected(query);
    const names = query.select.kind === "list" ? columnNames(query.select.items) : [];
    const onlyValue = hasSelectValue && query.groupBy.length === 0;
    return planOf({
      ...base,
      distinctType,
      groupByExpressions: query.groupBy.map(printExpression),
      groupByAliases: names,
      aggregates: onlyValue ? expressions.map((expression) => operatorOf(expression) ?? "").filter(Boolean) : [],
      groupByAliasToAggregateType: Object.fromEntries(
        names.map((name, index) => [
          name,
          operatorOf(expressions[index] ?? { kind: "literal", value: null, at: query.at }),
        ]),
      ),
      rewrittenQuery: rewriteGrouped(query),
    });
  }
  // Each partition may have to give all rows up to the end of the page that is wanted.
  const needed = limit === null ? null : limit + (offset ?? 0);
  if (query.orderBy.length > 0)
    return planOf({
      ...base,
      distinctType,
      orderBy: query.orderBy.map((item) => (item.descending ? "Descending" : "Ascending")),
      orderByExpressions: query.orderBy.map((item) => printExpression(item.expression)),
      rewrittenQuery: rewriteOrdered(query, needed !== null ? `TOP ${needed} ` : top !== null ? `TOP ${top} ` : ""),
    });
  const { offset: _offset, limit: _limit, ...unlimited } = query;
  return planOf({
    ...base,
    distinctType,
    rewrittenQuery:
      needed === null
        ? query.distinct || top !== null
          ? printQuery(unlimited)
          : ""
        : `${printQuery(unlimited)}\nOFFSET 0 LIMIT ${needed}`,
  });
};
