import { catalogue } from "../../kernel/fault.ts";

/** Errors of Microsoft.Authorization. Texts: access.md 1.8 and 4.1; those marked so there are from memory. */
export const authorizationFault = catalogue({
  invalidRoleAssignmentId: {
    status: 400,
    code: "InvalidRoleAssignmentId",
    message: "The role assignment ID '{id}' is not valid. The role assignment ID must be a GUID.",
  },
  badRequestFormat: { status: 400, code: "BadRequestFormat", message: "The request was incorrectly formatted." },
  principalRequired: {
    status: 400,
    code: "InvalidPrincipalId",
    message: "A valid principal ID must be provided for role assignment.",
  },
  invalidPrincipalId: {
    status: 400,
    code: "InvalidPrincipalId",
    message: "The Principal ID '{id}' is not valid. Principal ID must be a GUID.",
  },
  // az retries on the words ` does not exist in the directory `; two spaces before the link are Azure's.
  principalNotFound: {
    status: 400,
    code: "PrincipalNotFound",
    message:
      "Principal {id} does not exist in the directory {tenant}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
  },
  // The misspelling and the space before the comma are Azure's.
  unmatchedPrincipalType: {
    status: 400,
    code: "UnmatchedPrincipalType",
    message: "The PrincipalId '{id}' has type '{actual}' , which is different from specified PrinciaplType '{given}'.",
  },
  invalidPrincipalType: {
    status: 400,
    code: "InvalidPrincipalType",
    message: "The principal type '{given}' is not valid.",
  },
  invalidRoleDefinitionId: {
    status: 400,
    code: "InvalidRoleDefinitionId",
    message: "The role definition ID '{id}' is not valid.",
  },
  unknownRoleDefinition: {
    status: 400,
    code: "RoleDefinitionDoesNotExist",
    message: "The specified role definition with ID '{id}' does not exist.",
  },
  roleDefinitionNotFound: {
    status: 404,
    code: "RoleDefinitionDoesNotExist",
    message: "The specified role definition with ID '{id}' does not exist.",
  },
  roleAssignmentNotFound: {
    status: 404,
    code: "RoleAssignmentNotFound",
    message: "The role assignment '{id}' is not found.",
  },
  roleAssignmentExists: {
    status: 409,
    code: "RoleAssignmentExists",
    message: "The role assignment already exists. The ID of the existing role assignment is {id}.",
  },
  updateNotPermitted: {
    status: 400,
    code: "RoleAssignmentUpdateNotPermitted",
    message: "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
  },
  limitExceeded: {
    status: 400,
    code: "RoleAssignmentLimitExceeded",
    message: "No more role assignments can be created. The limit is {limit} per {what}.",
  },
  lastAdministrator: {
    status: 400,
    code: "CannotDeleteLastRbacAdminAssignment",
    message: "Cannot delete the last RBAC admin assignment",
  },
  invalidScope: { status: 400, code: "InvalidScope", message: "The scope '{scope}' is not valid." },
  invalidCondition: {
    status: 400,
    code: "InvalidRoleAssignmentCondition",
    message: "The condition of the role assignment is not valid: {why}.",
  },
  invalidConditionVersion: {
    status: 400,
    code: "InvalidConditionVersion",
    message: "The condition version '{version}' is not valid. The supported version is '2.0'.",
  },
  invalidFilter: {
    status: 400,
    code: "UnsupportedQuery",
    message: "The filter '{filter}' is not supported. Supported filters are {supported}.",
  },
  invalidRoleDefinitionName: {
    status: 400,
    code: "InvalidRoleDefinitionId",
    message: "The role definition ID '{id}' is not valid. The role definition ID must be a GUID.",
  },
  roleNameTaken: {
    status: 409,
    code: "RoleDefinitionWithSameNameExists",
    message: "A custom role with the same name already exists in this directory. Use a different name.",
  },
  builtInRole: {
    status: 400,
    code: "BuiltInRoleDefinitionUpdateNotPermitted",
    message: "The built-in role '{name}' cannot be changed or deleted.",
  },
  customRole: { status: 400, code: "{code}", message: "{message}" },
  roleHasAssignments: {
    status: 400,
    code: "RoleDefinitionHasAssignments",
    message: "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments).",
  },
  invalidDenyAssignment: { status: 400, code: "InvalidDenyAssignment", message: "{why}" },
  denyAssignmentNotFound: {
    status: 404,
    code: "DenyAssignmentNotFound",
    message: "The deny assignment '{id}' is not found.",
  },
  systemProtected: {
    status: 400,
    code: "DenyAssignmentSystemProtected",
    message: "The deny assignment '{id}' is protected by the system and cannot be changed or deleted.",
  },
  invalidLock: { status: 400, code: "InvalidLock", message: "{why}" },
  lockNotFound: { status: 404, code: "LockNotFound", message: "The lock '{name}' could not be found." },
  scopeLocked: {
    status: 409,
    code: "ScopeLocked",
    message:
      "The scope '{scope}' cannot perform {operation} operation because following scope(s) are locked: '{locks}'. Please remove the lock and try again.",
  },
});
