/** Queries over short lists: databases, containers, offers. */
import type { Reply } from "../../../kernel/message.ts";
import { isObject } from "../engine/definition.ts";
import { checkNesting } from "../engine/nesting.ts";
import type { QuerySpec } from "../engine/query-port.ts";
import type { QueryReader } from "../engine/reader-port.ts";
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
  const given = (body["parameters"] ?? []) as Json;
  if (!Array.isArray(given)) throw badRequest("The parameters of a query must be a list.");
  return {
    text,
    parameters: given.map((each) => {
      const name = isObject(each) ? each["name"] : undefined;
      if (!isObject(each) || typeof name !== "string" || !name.startsWith("@"))
        throw badRequest("A query parameter needs a name that begins with '@'.");
      const value = each["value"] as Json;
      checkNesting(value);
      return { name, value };
    }),
  };
};

export const queryList = async (
  call: CosmosCall,
  reader: QueryReader,
  rid: string,
  kind: string,
  documents: readonly JsonObject[],
): Promise<Reply> => {
  return feed(rid, kind, await reader.list(await readQuery(call), documents));
};
