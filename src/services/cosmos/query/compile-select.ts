/** The select list to one closure that makes a row's value. */
import type { Expression, Query, SelectItem } from "./ast.ts";
import type { Compiler } from "./compiler.ts";
import { QueryError } from "./errors.ts";
import type { Evaluate, Scope } from "./scope.ts";
import { type Json, setProperty } from "./values.ts";

/** An alias, or the last name of a path; others are counted: `$1`, `$2`. */
const ownName = (expression: Expression): string | undefined => {
  if (expression.kind === "identifier") return expression.name;
  if (expression.kind === "member" && typeof expression.key === "string") return expression.key;
  return undefined;
};

/** The property name of every item. */
export const columnNames = (items: readonly SelectItem[]): string[] => {
  let unnamed = 0;
  return items.map(({ expression, alias }) => alias ?? ownName(expression) ?? `$${++unnamed}`);
};

const checkNames = (items: readonly SelectItem[], names: readonly string[]): void => {
  const seen = new Set<string>();
  for (const [index, name] of names.entries()) {
    if (seen.has(name))
      throw new QueryError(
        "SC2012",
        `The property name '${name}' is specified more than once in the SELECT list.`,
        items[index]?.expression.at,
      );
    seen.add(name);
  }
};

export const compileProjection = (compiler: Compiler, query: Query, scope: Scope): Evaluate => {
  const { select } = query;
  if (select.kind === "value") return compiler.expression(select.expression, scope);
  if (select.kind === "star") {
    if (query.groupBy.length > 0) throw new QueryError("SC2041", "'SELECT *' is not allowed with GROUP BY.", select.at);
    if (query.from.length === 0)
      throw new QueryError("SC2042", "'SELECT *' is not valid if FROM clause is omitted.", select.at);
    const [binding] = scope.names.values();
    if (query.from.length > 1 || binding === undefined)
      throw new QueryError("SC2040", "'SELECT *' is only valid with a single input set.", select.at);
    const { slots } = compiler.compilation;
    return () => slots[binding.slot];
  }
  const names = columnNames(select.items);
  checkNames(select.items, names);
  const columns = select.items.map((item, index) => ({
    name: names[index] ?? "",
    value: compiler.expression(item.expression, scope),
  }));
  return () => {
    const row: Record<string, Json> = {};
    for (const column of columns) {
      const value = column.value();
      if (value !== undefined) setProperty(row, column.name, value);
    }
    return row;
  };
};
