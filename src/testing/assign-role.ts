import { randomUUID } from "node:crypto";
import type { Tenant } from "../tenant.ts";
import { ensureApp } from "../control/apps.ts";
import type { Arm, ArmAnswer } from "../control/developer-arm.ts";

export interface RoleGrant {
  /** Name of the role, such as `Storage Blob Data Reader`, or the id of its definition. */
  readonly role: string;
  /** Name or resource id of an app or identity, as in `run`'s `as`, or a principal's object id. */
  readonly to: string;
  /** Resource id. Default: the subscription. */
  readonly scope?: string;
}

export interface Assignment {
  /** Resource id of the role assignment. */
  readonly id: string;
  /** Deletes it; effective at the next request. */
  remove(): Promise<void>;
}

const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const apiVersion = "api-version=2022-04-01";

export const assignRole = async (tenant: Tenant, arm: Arm, grant: RoleGrant): Promise<Assignment> => {
  const scope = (grant.scope ?? `/subscriptions/${tenant.info.subscriptionId}`).replace(/\/$/, "");
  const properties = {
    roleDefinitionId: await definitionOf(arm, scope, grant.role),
    principalId: guid.test(grant.to) ? grant.to : await principalOf(tenant, grant.to),
  };
  const id = `${scope}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`;
  const path = `${id}?${apiVersion}`;
  accept(await arm("PUT", path, { properties }), `assigning ${grant.role} at ${scope}`);
  return { id, remove: async () => void accept(await arm("DELETE", path), `removing ${id}`) };
};

const definitionOf = async (arm: Arm, scope: string, role: string): Promise<string> => {
  if (role.startsWith("/")) return role;
  const filter = encodeURIComponent(`roleName eq '${role.replaceAll("'", "''")}'`);
  const path = `${scope}/providers/Microsoft.Authorization/roleDefinitions?$filter=${filter}&${apiVersion}`;
  const { value } = accept(await arm("GET", path), `looking up ${role}`) as { value: readonly { id: string }[] };
  if (value[0] === undefined) throw new Error(`No role that can be assigned at ${scope} is named "${role}".`);
  return value[0].id;
};

const principalOf = async (tenant: Tenant, name: string): Promise<string> => {
  const { record } = await ensureApp(tenant, name, true);
  const principal = await tenant.directory.identityOf(record.id);
  if (principal === undefined)
    throw new Error(`${record.id} has no identity of its own. Give the object id of one of its user-assigned ones.`);
  return principal.objectId;
};

const accept = ({ status, body }: ArmAnswer, doing: string): unknown => {
  if (status < 300) return body;
  throw new Error(`Azure Resource Manager answered ${status} to ${doing}: ${JSON.stringify(body)}`);
};
