/**
 * Sound narrowing: what a WHERE clause says about single paths, as ranges that every matching document lies in.
 * A store may use any of them to deliver fewer candidates, or none; the evaluator looks at every candidate again.
 * Ranges are unions of intervals in the total order of values; undefined (a missing property) is never inside.
 */
import type { Expression, Query } from "./ast.ts";
import { compare, type Json, keyOf, typeRank, type Value } from "./values.ts";

export interface Interval {
  readonly low: Json;
  readonly lowInclusive: boolean;
  readonly high: Json;
  readonly highInclusive: boolean;
}

/** The path has a value in one of the intervals; `any`: it has some value (IS_DEFINED). */
export interface PathRange {
  readonly path: readonly (string | number)[];
  /** The test as the query has it, for index metrics. */
  readonly kind: "equality" | "range" | "prefix" | "defined" | "contains";
  readonly intervals: readonly Interval[] | "any";
}

/** All of the ranges hold for a document that can match; `never`: nothing can. */
export interface Narrowing {
  readonly ranges: readonly PathRange[];
  readonly never: boolean;
}

const everything: Narrowing = { ranges: [], never: false };
const nothing: Narrowing = { ranges: [], never: true };

type Parameters = ReadonlyMap<string, Value> | undefined;
type Constant = { readonly value: Value };

const constantOf = (expression: Expression, parameters: Parameters): Constant | undefined => {
  if (expression.kind === "literal") return { value: expression.value };
  if (expression.kind === "parameter") return { value: parameters?.get(expression.name) };
  return undefined;
};

/** The path below the container's name, or undefined. */
const pathOf = (expression: Expression, alias: string): readonly (string | number)[] | undefined => {
  if (expression.kind === "identifier") return expression.name === alias ? [] : undefined;
  if (expression.kind !== "member") return undefined;
  const above = pathOf(expression.object, alias);
  return above === undefined ? undefined : [...above, expression.key];
};

const point = (value: Json): Interval => ({ low: value, lowInclusive: true, high: value, highInclusive: true });

/** The order has no largest string: the next type's smallest value is the open end. */
const endOfTexts: Json = [];

/** The values of one primitive type above or below another. */
const side = (operator: string, value: Json): Interval | undefined => {
  const rank = typeRank(value);
  if (rank > 4) return undefined;
  const first: Json = [null, null, false, -Number.MAX_VALUE, ""][rank] ?? null;
  const last: { value: Json; inclusive: boolean } =
    rank === 1
      ? { value: null, inclusive: true }
      : rank === 2
        ? { value: true, inclusive: true }
        : rank === 3
          ? { value: Number.MAX_VALUE, inclusive: true }
          : { value: endOfTexts, inclusive: false };
  return operator.startsWith(">")
    ? { low: value, lowInclusive: operator === ">=", high: last.value, highInclusive: last.inclusive }
    : { low: first, lowInclusive: true, high: value, highInclusive: operator === "<=" };
};

const mirrored: Readonly<Record<string, string>> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=" };

const comparison = (path: readonly (string | number)[], operator: string, value: Value): Narrowing => {
  // `=` with undefined is never true; neither is an order with undefined, an array or an object.
  if (value === undefined) return nothing;
  if (operator === "=") return { ranges: [{ path, kind: "equality", intervals: [point(value)] }], never: false };
  const interval = side(operator, value);
  return interval === undefined ? nothing : { ranges: [{ path, kind: "range", intervals: [interval] }], never: false };
};

/** The smallest text above every text that starts with the prefix; undefined when there is none. */
const afterPrefix = (prefix: string): string | undefined => {
  for (let end = prefix.length; end > 0; end--) {
    const unit = prefix.charCodeAt(end - 1);
    if (unit < 0xffff) return prefix.slice(0, end - 1) + String.fromCharCode(unit + 1);
  }
  return undefined;
};

const prefixed = (path: readonly (string | number)[], prefix: string): Narrowing => {
  const end = afterPrefix(prefix);
  const high = end === undefined ? { high: endOfTexts, highInclusive: false } : { high: end, highInclusive: false };
  return {
    ranges: [{ path, kind: "prefix", intervals: [{ low: prefix, lowInclusive: true, ...high }] }],
    never: false,
  };
};

