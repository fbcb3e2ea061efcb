import { catalogue } from "../kernel/fault.ts";

/** ARM's own errors (access.md 4.1). Resource providers add theirs in their service's `faults.ts`. */
export const armFault = catalogue({
  missingApiVersion: {
    status: 400,
    code: "MissingApiVersionParameter",
    message: "The api-version query parameter (?api-version=) is required for all requests.",
  },
  invalidApiVersion: {
    status: 400,
    code: "InvalidApiVersionParameter",
    message: "The api-version '{version}' is invalid. The supported versions are '{supported}'.",
  },
  missingToken: {
    status: 401,
    code: "AuthenticationFailed",
    message: "Authentication failed. The 'Authorization' header is missing.",
  },
  subscriptionNotFound: {
    status: 404,
    code: "SubscriptionNotFound",
    message: "The subscription '{id}' could not be found.",
  },
  invalidSubscriptionId: {
    status: 400,
    code: "InvalidSubscriptionId",
    message: "The provided subscription identifier '{id}' is malformed or invalid.",
  },
  groupNotFound: { status: 404, code: "ResourceGroupNotFound", message: "Resource group '{name}' could not be found." },
  groupBeingDeleted: {
    status: 409,
    code: "ResourceGroupBeingDeleted",
    message: "The resource group '{name}' is in deprovisioning state and cannot perform this operation.",
  },
  resourceNotFound: {
    status: 404,
    code: "ResourceNotFound",
    message:
      "The Resource '{resource}' under resource group '{group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
  },
  parentNotFound: {
    status: 404,
    code: "ParentResourceNotFound",
    message:
      "Failed to perform '{verb}' on resource(s) of type '{type}', because the parent resource '{parent}' could not be found.",
  },
  invalidNamespace: {
    status: 404,
    code: "InvalidResourceNamespace",
    message: "The resource namespace '{namespace}' is invalid.",
  },
  invalidType: {
    status: 404,
    code: "InvalidResourceType",
    message: "The resource type could not be found in the namespace '{namespace}' for api version '{version}'.",
  },
  invalidName: {
    status: 400,
    code: "InvalidResourceName",
    message: "The resource name '{name}' is invalid. {rule}",
  },
  nameTaken: { status: 409, code: "{code}", message: "{message}" },
  locationRequired: {
    status: 400,
    code: "LocationRequired",
    message: "The location property is required for this definition.",
  },
  invalidLocation: {
    status: 409,
    code: "InvalidResourceLocation",
    message:
      "The resource '{name}' already exists in location '{old}' in resource group '{group}'. A resource with the same name cannot be created in location '{new}'. Please select a new resource name.",
  },
  invalidContent: { status: 400, code: "InvalidRequestContent", message: "{why}" },
  methodNotAllowed: {
    status: 405,
    code: "HttpMethodNotSupported",
    message: "The HTTP method '{method}' is not supported at scope '{scope}'.",
  },
  notFound: {
    status: 404,
    code: "NotFound",
    message: "The path '{path}' is not a management address that Lanyard serves.",
  },
  preconditionFailed: {
    status: 412,
    code: "PreconditionFailed",
    message: "The precondition failed: the resource was changed by another request.",
  },
  invalidSegment: {
    status: 400,
    code: "InvalidRequestUri",
    message: "The request URI holds the path segment '{segment}', which cannot be part of a resource id.",
  },
  groupDeletionBlocked: {
    status: 409,
    code: "ResourceGroupDeletionBlocked",
    message:
      "Deletion of resource group '{name}' failed as resources with identifiers '{blocking}' could not be deleted. The provisioning state of the resource group will be rolled back. {why}",
  },
  conflict: { status: 409, code: "Conflict", message: "{why}" },
  invalidIdentity: { status: 400, code: "InvalidIdentityType", message: "{why}" },
  identityNotFound: {
    status: 400,
    code: "FailedIdentityOperation",
    message:
      "Identity operation for resource '{resource}' failed with error 'Failed to perform resource identity operation. Status: 'NotFound'. Response: the user-assigned identity '{identity}' was not found.'.",
  },
});
