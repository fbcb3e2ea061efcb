/** Conflicts of a container: one region writes, so there never is one. */
import { dataActions } from "../actions.ts";
import { cosmosFault } from "../faults.ts";
import { type CosmosCall, cosmosOperation, type CosmosOperation } from "../target.ts";
import { feed, located } from "./answers.ts";
import { readQuery } from "./query-list.ts";

const needs = { data: dataActions.manageConflicts };
const path = "/dbs/:db/colls/:coll/conflicts";
const none = (call: CosmosCall) => feed(located(call).container.rid, "Conflicts", []);

export const conflictOperations: readonly CosmosOperation[] = [
  cosmosOperation({ name: "ListConflicts", method: "GET", path, needs, handle: none }),
  cosmosOperation({
    name: "QueryConflicts",
    method: "POST",
    intent: "query",
    path,
    bodyLimit: 64 * 1024,
    needs,
    handle: async (call) => {
      await readQuery(call);
      return none(call);
    },
  }),
  ...(["GET", "DELETE"] as const).map((method) =>
    cosmosOperation({
      name: method === "GET" ? "ReadConflict" : "DeleteConflict",
      method,
      path: `${path}/:conflict`,
      needs,
      handle: (call) => {
        located(call);
        throw cosmosFault("notFound");
      },
    }),
  ),
];
