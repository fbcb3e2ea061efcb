/**
 * Azure RBAC roles for Cosmos DB accounts. The native data-plane roles (…0001, …0002) are another system and live with
 * the Cosmos service. https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/databases
 */
import type { RoleDefinition } from "../definitions.ts";
import {
  authorizationRead,
  availability,
  base5,
  builtIn,
  each,
  groupRead,
  joinViaServiceEndpoint,
  support,
} from "./role.ts";

const accounts = "Microsoft.DocumentDB/databaseAccounts/";
const management = ["Microsoft.DocumentDb/databaseAccounts/*", ...base5, availability, joinViaServiceEndpoint];
const nativeRoles = [
  "sqlRoleDefinitions",
  "sqlRoleAssignments",
  "mongodbRoleDefinitions",
  "mongodbUserDefinitions",
  ...["table", "gremlin", "cassandra", "mongoMI"].flatMap((api) => [`${api}RoleDefinitions`, `${api}RoleAssignments`]),
];

export const cosmosRoles: readonly RoleDefinition[] = [
  builtIn(
    "5bd9cd88-fe45-4216-938b-f97437e15450",
    "DocumentDB Account Contributor",
    "Lets you manage DocumentDB accounts, but not access to them.",
    { actions: management },
  ),
  builtIn(
    "230815da-be43-4aae-9cb4-875f7bd000aa",
    "Cosmos DB Operator",
    "Lets you manage Azure Cosmos DB accounts, but not access data in them. Prevents access to account keys and connection strings.",
    {
      actions: management,
      notActions: [
        ...each(
          accounts,
          "copyJobs/*",
          "dataTransferJobs/*",
          "readonlyKeys/*",
          "regenerateKey/*",
          "listKeys/*",
          "listConnectionStrings/*",
        ),
        ...nativeRoles.flatMap((type) => each(`${accounts}${type}/`, "write", "delete")),
      ],
    },
  ),
  builtIn(
    "fbdf93bf-df7d-467e-a4d2-9458aa1360c8",
    "Cosmos DB Account Reader Role",
    "Can read Azure Cosmos DB account data.",
    {
      actions: [
        authorizationRead,
        "Microsoft.DocumentDB/*/read",
        `${accounts}readonlykeys/action`,
        ...each("Microsoft.Insights/", "MetricDefinitions/read", "Metrics/read"),
        groupRead,
        support,
      ],
    },
  ),
  builtIn(
    "db7b14f2-5adf-42da-9f96-f2ee17bab5cb",
    "CosmosBackupOperator",
    "Can submit restore request for a Cosmos DB database or a container for an account",
    { actions: each(accounts, "backup/action", "restore/action") },
  ),
  builtIn(
    "5432c526-bc82-444a-b7ba-57c5b0b5b34f",
    "CosmosRestoreOperator",
    "Can perform restore action for Cosmos DB database account with continuous backup mode",
    {
      actions: each("Microsoft.DocumentDB/locations/restorableDatabaseAccounts/", "restore/action", "*/read", "read"),
    },
  ),
];
