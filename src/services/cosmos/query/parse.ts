/** Queries: the clauses around expressions. Grammar: docs/nosql query reference; errors as the service words them. */
import type { Collection, Count, Expression, OrderItem, Query, SelectItem, Selection, Source } from "./ast.ts";
import { type Cursor, openCursor, reserved } from "./cursor.ts";
import { requireShallow } from "./depth.ts";
import { tooComplex } from "./errors.ts";
import { parseExpression } from "./parse-expression.ts";

/** More than the service's five, less than what would hurt. */
const maxSources = 11;

const expression = (cursor: Cursor): Expression => parseExpression(cursor, query);

const count = (cursor: Cursor): Count => {
  const token = cursor.next();
  if (token.kind === "number") return { kind: "number", value: Number(token.value), at: token.at };
  if (token.kind === "parameter") return { kind: "parameter", name: token.text, at: token.at };
  return cursor.fail(token);
};

const alias = (cursor: Cursor): { alias?: string } => {
  if (cursor.take("AS")) {
    const token = cursor.next();
    if (token.kind !== "word") cursor.fail(token);
    return { alias: token.text };
  }
  const token = cursor.peek();
  if (token.kind !== "word" || reserved.has(token.upper) || token.text.startsWith("{")) return {};
  cursor.next();
  return { alias: token.text };
};

const selection = (cursor: Cursor): Selection => {
  const star = cursor.peek();
  if (cursor.take("*")) return { kind: "star", at: star.at };
  // `SELECT value.x` reads a source named "value"; `SELECT VALUE ...` projects.
  if (cursor.at("VALUE") && ![".", ",", "["].includes(cursor.peek(1).text) && cursor.peek(1).upper !== "FROM") {
    cursor.next();
    return { kind: "value", expression: expression(cursor) };
  }
  if (cursor.at("VALUE") && cursor.peek(1).text === "[") {
    cursor.next();
    return { kind: "value", expression: expression(cursor) };
  }
  const items: SelectItem[] = [];
  do items.push({ expression: expression(cursor), ...alias(cursor) });
  while (cursor.take(","));
  return { kind: "list", items };
};

const collection = (cursor: Cursor): { collection: Collection; name?: string } => {
  const token = cursor.next();
  if (token.text === "(" && token.kind === "punctuation") {
    const inner = cursor.nested(() => query(cursor));
    cursor.expect(")");
    return { collection: { kind: "query", query: inner, at: cursor.since(token.at) } };
  }
  if (token.kind !== "word" || reserved.has(token.upper)) cursor.fail(token);
  const segments: (string | number)[] = [];
  let name: string | undefined = token.text;
  for (;;) {
    if (cursor.take(".")) {
      const segment = cursor.next();
      if (segment.kind !== "word") cursor.fail(segment);
      segments.push(segment.text);
      name = segment.text;
    } else if (cursor.take("[")) {
      const segment = cursor.next();
      if (segment.value === undefined) cursor.fail(segment);
      else segments.push(segment.value);
      name = typeof segment.value === "string" ? segment.value : undefined;
      cursor.expect("]");
    } else break;
  }
  return {
    collection: { kind: "path", root: token.text, segments, at: cursor.since(token.at) },
    ...(name === undefined ? {} : { name }),
  };
};

const source = (cursor: Cursor): Source => {
  const start = cursor.peek();
  if (start.kind === "word" && !reserved.has(start.upper) && cursor.peek(1).upper === "IN") {
    cursor.next();
    cursor.next();
    return { collection: collection(cursor).collection, alias: start.text, iterate: true, at: cursor.since(start.at) };
  }
  const from = collection(cursor);
  const explicit = alias(cursor).alias ?? from.name;
  return {
    collection: from.collection,
    ...(explicit === undefined ? {} : { alias: explicit }),
    iterate: false,
    at: cursor.since(start.at),
  };
};

const fromClause = (cursor: Cursor): Source[] => {
  const sources: Source[] = [];
  if (!cursor.take("FROM")) return sources;
  do {
    if (sources.length >= maxSources) throw tooComplex(`more than ${maxSources - 1} joins`, cursor.peek().at);
    sources.push(source(cursor));
  } while (cursor.take("JOIN"));
  return sources;
};

const orderClause = (cursor: Cursor): { orderBy: OrderItem[]; rank?: Expression } => {
  const orderBy: OrderItem[] = [];
  if (!cursor.take("ORDER")) return { orderBy };
  cursor.expect("BY");
  if (cursor.peek().upper === "RANK" && cursor.peek(1).kind === "word") {
    cursor.next();
    const rank = expression(cursor);
    if (!cursor.take("ASC")) cursor.take("DESC");
    return { orderBy, rank };
  }
  do {
    const item = expression(cursor);
    const descending = cursor.take("DESC");
    if (!descending) cursor.take("ASC");
    orderBy.push({ expression: item, descending });
  } while (cursor.take(","));
  return { orderBy };
};

const query = (cursor: Cursor): Query => {
  const start = cursor.expect("SELECT").at;
  const distinct = cursor.take("DISTINCT");
  const top = cursor.take("TOP") ? { top: count(cursor) } : {};
  const select = selection(cursor);
  const from = fromClause(cursor);
  return { distinct, ...top, select, from, ...tail(cursor), at: cursor.since(start) };
};

const tail = (cursor: Cursor): Omit<Query, "distinct" | "select" | "from" | "at"> => {
  const where = cursor.take("WHERE") ? { where: expression(cursor) } : {};
  const groupBy: Expression[] = [];
  if (cursor.take("GROUP")) {
    cursor.expect("BY");
    do groupBy.push(expression(cursor));
    while (cursor.take(","));
  }
  const order = orderClause(cursor);
  const offset = cursor.take("OFFSET") ? { offset: count(cursor) } : {};
  const limit = "offset" in offset || cursor.at("LIMIT") ? (cursor.expect("LIMIT"), { limit: count(cursor) }) : {};
  return { ...where, groupBy, ...order, ...offset, ...limit };
};

const whole = (cursor: Cursor, parsed: Query): Query => {
  if (cursor.peek().kind !== "end") cursor.fail();
  requireShallow(parsed);
  return parsed;
};

/** Text to tree. Throws QueryError: SC1001 for syntax, with the offsets of the word that does not fit. */
export const parse = (text: string): Query => {
  const cursor = openCursor(text);
  return whole(cursor, query(cursor));
};

/** The `condition` of a patch: `from c where ...`. Read as `SELECT VALUE 1 FROM ...`. */
export const parseCondition = (text: string): Query => {
  const cursor = openCursor(text);
  if (cursor.at("SELECT")) return whole(cursor, query(cursor));
  const start = cursor.peek().at;
  const from = fromClause(cursor);
  const select: Selection = { kind: "value", expression: { kind: "literal", value: 1, at: start } };
  return whole(cursor, { distinct: false, select, from, ...tail(cursor), at: cursor.since(start) });
};
