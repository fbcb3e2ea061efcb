/**
 * Reads an ABAC condition into a tree. Mixed AND and OR without parentheses is ambiguous and refused, as Azure's own
 * page on the format demands. https://learn.microsoft.com/azure/role-based-access-control/conditions-format
 */
import { isGuid } from "../definitions.ts";
import {
  type Attribute,
  type Expression,
  type Literal,
  type Operand,
  type Operator,
  operatorsByName,
} from "./syntax.ts";
import { ConditionSyntaxError, type Token, tokenize } from "./tokens.ts";

/** Longest accepted condition, in characters. */
export const conditionLimit = 8192;
const deepest = 64;

interface Cursor {
  readonly tokens: readonly Token[];
  next: number;
  depth: number;
}

const peek = (cursor: Cursor): Token => cursor.tokens[cursor.next] as Token;
const advance = (cursor: Cursor): Token => {
  const token = peek(cursor);
  if (token.kind !== "end") cursor.next += 1;
  return token;
};

const shown = (token: Token): string => {
  switch (token.kind) {
    case "end":
      return "the end";
    case "string":
    case "word":
      return `'${token.value}'`;
    case "attribute":
      return `'@${token.source}[${token.name}]'`;
    default:
      return `'${token.kind}'`;
  }
};

const expected = (what: string, token: Token): ConditionSyntaxError =>
  new ConditionSyntaxError(`Expected ${what} but found ${shown(token)}`, token.at);

const expect = (cursor: Cursor, kind: "(" | ")" | "{" | "}"): void => {
  const token = advance(cursor);
  if (token.kind !== kind) throw expected(`'${kind}'`, token);
};

const literal = (token: Token): Literal | undefined => {
  if (token.kind === "string") return { kind: "string", value: token.value };
  if (token.kind !== "word") return undefined;
  if (isGuid(token.value)) return { kind: "guid", value: token.value.toLowerCase() };
  if (/^-?\d{1,15}$/.test(token.value)) return { kind: "integer", value: Number(token.value) + 0 };
  const lower = token.value.toLowerCase();
  return lower === "true" || lower === "false" ? { kind: "boolean", value: lower === "true" } : undefined;
};

const readLiteral = (cursor: Cursor): Literal => {
  const token = advance(cursor);
  const value = literal(token);
  if (value === undefined) throw expected("a value ('text', a number, true, false or a GUID)", token);
  return value;
};

const readOperand = (cursor: Cursor): Operand => {
  const token = peek(cursor);
  if (token.kind === "attribute") {
    advance(cursor);
    return { kind: "attribute", attribute: { source: token.source, name: token.name } };
  }
  if (token.kind !== "{") return readLiteral(cursor);
  advance(cursor);
  const values = [readLiteral(cursor)];
  while (peek(cursor).kind === ",") {
    advance(cursor);
    values.push(readLiteral(cursor));
  }
  expect(cursor, "}");
  return { kind: "set", values };
};

const readOperator = (cursor: Cursor): Operator => {
  const token = advance(cursor);
  const operator = token.kind === "word" ? operatorsByName.get(token.value.toLowerCase()) : undefined;
  if (operator === undefined) throw expected("an operator such as StringEquals", token);
  return operator;
};

/** `{'text'}` of ActionMatches and SubOperationMatches. */
const readBraced = (cursor: Cursor): string => {
  expect(cursor, "{");
  const token = advance(cursor);
  if (token.kind !== "string") throw expected("a quoted name", token);
  expect(cursor, "}");
  return token.value;
};

const readAttribute = (cursor: Cursor): Attribute => {
  const token = advance(cursor);
  if (token.kind !== "attribute") throw expected("an attribute", token);
  return { source: token.source, name: token.name };
};

const readComparison = (cursor: Cursor): Expression => {
  const at = peek(cursor).at;
  const left = readOperand(cursor);
  const operator = readOperator(cursor);
  const right = readOperand(cursor);
  if (operator.quantifier === undefined && (left.kind === "set" || right.kind === "set")) {
    throw new ConditionSyntaxError("A set of values needs an operator that begins with ForAnyOf… or ForAllOf…", at);
  }
  return { kind: "comparison", left, operator, right };
};

const readTerm = (cursor: Cursor): Expression => {
  const token = peek(cursor);
  if (token.kind === "not") {
    advance(cursor);
    return { kind: "not", operand: nested(cursor, readTerm) };
  }
  if (token.kind === "(") {
    advance(cursor);
    const inner = nested(cursor, readChain);
    expect(cursor, ")");
    return inner;
  }
  if (token.kind === "word") {
    switch (token.value.toLowerCase()) {
      case "actionmatches":
        advance(cursor);
        return { kind: "actionMatches", pattern: readBraced(cursor) };
      case "suboperationmatches":
        advance(cursor);
        return { kind: "subOperationMatches", name: readBraced(cursor) };
      case "exists":
        advance(cursor);
        return { kind: "exists", attribute: readAttribute(cursor) };
    }
  }
  return readComparison(cursor);
};

const nested = (cursor: Cursor, read: (cursor: Cursor) => Expression): Expression => {
  cursor.depth += 1;
  if (cursor.depth > deepest) throw new ConditionSyntaxError("The condition is nested too deeply", peek(cursor).at);
  const expression = read(cursor);
  cursor.depth -= 1;
  return expression;
};

const readChain = (cursor: Cursor): Expression => {
  const first = readTerm(cursor);
  const joint = peek(cursor);
  if (joint.kind !== "and" && joint.kind !== "or") return first;
  const operands = [first];
  for (;;) {
    const token = peek(cursor);
    if (token.kind !== "and" && token.kind !== "or") break;
    if (token.kind !== joint.kind) {
      throw new ConditionSyntaxError("AND and OR are mixed: the expression is ambiguous, add parentheses", token.at);
    }
    advance(cursor);
    operands.push(readTerm(cursor));
  }
  return { kind: joint.kind, operands };
};

/** @throws ConditionSyntaxError with the position of the first problem. */
export const parseCondition = (text: string): Expression => {
  if (text.length > conditionLimit) {
    throw new ConditionSyntaxError(`The condition is longer than ${conditionLimit} characters`, conditionLimit);
  }
  const cursor: Cursor = { tokens: tokenize(text), next: 0, depth: 0 };
  const expression = readChain(cursor);
  const rest = peek(cursor);
  if (rest.kind !== "end") throw expected("AND, OR or the end", rest);
  return expression;
};
