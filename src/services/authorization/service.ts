/** The resource types of Microsoft.Authorization, for ARM's list. */
import type { ResourceType } from "../../arm/resource-type.ts";
import type { ArmContext } from "../../arm/context.ts";
import { denyAssignments } from "./deny-assignments.ts";
import { locks } from "./locks.ts";
import { permissions, policyAssignments } from "./permissions.ts";
import { type AssignmentContext, roleAssignments } from "./role-assignments.ts";
import { roleDefinitions } from "./role-definitions.ts";
import type { AccessState } from "./state.ts";

export const authorizationTypes = (
  state: AccessState,
  context: AssignmentContext & Pick<ArmContext, "clock">,
): readonly ResourceType[] => [
  roleAssignments(state, context),
  roleDefinitions(state, context),
  denyAssignments(state),
  locks(state),
  permissions(state),
  policyAssignments,
];
