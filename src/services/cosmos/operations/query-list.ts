/** Queries over short lists: databases, containers, offers. */
import type { Reply } from "../../../kernel/message.ts";
import { openSlices } from "../engine/slices.ts";
import { isObject } from "../engine/definition.ts";
import type { QueryEngine, QueryRun, QuerySpec } from "../engine/query-port.ts";
import type { Json, JsonObject } from "../engine/records.ts";
import { badRequest } from "../faults.ts";
import type { CosmosCall } from "../target.ts";
import { feed, jsonBody } from "./answers.ts";

/** `{"query": "...", "parameters": [{"name": "@x", "value": ...}]}`. @throws 400 */
export const readQuery = async (call: CosmosCall): Promise<QuerySpec> => {
  return querySpec(await jsonBody(call));
};

/** @throws 400 */
export const querySpec = (body: unknown): QuerySpec => {
  const text = isObject(body) ? body["query"] : undefined;
  if (!isObject(body) || typeof text !== "string") throw badRequest("The query of the request is missing.");
  const given = Array.isArray(body["parameters"]) ? (body["parameters"] as Json[]) : [];
  return {
    text,
    parameters: given.map((each) => {
      const name = isObject(each) ? each["name"] : undefined;
      if (!isObject(each) || typeof name !== "string" || !name.startsWith("@"))
        throw badRequest("A query parameter needs a name that begins with '@'.");
      return { name, value: each["value"] as Json };
    }),
  };
};

export const runOver = (run: QueryRun, documents: readonly JsonObject[]): readonly Json[] => {
  const results: Json[] = [];
  for (const document of documents) {
    const more = run.add(document);
    results.push(...run.take());
    if (!more) break;
  }
  results.push(...run.finish());
  return results;
};

export const queryList = async (
  call: CosmosCall,
  queries: QueryEngine,
  rid: string,
  kind: string,
  documents: readonly JsonObject[],
): Promise<Reply> => {
  const prepared = queries.prepare(await readQuery(call), undefined, []);
  return feed(rid, kind, runOver(prepared.open(openSlices().checkpoint), documents));
};
