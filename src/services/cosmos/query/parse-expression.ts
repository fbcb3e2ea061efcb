/**
 * Expressions, by precedence climbing. From loose to tight: `?:`, `??`, OR, AND, NOT, comparisons (with BETWEEN, IN, LIKE),
 * `|`, `^`, `&`, shifts, `||` and `+ -`, `* / %`, unary, member access.
 */
import type { BinaryOperator, Expression, ObjectProperty, Query, SubqueryMode } from "./ast.ts";
import { type Cursor, reserved } from "./cursor.ts";
import { QueryError, tooComplex } from "./errors.ts";

/** `maxInExpressionItemsCount` of the account document. */
const maxInItems = 16_000;

/** Binding powers of the operators above member access; `=` and its kin share one level and associate to the left. */
const powers: Readonly<Record<string, number>> = {
  "|": 2,
  "^": 3,
  "&": 4,
  "<<": 5,
  ">>": 5,
  ">>>": 5,
  "||": 6,
  "+": 6,
  "-": 6,
  "*": 7,
  "/": 7,
  "%": 7,
};
const comparisons: ReadonlySet<string> = new Set(["=", "!=", "<>", "<", "<=", ">", ">="]);
const subqueryWords: ReadonlySet<string> = new Set(["EXISTS", "ARRAY", "ALL", "FIRST", "LAST"]);

