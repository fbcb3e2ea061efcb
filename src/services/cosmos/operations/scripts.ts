/**
 * Stored procedures, triggers, functions and users: lists are empty, and the rest says that it is not built, to those who
 * would have the right. Not listed among what is.
 */
import { keyActions, dataActions } from "../actions.ts";
import { unsupported } from "../faults.ts";
import { cosmosOperation, type CosmosOperation } from "../target.ts";
import { databaseOf, feed, located } from "./answers.ts";

const kinds = [
  ["sprocs", "StoredProcedures", "Stored procedures"],
  ["triggers", "Triggers", "Triggers"],
  ["udfs", "UserDefinedFunctions", "User-defined functions"],
] as const;

const scripts = kinds.flatMap(([segment, kind, title]): CosmosOperation[] => [
  cosmosOperation({
    name: `List${kind}`,
    method: "GET",
    path: `/dbs/:db/colls/:coll/${segment}`,
    needs: { data: keyActions.readScripts },
    handle: (call) => feed(located(call).container.rid, kind, []),
  }),
  cosmosOperation({
    name: `Query${kind}`,
    method: "POST",
    intent: "query",
    path: `/dbs/:db/colls/:coll/${segment}`,
    needs: { data: keyActions.readScripts },
    handle: (call) => feed(located(call).container.rid, kind, []),
  }),
  cosmosOperation({
    name: `Create${kind}`,
    method: "POST",
    path: `/dbs/:db/colls/:coll/${segment}`,
    needs: { data: keyActions.writeScripts },
    handle: () => {
      throw unsupported(title);
    },
  }),
  cosmosOperation({
    name: `Change${kind}`,
    method: ["GET", "PUT", "DELETE"],
    path: `/dbs/:db/colls/:coll/${segment}/:id`,
    needs: { data: keyActions.writeScripts },
    handle: () => {
      throw unsupported(title);
    },
  }),
]);

/** One region writes, so there never is a conflict. */
export const conflictOperations: readonly CosmosOperation[] = [
  cosmosOperation({
    name: "ListConflicts",
    method: "GET",
    path: "/dbs/:db/colls/:coll/conflicts",
    needs: { data: dataActions.manageConflicts },
    handle: (call) => feed(located(call).container.rid, "Conflicts", []),
  }),
];

export const unbuiltOperations: readonly CosmosOperation[] = [
  ...scripts,
  cosmosOperation({
    name: "ExecuteStoredProcedure",
    method: "POST",
    path: "/dbs/:db/colls/:coll/sprocs/:id",
    needs: { data: dataActions.executeStoredProcedure },
    handle: () => {
      throw unsupported("Stored procedures");
    },
  }),
  cosmosOperation({
    name: "ListUsers",
    method: "GET",
    path: "/dbs/:db/users",
    needs: { data: keyActions.readScripts },
    handle: (call) => feed(databaseOf(call).rid, "Users", []),
  }),
  cosmosOperation({
    name: "CreateUser",
    method: "POST",
    path: "/dbs/:db/users",
    needs: { data: keyActions.writeScripts },
    handle: () => {
      throw unsupported("Users and permissions (resource tokens)");
    },
  }),
];
