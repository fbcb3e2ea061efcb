/** Computed properties of a container, checked as the service does: https://learn.microsoft.com/azure/cosmos-db/nosql/query/computed-properties */
import { badRequest } from "../faults.ts";
import { isAggregate } from "../query/aggregates.ts";
import type { Expression, Query } from "../query/ast.ts";
import { compileQuery, parseQuery, QueryError } from "../query/query.ts";
import { some } from "../query/walk.ts";
import { isObject, type JsonObject } from "./records.ts";

const most = 20;
const systemNames: ReadonlySet<string> = new Set(["id", "_rid", "_self", "_etag", "_attachments", "_ts", "_lsn"]);
const nondeterministic = /^(?:RAND|GETCURRENT(?:DATETIME|TICKS|TIMESTAMP)(?:STATIC)?)$/i;

/** Why an expression cannot be one item's own value; undefined: it can. */
const objectionTo = (expression: Expression): string | undefined => {
  if (some(expression, ({ kind }) => kind === "subquery")) return "it holds a subquery";
  if (some(expression, ({ kind }) => kind === "parameter")) return "it holds a parameter";
  const called = (test: (name: string) => boolean): boolean =>
    some(expression, (part) => part.kind === "call" && test(part.name));
  if (some(expression, (part) => part.kind === "call" && part.udf)) return "it calls a user-defined function";
  if (called(isAggregate)) return "it calls an aggregate function";
  if (called((name) => nondeterministic.test(name))) return "it calls a function that is not deterministic";
  if (called((name) => /^ST_/i.test(name))) return "it calls a spatial function";
  return undefined;
};

const objection = (query: Query, names: ReadonlySet<string>): string | undefined => {
  const [source, ...more] = query.from;
  if (
    source === undefined ||
    source.iterate ||
    source.collection.kind === "query" ||
    source.collection.segments.length > 0
  )
    return "its FROM clause must stand for the item itself";
  if (more.length > 0) return "it has a JOIN";
  if (query.select.kind !== "value") return "it must project with VALUE";
  const clauses: readonly (readonly [string, boolean])[] = [
    ["DISTINCT", query.distinct],
    ["TOP", query.top !== undefined],
    ["WHERE", query.where !== undefined],
    ["GROUP BY", query.groupBy.length > 0],
    ["ORDER BY", query.orderBy.length > 0 || query.rank !== undefined],
    ["OFFSET LIMIT", query.offset !== undefined || query.limit !== undefined],
  ];
  const clause = clauses.find(([, present]) => present);
  if (clause !== undefined) return `it has a ${clause[0]} clause`;
  const { expression } = query.select;
  const root = source.alias ?? source.collection.root;
  const refersToAnother = some(
    expression,
    (part) =>
      part.kind === "member" &&
      part.object.kind === "identifier" &&
      part.object.name === root &&
      names.has(String(part.key)),
  );
  return refersToAnother ? "it refers to a computed property" : objectionTo(expression);
};

/** @throws 400 */
const check = (name: string, text: string, names: ReadonlySet<string>): void => {
  try {
    const query = parseQuery(text);
    const why = objection(query, names);
    if (why !== undefined) throw badRequest(`The query of the computed property '${name}' is invalid: ${why}.`);
    compileQuery(query);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw badRequest(`The query of the computed property '${name}' is invalid: ${error.message}`);
  }
};

/** @throws 400 */
export const checkComputedProperties = ({ computedProperties: listed }: JsonObject): void => {
  if (listed === undefined || listed === null) return;
  if (!Array.isArray(listed)) throw badRequest("The computedProperties of a container must be a list.");
  if (listed.length > most) throw badRequest(`A container has at most ${most} computed properties.`);
  const read = listed.map((each: unknown) => {
    const { name, query } = isObject(each) ? each : {};
    if (typeof name !== "string" || name === "" || typeof query !== "string" || query === "")
      throw badRequest("A computed property must have a name and a query.");
    if (systemNames.has(name))
      throw badRequest(`A computed property cannot be called '${name}', as a system property is.`);
    return { name: name.slice(0, 100), key: name, query };
  });
  const names = new Set(read.map(({ key }) => key));
  if (names.size < read.length) throw badRequest("The names of computed properties must be unique.");
  for (const { name, query } of read) check(name, query, names);
};
