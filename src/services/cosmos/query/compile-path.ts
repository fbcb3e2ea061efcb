/** Names and paths: `c`, `c.a.b`, `c["a"][0]`. */
import type { Expression } from "./ast.ts";
import { type Compiler, constantOf } from "./compiler.ts";
import { QueryError, unresolved } from "./errors.ts";
import { printExpression } from "./print.ts";
import { type Evaluate, lookUp, type Scope } from "./scope.ts";
import { type JsonObject, property, type Value } from "./values.ts";

type PathExpression = Extract<Expression, { kind: "identifier" | "member" | "index" }>;

/** Names that a plain read could find on a prototype, or on an array: those need the own-property check. */
const needsCheck = (name: string): boolean => name in Array.prototype || /^\d+$/.test(name);

/** One step of a path, over the step before it. */
export const step = (object: Evaluate, key: string | number): Evaluate => {
  if (typeof key === "number") return () => element(object(), key);
  if (needsCheck(key)) return () => property(object(), key);
  return () => {
    const value = object();
    return typeof value === "object" && value !== null ? (value as JsonObject)[key] : undefined;
  };
};

const element = (value: Value, index: number): Value =>
  Array.isArray(value) && Number.isInteger(index) && index >= 0 ? (value[index] as Value) : undefined;

/** The name that a path starts from. */
export const rootOf = (expression: Expression): Extract<Expression, { kind: "identifier" }> | undefined => {
  let at = expression;
  while (at.kind === "member" || at.kind === "index") at = at.object;
  return at.kind === "identifier" ? at : undefined;
};

/** Whether the query groups by this path or by a path above it. */
const groupedPath = (expression: Expression, keys: ReadonlyMap<string, number>): boolean => {
  for (let at = expression; ; at = at.object) {
    if (keys.has(printExpression(at))) return true;
    if (at.kind !== "member" && at.kind !== "index") return false;
  }
};

/** In the select list of a grouped query, a name of its rows is only reached through a key. */
const requireGrouped = (expression: PathExpression, scope: Scope): void => {
  const root = rootOf(expression);
  const found = root === undefined ? undefined : lookUp(scope, root.name);
  const grouping = found?.scope.grouping;
  if (grouping === undefined || groupedPath(expression, grouping.keys)) return;
  throw new QueryError(
    "SC2102",
    `Property reference '${printExpression(expression)}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause.`,
    expression.at,
  );
};

const compileKey = (compiler: Compiler, expression: Expression): string | number => {
  const key = constantOf(expression, compiler.compilation)?.value;
  if (typeof key === "string" || typeof key === "number") return key;
  throw new QueryError(
    "SC2990",
    "The specified query includes 'member indexer' which is currently not supported.",
    expression.at,
  );
};

const compileComputed = (
  compiler: Compiler,
  expression: Extract<Expression, { kind: "member" }>,
  scope: Scope,
): Evaluate | undefined => {
  if (expression.object.kind !== "identifier") return undefined;
  const binding = lookUp(scope, expression.object.name)?.binding;
  if (binding?.document !== true) return undefined;
  const { computedProperties = [] } = compiler.compilation.options;
  const query = computedProperties.find(({ name }) => name === expression.key)?.query;
  if (query?.select.kind !== "value") return undefined;
  const alias = query.from[0]?.alias ?? "c";
  // No computed property of the document here: one cannot be built on another (or on itself).
  return compiler.expression(query.select.expression, {
    names: new Map([[alias, { slot: binding.slot, document: false }]]),
  });
};

export const compilePath = (compiler: Compiler, expression: PathExpression, scope: Scope): Evaluate => {
  const { slots } = compiler.compilation;
  requireGrouped(expression, scope);
  if (expression.kind === "identifier") {
    const found = lookUp(scope, expression.name);
    if (found === undefined) throw unresolved(expression.name, expression.at);
    const { slot } = found.binding;
    return () => slots[slot];
  }
  if (expression.kind === "index")
    return step(compiler.expression(expression.object, scope), compileKey(compiler, expression.index));
  const computed = compileComputed(compiler, expression, scope);
  if (computed !== undefined) return computed;
  return step(compiler.expression(expression.object, scope), expression.key);
};
