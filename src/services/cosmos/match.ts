/** Addresses of the data plane: `/dbs/d/colls/c/docs/i`, with `//` collapsed and a trailing `/` dropped (cosmos.md 3). */
import { decodeSegment } from "../../kernel/match.ts";
import type { Request } from "../../kernel/message.ts";
import type { Matcher } from "../../kernel/operation.ts";
import { type CosmosOperation, type CosmosTarget, flag, type Intent } from "./target.ts";

export const segmentsOf = (rawPath: string): string[] => {
  const segments: string[] = [];
  for (const segment of rawPath.split("/"))
    if (segment !== "") segments.push(segment.includes("%") ? decodeSegment(segment) : segment);
  return segments;
};

/** What an address is found by: every second segment is a name, but below `operations`. */
const shapeOf = (segments: readonly string[]): string => {
  let shape = segments.length === 0 ? "/" : "";
  for (const [index, segment] of segments.entries())
    shape += index % 2 === 0 || segments[index - 1] === "operations" ? `/${segment.toLowerCase()}` : "/:";
  return shape;
};

const templateShape = (path: string): string => path.replaceAll(/:\w+/g, ":");

/** Go names queries by another header than the rest, and some clients by the content type alone (cosmos.md 4). */
const isQuery = (request: Request): boolean =>
  flag(request, "x-ms-documentdb-isquery") ||
  flag(request, "x-ms-documentdb-query") ||
  request.header("content-type")?.toLowerCase().startsWith("application/query+json") === true;

export const intentOf = (request: Request): Intent => {
  if (request.method === "GET") return request.header("a-im") === undefined ? "" : "changes";
  if (request.method !== "POST") return "";
  if (flag(request, "x-ms-cosmos-is-batch-request")) return "batch";
  if (flag(request, "x-ms-cosmos-is-query-plan-request")) return "plan";
  return isQuery(request) ? "query" : "";
};

interface Addressed {
  readonly operation: CosmosOperation;
  /** Parameters, and which segment each is. */
  readonly names: readonly (readonly [name: string, segment: number])[];
}

export const cosmosMatcher = (operations: readonly CosmosOperation[]): Matcher<CosmosTarget> => {
  const table = new Map<string, Addressed>();
  for (const operation of operations) {
    const names = operation.path
      .split("/")
      .slice(1)
      .flatMap((part, index) => (part.startsWith(":") ? [[part.slice(1), index] as const] : []));
    for (const method of [operation.method].flat())
      table.set(`${method} ${templateShape(operation.path)} ${operation.intent}`, { operation, names });
  }
  return (request) => {
    const segments = segmentsOf(request.rawPath);
    const address = `${request.method} ${shapeOf(segments)}`;
    const intent = intentOf(request);
    // A header that means nothing here (A-IM at pkranges) changes nothing.
    const found = table.get(`${address} ${intent}`) ?? (intent === "changes" ? table.get(`${address} `) : undefined);
    if (found === undefined) return undefined;
    const parameters: Record<string, string> = {};
    for (const [name, index] of found.names) parameters[name] = segments[index] ?? "";
    return { operation: found.operation, parameters };
  };
};