/** `a OR b`: one path in both becomes the union; anything else says nothing. */
const union = (left: Narrowing, right: Narrowing): Narrowing => {
  if (left.never) return right;
  if (right.never) return left;
  const ranges: PathRange[] = [];
  for (const range of left.ranges) {
    const other = right.ranges.find(
      ({ path }) => keyOf(path as readonly Json[]) === keyOf(range.path as readonly Json[]),
    );
    if (other === undefined) continue;
    const intervals =
      range.intervals === "any" || other.intervals === "any" ? "any" : [...range.intervals, ...other.intervals];
    ranges.push({ path: range.path, kind: range.kind === other.kind ? range.kind : "range", intervals });
  }
  return { ranges, never: false };
};

const isPlain = ({ low, high }: Interval): boolean =>
  typeRank(low) <= 4 && (typeRank(high) <= 4 || high === endOfTexts);

/** Where two intervals overlap; undefined where they do not. */
const overlap = (a: Interval, b: Interval): Interval | undefined => {
  const lows = compare(a.low, b.low);
  const highs = compare(a.high, b.high);
  const low = lows >= 0 ? a.low : b.low;
  const high = highs <= 0 ? a.high : b.high;
  const lowInclusive = lows > 0 ? a.lowInclusive : lows < 0 ? b.lowInclusive : a.lowInclusive && b.lowInclusive;
  const highInclusive = highs < 0 ? a.highInclusive : highs > 0 ? b.highInclusive : a.highInclusive && b.highInclusive;
  const order = compare(low, high);
  return order < 0 || (order === 0 && lowInclusive && highInclusive)
    ? { low, lowInclusive, high, highInclusive }
    : undefined;
};

/** More of them are left apart: IN lists may be long. */
const fewIntervals = 20;

/** Two ranges of one path as one; undefined: they are better left apart. `a >= 1 AND a < 2` is much less than either. */
const intersection = (left: PathRange, right: PathRange): PathRange | undefined => {
  // Filters may name hundreds of paths: most differ at a glance.
  if (left.path.length !== right.path.length || left.path[0] !== right.path[0]) return undefined;
  if (keyOf(left.path) !== keyOf(right.path)) return undefined;
  const [a, b] = [left.intervals, right.intervals];
  if (a === "any" || b === "any" || a.length * b.length > fewIntervals) return undefined;
  if (![...a, ...b].every(isPlain)) return undefined;
  const intervals = a.flatMap((one) => b.flatMap((other) => overlap(one, other) ?? []));
  const kind = left.kind === "equality" || right.kind === "equality" ? "equality" : "range";
  return { path: left.path, kind, intervals };
};

const both = (left: Narrowing, right: Narrowing): Narrowing => {
  if (left.never || right.never) return nothing;
  const ranges = [...left.ranges];
  for (const range of right.ranges) {
    const at = ranges.findIndex((one) => intersection(one, range) !== undefined);
    const found = at === -1 ? undefined : intersection(ranges[at] as PathRange, range);
    if (found === undefined) ranges.push(range);
    else if (found.intervals.length === 0) return nothing;
    else ranges[at] = found;
  }
  return { ranges, never: false };
};

const call = (expression: Extract<Expression, { kind: "call" }>, alias: string, parameters: Parameters): Narrowing => {
  const [first, second] = expression.args;
  const path = first === undefined ? undefined : pathOf(first, alias);
  if (path === undefined || expression.udf) return everything;
  const name = expression.name.toUpperCase();
  if (name === "IS_DEFINED") return { ranges: [{ path, kind: "defined", intervals: "any" }], never: false };
  const wanted = second === undefined ? undefined : constantOf(second, parameters)?.value;
  const ignoresCase = expression.args.length > 2;
  if (name === "STARTSWITH" && typeof wanted === "string" && !ignoresCase) return prefixed(path, wanted);
  if (name === "STRINGEQUALS" && typeof wanted === "string" && !ignoresCase) return comparison(path, "=", wanted);
  if (["CONTAINS", "ENDSWITH", "STARTSWITH", "STRINGEQUALS", "REGEXMATCH"].includes(name))
    return {
      ranges: [
        {
          path,
          kind: "contains",
          intervals: [{ low: "", lowInclusive: true, high: endOfTexts, highInclusive: false }],
        },
      ],
      never: false,
    };
  return everything;
};

