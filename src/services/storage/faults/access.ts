import type { FaultEntry } from "../../../kernel/fault.ts";

/** Who is asking, and may they (storage.md 4, access.md 4.3). */
export const accessFaults = {
  noAuthentication: {
    status: 401,
    code: "NoAuthenticationInformation",
    message:
      "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
  },
  badToken: {
    status: 401,
    code: "InvalidAuthenticationInfo",
    message:
      "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
  },
  badAuthorizationHeader: {
    status: 400,
    code: "InvalidAuthenticationInfo",
    message: "Authentication information is not given in the correct format. Check the value of Authorization header.",
  },
  authenticationFailed: {
    status: 403,
    code: "AuthenticationFailed",
    message:
      "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.",
  },
  permissionMismatch: {
    status: 403,
    code: "AuthorizationPermissionMismatch",
    message: "This request is not authorized to perform this operation using this permission.",
  },
  authorizationFailure: {
    status: 403,
    code: "AuthorizationFailure",
    message: "This request is not authorized to perform this operation.",
  },
  sourceIpMismatch: {
    status: 403,
    code: "AuthorizationSourceIPMismatch",
    message: "This request is not authorized to perform this operation using this source IP {ip}.",
  },
  protocolMismatch: {
    status: 403,
    code: "AuthorizationProtocolMismatch",
    message: "This request is not authorized to perform this operation using this protocol.",
  },
  serviceMismatch: {
    status: 403,
    code: "AuthorizationServiceMismatch",
    message: "This request is not authorized to perform this operation using this service.",
  },
  resourceTypeMismatch: {
    status: 403,
    code: "AuthorizationResourceTypeMismatch",
    message: "This request is not authorized to perform this operation using this resource type.",
  },
  unauthorizedOverwrite: {
    status: 403,
    code: "UnauthorizedBlobOverwrite",
    message: "This request is not authorized to perform blob overwrites.",
  },
  keysNotPermitted: {
    status: 403,
    code: "KeyBasedAuthenticationNotPermitted",
    message: "Key based authentication is not permitted on this storage account.",
  },
  publicAccessNotPermitted: {
    status: 409,
    code: "PublicAccessNotPermitted",
    message: "Public access is not permitted on this storage account.",
  },
  requiresHttps: {
    status: 400,
    code: "AccountRequiresHttps",
    message: "The account being accessed does not support http.",
  },
  readOnlySecondary: {
    status: 403,
    code: "WriteOperationNotSupportedOnSecondary",
    message: "Write operations are not supported on the secondary location.",
  },
} as const satisfies Readonly<Record<string, FaultEntry>>;
