/** What a query's shape allows, beyond its grammar. */
import { isAggregate } from "./aggregates.ts";
import type { Expression, Query } from "./ast.ts";
import { QueryError } from "./errors.ts";
import { some } from "./walk.ts";

const callsAggregate = (expression: Expression): boolean =>
  some(expression, (part) => part.kind === "call" && !part.udf && isAggregate(part.name));

/** The expressions of the select list. */
export const selected = ({ select }: Query): readonly Expression[] => {
  if (select.kind === "star") return [];
  return select.kind === "value" ? [select.expression] : select.items.map(({ expression }) => expression);
};

/** Whether rows are folded: GROUP BY, or an aggregate in the select list or in ORDER BY. */
export const isGrouped = (query: Query): boolean =>
  query.groupBy.length > 0 ||
  selected(query).some(callsAggregate) ||
  query.orderBy.some(({ expression }) => callsAggregate(expression));

export const checkSubquery = (query: Query): void => {
  const refuse = (code: string, clause: string): never => {
    throw new QueryError(code, `${clause} is not supported in subqueries.`, query.at);
  };
  if (query.orderBy.length > 0 || query.rank !== undefined) refuse("SC2202", "'ORDER BY'");
  if (query.top !== undefined) refuse("SC2203", "'TOP'");
  if (query.offset !== undefined || query.limit !== undefined) refuse("SC2204", "'OFFSET LIMIT' clause");
};