const narrow = (expression: Expression, alias: string, parameters: Parameters): Narrowing => {
  switch (expression.kind) {
    case "literal":
    case "parameter":
      return constantOf(expression, parameters)?.value === true ? everything : nothing;
    case "binary": {
      const { operator, left, right } = expression;
      if (operator === "AND") return both(narrow(left, alias, parameters), narrow(right, alias, parameters));
      if (operator === "OR") return union(narrow(left, alias, parameters), narrow(right, alias, parameters));
      if (!Object.hasOwn(mirrored, operator)) return everything;
      const leftPath = pathOf(left, alias);
      const rightPath = pathOf(right, alias);
      const leftConstant = constantOf(left, parameters);
      const rightConstant = constantOf(right, parameters);
      if (leftPath !== undefined && rightConstant !== undefined)
        return comparison(leftPath, operator, rightConstant.value);
      if (rightPath !== undefined && leftConstant !== undefined)
        return comparison(rightPath, mirrored[operator] ?? "=", leftConstant.value);
      return everything;
    }
    case "between": {
      const path = pathOf(expression.value, alias);
      const low = constantOf(expression.low, parameters);
      const high = constantOf(expression.high, parameters);
      if (expression.negated || path === undefined || low === undefined || high === undefined) return everything;
      if (low.value === undefined || high.value === undefined || typeRank(low.value) > 4) return nothing;
      if (typeRank(low.value) !== typeRank(high.value) || compare(low.value, high.value) > 0) return nothing;
      const interval = { low: low.value, lowInclusive: true, high: high.value, highInclusive: true };
      return { ranges: [{ path, kind: "range", intervals: [interval] }], never: false };
    }
    case "in": {
      const path = pathOf(expression.value, alias);
      const values = expression.items.map((item) => constantOf(item, parameters));
      if (expression.negated || path === undefined || values.some((item) => item === undefined)) return everything;
      const intervals = values
        .map((item) => item?.value)
        .filter((item) => item !== undefined)
        .map(point);
      return intervals.length === 0 ? nothing : { ranges: [{ path, kind: "equality", intervals }], never: false };
    }
    case "like": {
      const path = pathOf(expression.value, alias);
      const pattern = constantOf(expression.pattern, parameters)?.value;
      if (expression.negated || path === undefined || typeof pattern !== "string") return everything;
      const special = pattern.search(expression.escape === undefined ? /[%_[]/ : /[^\p{L}\p{N} ]/u);
      return prefixed(path, special === -1 ? pattern : pattern.slice(0, special));
    }
    case "call":
      return call(expression, alias, parameters);
    default:
      return everything;
  }
};

/** Whether a name is bound by something else than the container, so that a path below it says nothing. */
const containerAlias = (query: Query): string | undefined => {
  const [first] = query.from;
  if (first === undefined || first.iterate || first.collection.kind !== "path") return undefined;
  return first.collection.segments.length === 0 ? first.alias : undefined;
};

/** Computed properties are no paths of the document: name them, and nothing is said about them. */
export const narrowing = (
  query: Query,
  parameters?: ReadonlyMap<string, Value>,
  computed: ReadonlySet<string> = new Set(),
): Narrowing => {
  const inner = query.from[0]?.collection;
  if (inner?.kind === "query") return narrowing(inner.query, parameters, computed);
  const alias = containerAlias(query);
  if (alias === undefined || query.where === undefined) return everything;
  const { ranges, never } = narrow(query.where, alias, parameters);
  return { never, ranges: ranges.filter(({ path }) => path.length > 0 && !computed.has(String(path[0]))) };
};

/** The paths of ORDER BY with their directions, when all are paths of the document. */
export const orderPaths = (
  query: Query,
): readonly { readonly path: readonly (string | number)[]; readonly descending: boolean }[] | undefined => {
  const alias = containerAlias(query);
  if (alias === undefined || query.orderBy.length === 0) return undefined;
  const paths = query.orderBy.map(({ expression, descending }) => ({ path: pathOf(expression, alias), descending }));
  return paths.every((item) => item.path !== undefined && item.path.length > 0)
    ? paths.map(({ path = [], descending }) => ({ path, descending }))
    : undefined;
};

/** Whether the value lies in the range; for stores without ordered indexes, and for tests. */
export const inRange = ({ intervals }: PathRange, value: Value): boolean => {
  if (value === undefined) return false;
  if (intervals === "any") return true;
  return intervals.some(({ low, lowInclusive, high, highInclusive }) => {
    const above = compare(value, low);
    const below = compare(value, high);
    return (above > 0 || (above === 0 && lowInclusive)) && (below < 0 || (below === 0 && highInclusive));
  });
};
