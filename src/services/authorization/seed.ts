import { createHash } from "node:crypto";
import { roleAssignmentId } from "../../access/assignments.ts";
import { roleDefinitionIdAt } from "../../access/definitions.ts";
import type { TenantInfo } from "../../identity/tenant.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { CollectionSpec, Store } from "../../store/store.ts";
import type { AccessState } from "./state.ts";

const owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const spec: CollectionSpec<{ readonly at: string }> = { name: "seeds" };
const partition = "seeds";

/**
 * Makes the seeded developer (user and service principal) Owner of the subscription, by ordinary role assignments. Done
 * once in a tenant's life: an assignment that its owner removes stays removed.
 */
export const seedOwners = async (access: AccessState, info: TenantInfo, clock: Clock, store: Store): Promise<void> => {
  const seeds = store.collection(spec);
  if ((await seeds.get(partition, "owner")) !== undefined) return;
  const scope = `/subscriptions/${info.subscriptionId}`;
  const at = new Date(clock.now()).toISOString();
  for (const [principalId, principalType] of [
    [info.developerServicePrincipalId, "ServicePrincipal"],
    [info.developerUserId, "User"],
  ] as const) {
    const name = guidOf(`${scope} ${principalId}`);
    await access.putRoleAssignment({
      id: roleAssignmentId(scope, name),
      name,
      scope,
      roleDefinitionId: roleDefinitionIdAt(scope, owner),
      principalId,
      principalType,
      createdOn: at,
      updatedOn: at,
    });
  }
  await seeds.put(partition, "owner", { at });
};

/** The same name at every try, so that a crash in between leaves no second assignment. */
const guidOf = (text: string): string => {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
};
