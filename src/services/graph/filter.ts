/** OData `$filter`, as far as directory objects need it: parsed once, then asked of each object. */
import { graphFault } from "./faults.ts";

export type Json = Readonly<Record<string, unknown>>;
export type Predicate = (object: Json) => boolean;

/** Type of an entity: its name and the properties that may be named. */
export interface EntityType {
  readonly name: string;
  readonly fields: readonly string[];
}

type Scope = Readonly<Record<string, unknown>>;
type Term = (scope: Scope) => unknown;

const tokenPattern =
  /\s*(?:('(?:[^']|'')*')|([A-Za-z_][\w.]*(?:\/(?!any\(|all\()[A-Za-z_][\w.]*)*)|(\/(?:any|all)(?=\())|(-?\d[\w.:-]*)|([(),:]))/y;
/** Deeper nesting than any client writes is refused before it costs anything. */
const maximumDepth = 20;

/**
 * `eq ne gt ge lt le in`, `and or not`, `startswith endswith contains`, and `any` over a list of values. Text compares
 * without letter case, as Graph's directory does. @throws Fault 400 for anything else
 */
export const parseFilter = (text: string, type: EntityType): Predicate => {
  const tokens = tokenise(text);
  let position = 0;
  const peek = (): string | undefined => tokens[position];
  const fail = (why: string): never => {
    throw graphFault("filter", { why: `${why} at position ${position} in '${text.slice(0, 200)}'.` });
  };
  const take = (wanted?: string): string => {
    const token = tokens[position];
    if (token === undefined || (wanted !== undefined && token !== wanted))
      return fail(wanted === undefined ? "Unexpected end" : `Expected '${wanted}'`);
    position += 1;
    return token;
  };
  const property = (variables: readonly string[]): Term => {
    const path = take();
    if (!/^[A-Za-z_]/.test(path)) return fail("A property was expected");
    const [first = "", ...rest] = path.split("/");
    if (!variables.includes(first) && !type.fields.includes(first))
      throw graphFault("filter", { why: `Could not find a property named '${first}' on type '${type.name}'.` });
    return (scope) => rest.reduce<unknown>((value, name) => (value as Json | null | undefined)?.[name], scope[first]);
  };
  const literal = (): unknown => {
    const token = take();
    if (token.startsWith("'")) return token.slice(1, -1).replaceAll("''", "'");
    if (token === "true" || token === "false") return token === "true";
    if (token === "null") return null;
    if (/^-?\d+(\.\d+)?$/.test(token)) return Number(token);
    return /^[\d-]/.test(token) ? token : fail("A value was expected");
  };
  const either = (variables: readonly string[], depth: number): Term => {
    if (depth > maximumDepth) return fail("Too many nested conditions");
    let left = both(variables, depth);
    while (peek() === "or") {
      take();
      const [before, after] = [left, both(variables, depth)];
      left = (scope) => before(scope) === true || after(scope) === true;
    }
    return left;
  };
  const both = (variables: readonly string[], depth: number): Term => {
    let left = single(variables, depth);
    while (peek() === "and") {
      take();
      const [before, after] = [left, single(variables, depth)];
      left = (scope) => before(scope) === true && after(scope) === true;
    }
    return left;
  };
  const single = (variables: readonly string[], depth: number): Term => {
    if (depth > maximumDepth) return fail("Too many nested conditions");
    const token = peek();
    if (token === "not") {
      take();
      const inner = single(variables, depth + 1);
      return (scope) => inner(scope) !== true;
    }
    if (token === "(") {
      take();
      const inner = either(variables, depth + 1);
      take(")");
      return inner;
    }
    const test = tokens[position + 1] === "(" ? textTests[token ?? ""] : undefined;
    if (test !== undefined) {
      take();
      take("(");
      const subject = property(variables);
      take(",");
      const value = literal();
      take(")");
      return (scope) => test(textOf(subject(scope)), textOf(value));
    }
    return comparison(property(variables), variables, depth);
  };
  const comparison = (subject: Term, variables: readonly string[], depth: number): Term => {
    const operator = take();
    if (operator === "/any" || operator === "/all") return lambda(subject, operator, variables, depth);
    if (operator === "in") {
      take("(");
      const values = [literal()];
      while (peek() === ",") {
        take();
        values.push(literal());
      }
      take(")");
      return (scope) => values.some((value) => compare(subject(scope), value) === 0);
    }
    const test = comparisons[operator];
    if (test === undefined) return fail(`'${operator}' is no operator`);
    const value = literal();
    return (scope) => test(compare(subject(scope), value));
  };
  const lambda = (subject: Term, operator: "/any" | "/all", variables: readonly string[], depth: number): Term => {
    take("(");
    const name = take();
    take(":");
    const inner = either([...variables, name], depth + 1);
    take(")");
    return (scope) => {
      const list = subject(scope);
      const items: readonly unknown[] = Array.isArray(list) ? list : [];
      const holds = (item: unknown): boolean => inner({ ...scope, [name]: item }) === true;
      return operator === "/any" ? items.some(holds) : items.every(holds);
    };
  };

  const whole = either([], 0);
  if (position < tokens.length) fail(`Syntax error: '${tokens[position]}' is too much`);
  return (object) => whole(object) === true;
};

const tokenise = (text: string): string[] => {
  const tokens: string[] = [];
  const trimmed = text.trimEnd();
  tokenPattern.lastIndex = 0;
  for (let at = 0; at < trimmed.length; at = tokenPattern.lastIndex) {
    const found = tokenPattern.exec(trimmed);
    const token = found?.slice(1).find((group) => group !== undefined);
    if (token === undefined)
      throw graphFault("filter", { why: `Syntax error at position ${at} in '${text.slice(0, 200)}'.` });
    tokens.push(token);
  }
  return tokens;
};

const textOf = (value: unknown): string => (typeof value === "string" ? value.toLowerCase() : "");

const textTests: Readonly<Record<string, (subject: string, value: string) => boolean>> = {
  startswith: (subject, value) => subject.startsWith(value),
  endswith: (subject, value) => subject.endsWith(value),
  contains: (subject, value) => subject.includes(value),
};

/** Negative, 0 or positive; NaN when the two cannot be compared. */
const compare = (left: unknown, right: unknown): number => {
  if (left === right || (left === undefined && right === null)) return 0;
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") {
    const [a, b] = [left.toLowerCase(), right.toLowerCase()];
    return a === b ? 0 : a < b ? -1 : 1;
  }
  return Number.NaN;
};

const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
};
