import type { FaultEntry } from "../../../kernel/fault.ts";

/** What is there, conditions and leases (storage.md 6). */
export const stateFaults = {
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
  blobSealed: {
    status: 409,
    code: "BlobIsSealed",
    message: "The specified blob is sealed and its contents can't be modified.",
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
} as const satisfies Readonly<Record<string, FaultEntry>>;
