import { catalogue } from "../../kernel/fault.ts";

/**
 * Errors of the blob data plane. SDKs key on the codes (storage.md 2, 9); texts as
 * https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes lists them.
 */
export const storageFault = catalogue({
  // Who is asking (storage.md 4, access.md 4.3)
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
  // What is there
  resourceNotFound: { status: 404, code: "ResourceNotFound", message: "The specified resource does not exist." },
  containerNotFound: { status: 404, code: "ContainerNotFound", message: "The specified container does not exist." },
  containerExists: { status: 409, code: "ContainerAlreadyExists", message: "The specified container already exists." },
  blobNotFound: { status: 404, code: "BlobNotFound", message: "The specified blob does not exist." },
  blobExists: { status: 409, code: "BlobAlreadyExists", message: "The specified blob already exists." },
  invalidBlobType: {
    status: 409,
    code: "InvalidBlobType",
    message: "The blob type is invalid for this operation.",
  },
  snapshotsPresent: {
    status: 409,
    code: "SnapshotsPresent",
    message: "This operation is not permitted while the blob has snapshots.",
  },
  blobArchived: {
    status: 409,
    code: "BlobArchived",
    message: "This operation is not permitted on an archived blob.",
  },
  invalidOperation: { status: 400, code: "InvalidOperation", message: "{why}" },
  // Conditions
  conditionNotMet: {
    status: 412,
    code: "ConditionNotMet",
    message: "The condition specified using HTTP conditional header(s) is not met.",
  },
  notModified: {
    status: 304,
    code: "ConditionNotMet",
    message: "The condition specified using HTTP conditional header(s) is not met.",
  },
  sourceConditionNotMet: {
    status: 412,
    code: "SourceConditionNotMet",
    message: "The source condition specified using HTTP conditional header(s) is not met.",
  },
  multipleConditions: {
    status: 400,
    code: "MultipleConditionHeadersNotSupported",
    message: "Multiple condition headers are not supported.",
  },
  unsatisfiableCondition: {
    status: 400,
    code: "UnsatisfiableCondition",
    message: "The request includes an unsatisfiable condition for this operation.",
  },
  appendPositionNotMet: {
    status: 412,
    code: "AppendPositionConditionNotMet",
    message: "The append position condition specified was not met.",
  },
  maxBlobSizeNotMet: {
    status: 412,
    code: "MaxBlobSizeConditionNotMet",
    message: "The max blob size condition specified was not met.",
  },
  // Leases
  leaseAlreadyPresent: {
    status: 409,
    code: "LeaseAlreadyPresent",
    message: "There is already a lease present.",
  },
  leaseIsBreakingAcquire: {
    status: 409,
    code: "LeaseIsBreakingAndCannotBeAcquired",
    message:
      "The lease ID matched, but the lease is currently in breaking state and cannot be acquired until it is broken.",
  },
  leaseIsBreakingChange: {
    status: 409,
    code: "LeaseIsBreakingAndCannotBeChanged",
    message: "The lease ID matched, but the lease is currently in breaking state and cannot be changed.",
  },
  leaseIsBrokenRenew: {
    status: 409,
    code: "LeaseIsBrokenAndCannotBeRenewed",
    message: "The lease ID matched, but the lease has been broken explicitly and cannot be renewed.",
  },
  leaseNotPresentLease: {
    status: 409,
    code: "LeaseNotPresentWithLeaseOperation",
    message: "There is currently no lease on the {what}.",
  },
  leaseMismatchLease: {
    status: 409,
    code: "LeaseIdMismatchWithLeaseOperation",
    message: "The lease ID specified did not match the lease ID for the {what}.",
  },
  leaseMissing: {
    status: 412,
    code: "LeaseIdMissing",
    message: "There is currently a lease on the {what} and no lease ID was specified in the request.",
  },
  leaseMismatchBlob: {
    status: 412,
    code: "LeaseIdMismatchWithBlobOperation",
    message: "The lease ID specified did not match the lease ID for the blob.",
  },
  leaseMismatchContainer: {
    status: 412,
    code: "LeaseIdMismatchWithContainerOperation",
    message: "The lease ID specified did not match the lease ID for the container.",
  },
  leaseNotPresentBlob: {
    status: 412,
    code: "LeaseNotPresentWithBlobOperation",
    message: "There is currently no lease on the blob.",
  },
  leaseNotPresentContainer: {
    status: 412,
    code: "LeaseNotPresentWithContainerOperation",
    message: "There is currently no lease on the container.",
  },
  // How it was asked
  invalidHeader: {
    status: 400,
    code: "InvalidHeaderValue",
    message: "The value for one of the HTTP headers is not in the correct format.",
  },
  unsupportedHeader: {
    status: 400,
    code: "UnsupportedHeader",
    message: "One of the HTTP headers specified in the request is not supported.",
  },
  missingHeader: {
    status: 400,
    code: "MissingRequiredHeader",
    message: "An HTTP header that's mandatory for this request is not specified.",
  },
  invalidQuery: {
    status: 400,
    code: "InvalidQueryParameterValue",
    message: "Value for one of the query parameters specified in the request URI is invalid.",
  },
  missingQuery: {
    status: 400,
    code: "MissingRequiredQueryParameter",
    message: "A query parameter that's mandatory for this request is not specified.",
  },
  queryOutOfRange: {
    status: 400,
    code: "OutOfRangeQueryParameterValue",
    message: "One of the query parameters specified in the request URI is outside the permissible range.",
  },
  outOfRangeInput: {
    status: 400,
    code: "OutOfRangeInput",
    message: "One of the request inputs is out of range.",
  },
  invalidResourceName: {
    status: 400,
    code: "InvalidResourceName",
    message: "The specified resource name contains invalid characters.",
  },
  invalidUri: {
    status: 400,
    code: "InvalidUri",
    message: "The requested URI does not represent any resource on the server.",
  },
  invalidInput: { status: 400, code: "InvalidInput", message: "One of the request inputs is not valid." },
  invalidMetadata: {
    status: 400,
    code: "InvalidMetadata",
    message: "The metadata specified is invalid. It has characters that are not permitted.",
  },
  emptyMetadataKey: {
    status: 400,
    code: "EmptyMetadataKey",
    message: "The key for one of the metadata key-value pairs is empty.",
  },
  metadataTooLarge: {
    status: 400,
    code: "MetadataTooLarge",
    message: "The size of the specified metadata exceeds the maximum size permitted.",
  },
  invalidXml: {
    status: 400,
    code: "InvalidXmlDocument",
    message: "XML specified is not syntactically valid.",
  },
  invalidXmlValue: {
    status: 400,
    code: "InvalidXmlNodeValue",
    message: "The value for one of the XML nodes is not in the correct format.",
  },
  missingXmlNode: {
    status: 400,
    code: "MissingRequiredXmlNode",
    message: "A required XML node was not specified in the request body.",
  },
  missingLength: {
    status: 411,
    code: "MissingContentLengthHeader",
    message: "Content-Length HTTP header was not specified.",
  },
  incompleteBody: {
    status: 400,
    code: "IncompleteBody",
    message: "The body is shorter than the Content-Length header says.",
  },
  bodyTooLarge: {
    status: 413,
    code: "RequestBodyTooLarge",
    message: "The request body is too large and exceeds the maximum permissible limit.",
  },
  invalidMd5: {
    status: 400,
    code: "InvalidMd5",
    message: "The MD5 value specified in the request is invalid. The MD5 value must be 128 bits and Base64-encoded.",
  },
  md5Mismatch: {
    status: 400,
    code: "Md5Mismatch",
    message: "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
  },
  crcMismatch: {
    status: 400,
    code: "Crc64Mismatch",
    message: "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.",
  },
  bothChecksums: {
    status: 400,
    code: "BothCrc64AndMd5HeaderPresent",
    message: "Both x-ms-content-crc64 header and Content-MD5 header are present.",
  },
  invalidRange: {
    status: 416,
    code: "InvalidRange",
    message: "The range specified is invalid for the current size of the resource.",
  },
  invalidBlobOrBlock: {
    status: 400,
    code: "InvalidBlobOrBlock",
    message: "The specified blob or block content is invalid.",
  },
  invalidBlockList: { status: 400, code: "InvalidBlockList", message: "The specified block list is invalid." },
  blockListTooLong: {
    status: 400,
    code: "BlockListTooLong",
    message: "The block list may not contain more than 50,000 blocks.",
  },
  blockCountExceeded: {
    status: 409,
    code: "BlockCountExceedsLimit",
    message: "The committed block count cannot exceed the maximum limit of 50,000 blocks.",
  },
  emptyTagName: { status: 400, code: "EmptyTagName", message: "The name of one of the tag key-value pairs is empty." },
  duplicateTags: { status: 400, code: "DuplicateTagNames", message: "The tags specified contain duplicate names." },
  tagsTooLarge: {
    status: 400,
    code: "TagsTooLarge",
    message: "The tags specified exceed the permissible limits.",
  },
  invalidTags: {
    status: 400,
    code: "InvalidTags",
    message: "The tags specified are invalid. They contain characters that are not permitted.",
  },
  tierNotSupported: {
    status: 400,
    code: "AccessTierNotSupportedForBlobType",
    message: "The access tier is not supported for this blob type.",
  },
  // Copies
  cannotVerifySource: { status: 404, code: "CannotVerifyCopySource", message: "{why}" },
  noPendingCopy: {
    status: 409,
    code: "NoPendingCopyOperation",
    message: "There is currently no pending copy operation.",
  },
  copyIdMismatch: {
    status: 409,
    code: "CopyIdMismatch",
    message: "The specified copy ID did not match the copy ID for the pending copy operation.",
  },
  copyTooLarge: {
    status: 409,
    code: "CopySourceTooLarge",
    message: "The source of a synchronous copy may have at most 256 MiB.",
  },
  bothTags: {
    status: 400,
    code: "BothUserTagsAndSourceTagsCopyPresentException",
    message: "x-ms-tags header must not be present if x-ms-copy-source-tag-option is COPY.",
  },
  corsFailure: {
    status: 403,
    code: "CorsPreflightFailure",
    message: "CORS not enabled or no matching rule found for this request.",
  },
  unsupportedVerb: {
    status: 405,
    code: "UnsupportedHttpVerb",
    message: "The resource doesn't support specified Http Verb.",
  },
});
