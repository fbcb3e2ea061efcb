/** Every built-in role that Lanyard knows, with Azure's own GUIDs. */
import type { RoleDefinition } from "../definitions.ts";
import { containerRoles } from "./containers.ts";
import { cosmosRoles } from "./cosmos.ts";
import { generalRoles } from "./general.ts";
import { keyVaultRoles } from "./key-vault.ts";
import { storageRoles } from "./storage.ts";
import { webRoles } from "./web.ts";

export const builtInRoles: readonly RoleDefinition[] = [
  ...generalRoles,
  ...keyVaultRoles,
  ...storageRoles,
  ...cosmosRoles,
  ...webRoles,
  ...containerRoles,
];

const byName = new Map(builtInRoles.map((role) => [role.roleName.toLowerCase(), role]));

/** A built-in role by its display name, in any letter case. Throws for a name that is none: that is our own mistake. */
export const builtInRole = (roleName: string): RoleDefinition => {
  const role = byName.get(roleName.toLowerCase());
  if (role === undefined) throw new Error(`There is no built-in role named '${roleName}'.`);
  return role;
};
