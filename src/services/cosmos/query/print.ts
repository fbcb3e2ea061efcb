/** Tree to text, in the form that the service gives its rewritten queries: binary operators in parentheses. */
import type { Collection, Count, Expression, Query, Selection, Source } from "./ast.ts";

const plainWord = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;

const list = (items: readonly Expression[]): string => items.map(printExpression).join(", ");

const member = (key: string | number): string =>
  typeof key === "string" && plainWord.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;

/** Also the identity of an expression: equal texts mean equal expressions. */
export const printExpression = (expression: Expression): string => {
  switch (expression.kind) {
    case "literal":
      return expression.value === undefined
        ? "undefined"
        : Object.is(expression.value, -0)
          ? "-0"
          : JSON.stringify(expression.value);
    case "parameter":
    case "identifier":
      return expression.name;
    case "member":
      return `${printExpression(expression.object)}${member(expression.key)}`;
    case "index":
      return `${printExpression(expression.object)}[${printExpression(expression.index)}]`;
    case "array":
      return `[${list(expression.items)}]`;
    case "object":
      return `{${expression.properties.map(({ name, value }) => `${JSON.stringify(name)}: ${printExpression(value)}`).join(", ")}}`;
    case "unary":
      return expression.operator === "NOT"
        ? `(NOT ${printExpression(expression.operand)})`
        : `(${expression.operator} ${printExpression(expression.operand)})`;
    case "binary":
      return `(${printExpression(expression.left)} ${expression.operator} ${printExpression(expression.right)})`;
    case "conditional":
      return `(${printExpression(expression.test)} ? ${printExpression(expression.consequent)} : ${printExpression(expression.alternate)})`;
    case "between":
      return `(${printExpression(expression.value)}${expression.negated ? " NOT" : ""} BETWEEN ${printExpression(expression.low)} AND ${printExpression(expression.high)})`;
    case "in":
      return `(${printExpression(expression.value)}${expression.negated ? " NOT" : ""} IN (${list(expression.items)}))`;
    case "like":
      return `(${printExpression(expression.value)}${expression.negated ? " NOT" : ""} LIKE ${printExpression(expression.pattern)}${expression.escape === undefined ? "" : ` ESCAPE ${JSON.stringify(expression.escape)}`})`;
    case "call":
      return `${expression.udf ? `udf.${expression.name}` : expression.name}(${list(expression.args)})`;
    case "subquery":
      return `${expression.mode === "scalar" ? "" : expression.mode}(${printQuery(expression.query, " ")})`;
  }
};

const count = (value: Count): string => (value.kind === "number" ? String(value.value) : value.name);

const printCollection = (collection: Collection): string =>
  collection.kind === "query"
    ? `(${printQuery(collection.query, " ")})`
    : collection.root + collection.segments.map(member).join("");

const printSource = ({ collection, alias, iterate }: Source): string => {
  const text = printCollection(collection);
  if (iterate) return `${alias} IN ${text}`;
  return alias === undefined || alias === text ? text : `${text} AS ${alias}`;
};

export const printSelection = (select: Selection): string => {
  if (select.kind === "star") return "*";
  if (select.kind === "value") return `VALUE ${printExpression(select.expression)}`;
  return select.items
    .map(({ expression, alias }) => printExpression(expression) + (alias === undefined ? "" : ` AS ${alias}`))
    .join(", ");
};

/** `separator` stands between clauses: the service uses line feeds at the top. */
export const printQuery = (query: Query, separator = "\n"): string => {
  const clauses = [
    `SELECT ${query.distinct ? "DISTINCT " : ""}${query.top === undefined ? "" : `TOP ${count(query.top)} `}${printSelection(query.select)}`,
  ];
  if (query.from.length > 0) clauses.push(`FROM ${query.from.map(printSource).join(`${separator}JOIN `)}`);
  if (query.where !== undefined) clauses.push(`WHERE ${printExpression(query.where)}`);
  if (query.groupBy.length > 0) clauses.push(`GROUP BY ${list(query.groupBy)}`);
  if (query.orderBy.length > 0)
    clauses.push(
      `ORDER BY ${query.orderBy.map(({ expression, descending }) => printExpression(expression) + (descending ? " DESC" : "")).join(", ")}`,
    );
  if (query.rank !== undefined) clauses.push(`ORDER BY RANK ${printExpression(query.rank)}`);
  if (query.offset !== undefined) clauses.push(`OFFSET ${count(query.offset)}`);
  if (query.limit !== undefined) clauses.push(`LIMIT ${count(query.limit)}`);
  return clauses.join(separator);
};
