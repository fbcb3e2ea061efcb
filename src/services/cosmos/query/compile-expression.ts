/** Expressions to closures. Every closure reads slots of one run; nothing is allocated for names. */
import type { Expression } from "./ast.ts";
import { type Compiler, constantOf } from "./compiler.ts";
import { compileCall } from "./compile-call.ts";
import { compilePath, rootOf } from "./compile-path.ts";
import { likeMatcher } from "./like.ts";
import { and, isBetween, isEqual, not, operations, or, unaryOperations } from "./operators.ts";
import { printExpression } from "./print.ts";
import { type Evaluate, lookUp, type Scope, type Test } from "./scope.ts";
import { type Json, keyOf, setProperty, type Value } from "./values.ts";

const constant =
  (value: Value): Evaluate =>
  () =>
    value;

const compileBinary = (
  compiler: Compiler,
  expression: Extract<Expression, { kind: "binary" }>,
  scope: Scope,
): Evaluate => {
  const left = compiler.expression(expression.left, scope);
  const right = compiler.expression(expression.right, scope);
  const { operator } = expression;
  switch (operator) {
    case "AND":
      return () => {
        const value = left();
        return value === false ? false : and(value, right());
      };
    case "OR":
      return () => {
        const value = left();
        return value === true ? true : or(value, right());
      };
    // Replaces undefined, not null.
    case "??":
      return () => {
        const value = left();
        return value === undefined ? right() : value;
      };
    case "=": {
      const fixed = constantOf(expression.right, compiler.compilation)?.value;
      if (fixed !== undefined && (typeof fixed !== "object" || fixed === null))
        return () => {
          const value = left();
          return value === undefined ? undefined : value === fixed;
        };
      return () => isEqual(left(), right());
    }
    default: {
      const operation = operations[operator];
      return () => operation(left(), right());
    }
  }
};

const compileIn = (compiler: Compiler, expression: Extract<Expression, { kind: "in" }>, scope: Scope): Evaluate => {
  const value = compiler.expression(expression.value, scope);
  const constants = expression.items.map((item) => constantOf(item, compiler.compilation));
  const wanted = !expression.negated;
  if (constants.every((item) => item !== undefined)) {
    const values = constants.map((item) => item.value).filter((item) => item !== undefined);
    if (values.every((item) => typeof item !== "object" || item === null)) {
      const members = new Set<Value>(values);
      return () => {
        const found = value();
        return found === undefined ? undefined : members.has(found) === wanted;
      };
    }
    const keys = new Set(values.map(keyOf));
    return () => {
      const found = value();
      return found === undefined ? undefined : keys.has(keyOf(found)) === wanted;
    };
  }
  const items = expression.items.map((item) => compiler.expression(item, scope));
  return () => {
    const found = value();
    return found === undefined ? undefined : items.some((item) => isEqual(found, item()) === true) === wanted;
  };
};

const compileLike = (compiler: Compiler, expression: Extract<Expression, { kind: "like" }>, scope: Scope): Evaluate => {
  const value = compiler.expression(expression.value, scope);
  const pattern = compiler.expression(expression.pattern, scope);
  let known: string | undefined;
  let matches: (text: string) => boolean = () => false;
  return () => {
    const text = value();
    const wanted = pattern();
    if (typeof text !== "string" || typeof wanted !== "string") return undefined;
    if (wanted !== known) {
      known = wanted;
      matches = likeMatcher(wanted, expression.escape);
    }
    return matches(text) !== expression.negated;
  };
};

const compileObject = (
  compiler: Compiler,
  expression: Extract<Expression, { kind: "object" }>,
  scope: Scope,
): Evaluate => {
  const parts = expression.properties.map(({ name, value }) => ({ name, value: compiler.expression(value, scope) }));
  return () => {
    const result: Record<string, Json> = {};
    for (const part of parts) {
      const value = part.value();
      if (value !== undefined) setProperty(result, part.name, value);
    }
    return result;
  };
};

/** The key of the group that an expression names, when the query groups by exactly this expression. */
const groupKey = (expression: Expression, scope: Scope): number | undefined => {
  if (expression.kind === "literal") return undefined;
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const keys = at.grouping?.keys;
    if (keys === undefined || keys.size === 0) continue;
    const root = rootOf(expression);
    // Inside a subquery only paths whose first name is the grouped query's own.
    if (at !== scope && (root === undefined || lookUp(scope, root.name)?.scope !== at)) continue;
    const key = keys.get(printExpression(expression));
    if (key !== undefined) return key;
  }
  return undefined;
};

export const compileExpression = (compiler: Compiler, expression: Expression, scope: Scope): Evaluate => {
  const { slots } = compiler.compilation;
  const key = groupKey(expression, scope);
  if (key !== undefined) return () => slots[key];
  const fixed = constantOf(expression, compiler.compilation);
  if (fixed !== undefined) return constant(fixed.value);
  switch (expression.kind) {
    case "identifier":
    case "member":
    case "index":
      return compilePath(compiler, expression, scope);
    case "array": {
      const items = expression.items.map((item) => compiler.expression(item, scope));
      return () => {
        const result: Json[] = [];
        for (const item of items) {
          const value = item();
          if (value !== undefined) result.push(value);
        }
        return result;
      };
    }
    case "object":
      return compileObject(compiler, expression, scope);
    case "unary": {
      const operand = compiler.expression(expression.operand, scope);
      const operation = unaryOperations[expression.operator];
      return () => operation(operand());
    }
    case "binary":
      return compileBinary(compiler, expression, scope);
    case "conditional": {
      const test = compiler.expression(expression.test, scope);
      const then = compiler.expression(expression.consequent, scope);
      const otherwise = compiler.expression(expression.alternate, scope);
      return () => (test() === true ? then() : otherwise());
    }
    case "between": {
      const value = compiler.expression(expression.value, scope);
      const low = compiler.expression(expression.low, scope);
      const high = compiler.expression(expression.high, scope);
      return expression.negated
        ? () => not(isBetween(value(), low(), high()))
        : () => isBetween(value(), low(), high());
    }
    case "in":
      return compileIn(compiler, expression, scope);
    case "like":
      return compileLike(compiler, expression, scope);
    case "call":
      return compileCall(compiler, expression, scope);
    case "subquery":
      return compiler.subquery(expression.mode, expression.query, scope);
    case "literal":
    case "parameter":
      return constant(undefined);
  }
};

/** A filter: conjunctions stop at the first part that is not true, without three-valued logic in between. */
export const compileTest = (compiler: Compiler, expression: Expression, scope: Scope): Test => {
  if (expression.kind === "binary" && expression.operator === "AND") {
    const left = compileTest(compiler, expression.left, scope);
    const right = compileTest(compiler, expression.right, scope);
    return () => left() && right();
  }
  if (expression.kind === "binary" && expression.operator === "OR") {
    const left = compileTest(compiler, expression.left, scope);
    const right = compileTest(compiler, expression.right, scope);
    return () => left() || right();
  }
  const value = compiler.expression(expression, scope);
  return () => value() === true;
};
