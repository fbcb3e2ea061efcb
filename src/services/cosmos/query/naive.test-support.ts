/**
 * A second, slow evaluator for tests: it walks the tree with an environment per row and shares only the parser and the
 * built-in functions with the engine.
 */
import type { Collection, Expression, Query } from "./ast.ts";
import { findFunction } from "./functions/registry.ts";

type Value = unknown;
type Environment = ReadonlyMap<string, Value>;

const rank = (value: Value): number => {
  if (value === undefined) return 0;
  if (value === null) return 1;
  if (Array.isArray(value)) return 5;
  return ["boolean", "number", "string"].indexOf(typeof value) === -1
    ? 6
    : ["boolean", "number", "string"].indexOf(typeof value) + 2;
};

/** Equal texts for equal values, whatever the order of properties. */
const canonical = (value: Value): string => {
  if (value === undefined) return "undefined";
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (rank(value) !== 6) return JSON.stringify(value === 0 ? 0 : value);
  return `{${Object.entries(value as object)
    .map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`)
    .toSorted()
    .join()}}`;
};

const order = (a: Value, b: Value): number => {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (rank(a) >= 2 && rank(a) <= 4) return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
  if (Array.isArray(a) && Array.isArray(b)) {
    for (const [index, item] of a.entries()) {
      if (index >= b.length) return 1;
      const found = order(item, b[index]);
      if (found !== 0) return found;
    }
    return a.length - b.length;
  }
  if (rank(a) !== 6) return 0;
  const left = Object.entries(a as object).toSorted(([x], [y]) => (x < y ? -1 : 1));
  const right = Object.entries(b as object).toSorted(([x], [y]) => (x < y ? -1 : 1));
  return order(left.flat(), right.flat());
};

const property = (value: Value, key: Value): Value => {
  if (Array.isArray(value)) return typeof key === "number" ? (value[key] as Value) : undefined;
  if (rank(value) !== 6 || typeof key !== "string") return undefined;
  return Object.entries(value as object).find(([name]) => name === key)?.[1] as Value;
};

const comparable = (a: Value, b: Value): boolean => rank(a) === rank(b) && rank(a) >= 1 && rank(a) <= 4;
const logical = (a: Value, b: Value, winner: boolean): Value => {
  if (a === winner || b === winner) return winner;
  return typeof a === "boolean" && typeof b === "boolean" ? !winner : undefined;
};

const numeric: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
  "<<": (a, b) => a << b,
  ">>": (a, b) => a >> b,
  ">>>": (a, b) => a >>> b,
  "&": (a, b) => a & b,
  "|": (a, b) => a | b,
  "^": (a, b) => a ^ b,
};

const binary = (operator: string, a: Value, b: Value): Value => {
  if (operator === "AND") return logical(a, b, false);
  if (operator === "OR") return logical(a, b, true);
  if (operator === "??") return a === undefined ? b : a;
  if (operator === "||") return typeof a === "string" && typeof b === "string" ? a + b : undefined;
  if (operator === "=" || operator === "!=") {
    if (a === undefined || b === undefined) return undefined;
    return (canonical(a) === canonical(b)) === (operator === "=");
  }
  const compute = numeric[operator];
  if (compute !== undefined) {
    const result = typeof a === "number" && typeof b === "number" ? compute(a, b) : undefined;
    return Number.isFinite(result) ? result : undefined;
  }
  if (!comparable(a, b)) return undefined;
  const found = order(a, b);
  return operator === "<" ? found < 0 : operator === "<=" ? found <= 0 : operator === ">" ? found > 0 : found >= 0;
};

const like = (text: Value, pattern: Value): Value => {
  if (typeof text !== "string" || typeof pattern !== "string") return undefined;
  const source = pattern
    .replaceAll(/[.*+?^${}()|\\[\]]/g, String.raw`\$&`)
    .replaceAll("%", "[^]*")
    .replaceAll("_", "[^]");
  return new RegExp(`^${source}$`, "u").test(text);
};

const negate = (value: Value): Value => (typeof value === "boolean" ? !value : undefined);

interface Group {
  readonly rows: readonly Environment[];
}

const folds: Readonly<Record<string, (values: readonly Value[]) => Value>> = {
  COUNT: (values) => values.length,
  SUM: (values) =>
    values.every((value) => typeof value === "number") ? values.reduce((sum, value) => sum + value, 0) : undefined,
  MIN: (values) => (values.some((value) => rank(value) > 4) ? undefined : values.toSorted(order)[0]),
  MAX: (values) => (values.some((value) => rank(value) > 4) ? undefined : values.toSorted(order).at(-1)),
};

export const evaluate = (expression: Expression, env: Environment, group?: Group): Value => {
  const at = (inner: Expression): Value => evaluate(inner, env, group);
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "identifier":
      return env.get(expression.name);
    case "member":
      return property(at(expression.object), expression.key);
    case "array":
      return expression.items.map(at).filter((value) => value !== undefined);
    case "object":
      return Object.fromEntries(
        expression.properties.map(({ name, value }) => [name, at(value)]).filter(([, value]) => value !== undefined),
      );
    case "unary": {
      const value = at(expression.operand);
      if (expression.operator === "NOT") return negate(value);
      if (typeof value !== "number") return undefined;
      return expression.operator === "-" ? -value : expression.operator === "+" ? value : ~value;
    }
    case "binary":
      return binary(expression.operator, at(expression.left), at(expression.right));
    case "conditional":
      return at(expression.test) === true ? at(expression.consequent) : at(expression.alternate);
    case "between": {
      const value = at(expression.value);
      const found = logical(binary(">=", value, at(expression.low)), binary("<=", value, at(expression.high)), false);
      return expression.negated ? negate(found) : found;
    }
    case "in": {
      const value = at(expression.value);
      if (value === undefined) return undefined;
      return expression.items.some((item) => binary("=", value, at(item)) === true) !== expression.negated;
    }
    case "like": {
      const found = like(at(expression.value), at(expression.pattern));
      return expression.negated ? negate(found) : found;
    }
    case "subquery": {
      const rows = runNaive(expression.query, env);
      return expression.mode === "EXISTS" ? rows.length > 0 : expression.mode === "ARRAY" ? rows : rows[0];
    }
    case "call": {
      const fold = folds[expression.name];
      if (fold !== undefined) {
        const [argument] = expression.args;
        const values = (group?.rows ?? []).map((row) => (argument === undefined ? undefined : evaluate(argument, row)));
        return fold(values.filter((value) => value !== undefined));
      }
      const definition = findFunction(expression.name);
      const args = expression.args.map(at);
      if (definition?.make !== undefined || definition === undefined) throw new Error(expression.name);
      return definition.lenient !== true && args.includes(undefined) ? undefined : definition.run(...(args as never[]));
    }
    default:
      throw new Error(expression.kind);
  }
};

const collectionValue = (collection: Collection, env: Environment): Value => {
  if (collection.kind === "query") return runNaive(collection.query, env);
  return collection.segments.reduce<Value>(property, env.get(collection.root));
};

/** An aggregate of this query's own, not of a subquery. */
const aggregating = (query: Query): boolean =>
  query.groupBy.length > 0 ||
  /"name":"(?:COUNT|SUM|MIN|MAX)"/.test(
    JSON.stringify(query.select, (key, value: unknown) => (key === "query" ? undefined : value)),
  );

/** All rows of the query; the environment holds the document under the first source's name. */
export const runNaive = (query: Query, outer: Environment): Value[] => {
  let rows: Environment[] = [outer];
  for (const { collection, alias = "", iterate } of query.from) {
    rows = rows.flatMap((env) => {
      const value = collectionValue(collection, env);
      const items = iterate || collection.kind === "query" ? (Array.isArray(value) ? value : []) : [value];
      return items.filter((item) => item !== undefined).map((item) => new Map([...env, [alias, item]]));
    });
  }
  const { where } = query;
  if (where !== undefined) rows = rows.filter((env) => evaluate(where, env) === true);
  let groups: { env: Environment; group?: Group }[] = rows.map((env) => ({ env }));
  if (aggregating(query)) {
    const found = new Map<string, Environment[]>();
    if (query.groupBy.length === 0) found.set("", []);
    for (const env of rows) {
      const key = query.groupBy.map((expression) => canonical(evaluate(expression, env))).join("|");
      found.set(key, [...(found.get(key) ?? []), env]);
    }
    groups = [...found.values()].map((members) => ({ env: members[0] ?? outer, group: { rows: members } }));
  }
  const project = ({ env, group }: { env: Environment; group?: Group }): Value => {
    const { select } = query;
    if (select.kind === "star") return env.get(query.from[0]?.alias ?? "");
    if (select.kind === "value") return evaluate(select.expression, env, group);
    return Object.fromEntries(
      select.items
        .map(({ expression, alias = "" }) => [alias, evaluate(expression, env, group)])
        .filter(([, value]) => value !== undefined),
    );
  };
  let projected = groups.map((row) => ({
    value: project(row),
    keys: query.orderBy.map(({ expression }) => evaluate(expression, row.env, row.group)),
  }));
  if (query.orderBy.length === 1) projected = projected.filter(({ keys }) => keys[0] !== undefined);
  if (query.orderBy[0]?.descending === true) projected = projected.toReversed();
  projected = projected.toSorted((a, b) => {
    for (const [index, { descending }] of query.orderBy.entries()) {
      const found = order(a.keys[index], b.keys[index]) * (descending ? -1 : 1);
      if (found !== 0) return found;
    }
    return 0;
  });
  let values = projected.map(({ value }) => value).filter((value) => value !== undefined);
  if (query.distinct) {
    const seen = values.map(canonical);
    values = values.filter((_, index) => seen.indexOf(seen[index] ?? "") === index);
  }
  const count = (of: Query["top"]): number | undefined => (of?.kind === "number" ? of.value : undefined);
  const start = count(query.offset) ?? 0;
  values = values.slice(0, count(query.top));
  return values.slice(start, count(query.limit) === undefined ? undefined : start + (count(query.limit) ?? 0));
};
