/** `Microsoft.DBforPostgreSQL`: what the management plane of PostgreSQL flexible servers consists of. */
import type { ResourceType } from "../../arm/resource-type.ts";
import { administrators } from "./administrators.ts";
import { configurations } from "./configurations.ts";
import { databases } from "./databases.ts";
import { firewallRules } from "./firewall-rules.ts";
import { flexibleServers, type PostgresContext } from "./flexible-servers.ts";

export const postgresTypes = (context: PostgresContext): readonly ResourceType[] => [
  flexibleServers(context),
  databases(context),
  administrators(context),
  firewallRules(),
  configurations(context),
];