export const parseExpression = (cursor: Cursor, parseQuery: (cursor: Cursor) => Query): Expression => {
  const expression = (): Expression => cursor.nested(conditional);

  const conditional = (): Expression => {
    const start = cursor.peek().at;
    const test = coalesce();
    if (!cursor.take("?")) return test;
    const consequent = expression();
    cursor.expect(":");
    const alternate = expression();
    return { kind: "conditional", test, consequent, alternate, at: cursor.since(start) };
  };

  /** `a op b op c` to the left; chains are loops, so that long ones cost no stack here. */
  const chain = (operator: BinaryOperator, text: string, operand: () => Expression) => (): Expression => {
    const start = cursor.peek().at;
    let left = operand();
    let length = 0;
    while (cursor.take(text)) {
      if (++length > 1000) throw tooComplex(`more than 1000 ${operator} operators in a row`, cursor.since(start));
      left = { kind: "binary", operator, left, right: operand(), at: cursor.since(start) };
    }
    return left;
  };

  const not = (): Expression => {
    const token = cursor.peek();
    if (!cursor.at("NOT")) return comparison();
    cursor.next();
    const operand = cursor.nested(not);
    return { kind: "unary", operator: "NOT", operand, at: cursor.since(token.at) };
  };

  const comparison = (): Expression => {
    const start = cursor.peek().at;
    let left = binary(0);
    for (;;) {
      const token = cursor.peek();
      if (token.kind === "punctuation" && comparisons.has(token.text)) {
        cursor.next();
        const operator = (token.text === "<>" ? "!=" : token.text) as BinaryOperator;
        const right = cursor.at("NOT") ? cursor.nested(not) : binary(0);
        left = { kind: "binary", operator, left, right, at: cursor.since(start) };
        continue;
      }
      const negated = cursor.at("NOT") && ["BETWEEN", "IN", "LIKE"].includes(cursor.peek(1).upper);
      if (negated) cursor.next();
      if (cursor.take("BETWEEN")) {
        const low = binary(0);
        cursor.expect("AND");
        const high = binary(0);
        left = { kind: "between", negated, value: left, low, high, at: cursor.since(start) };
      } else if (cursor.take("IN")) {
        cursor.expect("(");
        const items = list(")", maxInItems);
        if (items.length === 0) cursor.fail();
        cursor.expect(")");
        left = { kind: "in", negated, value: left, items, at: cursor.since(start) };
      } else if (cursor.take("LIKE")) {
        const pattern = binary(0);
        const escape = cursor.take("ESCAPE") ? escapeCharacter() : {};
        left = { kind: "like", negated, value: left, pattern, ...escape, at: cursor.since(start) };
      } else return left;
    }
  };

  const escapeCharacter = (): { escape: string } => {
    const token = cursor.next();
    if (token.kind !== "string") cursor.fail(token);
    const text = String(token.value);
    if ([...text].length !== 1)
      throw new QueryError("SC2011", "The ESCAPE clause must be a single character string.", token.at);
    return { escape: text };
  };

  const and = chain("AND", "AND", not);
  const or = chain("OR", "OR", and);
  const coalesce = chain("??", "??", or);

  const binary = (minimum: number): Expression => {
    const start = cursor.peek().at;
    let left = unary();
    let length = 0;
    for (;;) {
      const token = cursor.peek();
      const power = token.kind === "punctuation" ? powers[token.text] : undefined;
      if (power === undefined || power <= minimum) return left;
      if (++length > 1000) throw tooComplex("more than 1000 operators in a row", cursor.since(start));
      cursor.next();
      const right = cursor.nested(() => binary(power));
      left = { kind: "binary", operator: token.text as BinaryOperator, left, right, at: cursor.since(start) };
    }
  };

  const unary = (): Expression => {
    const token = cursor.peek();
    if (!cursor.at("-") && !cursor.at("+") && !cursor.at("~")) return postfix();
    cursor.next();
    const operand = cursor.nested(unary);
    const at = cursor.since(token.at);
    if (token.text === "-" && operand.kind === "literal" && typeof operand.value === "number")
      return { kind: "literal", value: -operand.value, at };
    return { kind: "unary", operator: token.text as "-" | "+" | "~", operand, at };
  };

  const postfix = (): Expression => {
    const start = cursor.peek().at;
    let object = primary();
    for (let depth = 0; ; depth++) {
      if (depth > 500) throw tooComplex("a path of more than 500 steps", cursor.since(start));
      if (cursor.take(".")) {
        const token = cursor.next();
        if (token.kind !== "word") cursor.fail(token);
        object = { kind: "member", object, key: token.text, at: cursor.since(start) };
      } else if (cursor.take("[")) {
        const index = expression();
        cursor.expect("]");
        const at = cursor.since(start);
        object =
          index.kind === "literal" && (typeof index.value === "string" || typeof index.value === "number")
            ? { kind: "member", object, key: index.value, at }
            : { kind: "index", object, index, at };
      } else return object;
    }
  };

  const list = (close: string, limit = 100_000): Expression[] => {
    const items: Expression[] = [];
    if (cursor.at(close)) return items;
    do {
      if (items.length >= limit) throw tooComplex(`a list of more than ${limit} items`, cursor.peek().at);
      items.push(expression());
    } while (cursor.take(","));
    return items;
  };

  const objectLiteral = (): ObjectProperty[] => {
    const properties: ObjectProperty[] = [];
    if (cursor.at("}")) return properties;
    do {
      const token = cursor.next();
      if (token.kind !== "string" && token.kind !== "word") cursor.fail(token);
      cursor.expect(":");
      properties.push({ name: token.kind === "string" ? String(token.value) : token.text, value: expression() });
    } while (cursor.take(","));
    return properties;
  };

  const subquery = (mode: SubqueryMode, start: { start: number; end: number }): Expression => {
    const query = cursor.nested(() => parseQuery(cursor));
    cursor.expect(")");
    return { kind: "subquery", mode, query, at: cursor.since(start) };
  };

  const call = (name: string, udf: boolean, start: { start: number; end: number }): Expression => {
    cursor.expect("(");
    const args = list(")");
    cursor.expect(")");
    return { kind: "call", name, udf, args, at: cursor.since(start) };
  };

  const wordOperand = (): Expression => {
    const token = cursor.next();
    const at = token.at;
    if (token.text.startsWith("{")) return { kind: "literal", value: true, at };
    const opens = cursor.at("(");
    if (opens && subqueryWords.has(token.upper) && cursor.peek(1).upper === "SELECT") {
      cursor.next();
      return subquery(token.upper as SubqueryMode, at);
    }
    switch (token.upper) {
      case "TRUE":
        return { kind: "literal", value: true, at };
      case "FALSE":
        return { kind: "literal", value: false, at };
      case "NULL":
        return { kind: "literal", value: null, at };
      case "UNDEFINED":
        return { kind: "literal", value: undefined, at };
      case "UDF": {
        cursor.expect(".");
        const name = cursor.next();
        if (name.kind !== "word") cursor.fail(name);
        return call(name.text, true, at);
      }
      default:
        break;
    }
    if (reserved.has(token.upper)) cursor.fail(token);
    return opens ? call(token.text, false, at) : { kind: "identifier", name: token.text, at };
  };

  const primary = (): Expression => {
    const token = cursor.peek();
    if (token.kind === "word") return wordOperand();
    cursor.next();
    if (token.kind === "number" || token.kind === "string") {
      if (token.value === Number.POSITIVE_INFINITY)
        throw new QueryError("SC1011", "Syntax error, invalid numeric value token.", token.at);
      return { kind: "literal", value: token.value, at: token.at };
    }
    if (token.kind === "parameter") return { kind: "parameter", name: token.text, at: token.at };
    if (token.kind === "punctuation") {
      if (token.text === "(") {
        if (cursor.at("SELECT")) return subquery("scalar", token.at);
        const inner = expression();
        cursor.expect(")");
        return inner;
      }
      if (token.text === "[") {
        const items = list("]");
        cursor.expect("]");
        return { kind: "array", items, at: cursor.since(token.at) };
      }
      if (token.text === "{") {
        const properties = objectLiteral();
        cursor.expect("}");
        return { kind: "object", properties, at: cursor.since(token.at) };
      }
    }
    return cursor.fail(token);
  };

  return expression();
};
