import { catalogue } from "../../kernel/fault.ts";

/** Key Vault's errors (access.md 4.2). What stands in `innererror` is given as `detail`. */
export const vaultFault = catalogue({
  missingToken: { status: 401, code: "Unauthorized", message: "AKV10000: Request is missing a Bearer or PoP token." },
  badToken: { status: 401, code: "Unauthorized", message: "{message}" },
  forbidden: { status: 403, code: "Forbidden", message: "{message}" },
  missingApiVersion: {
    status: 400,
    code: "BadParameter",
    message: "The api-version query parameter (?api-version=) is required for all requests.",
  },
  invalidApiVersion: {
    status: 400,
    code: "BadParameter",
    message: "The specified version ({version}) is not recognized.",
  },
  notInVersion: {
    status: 400,
    code: "BadParameter",
    message: "The operation is not available in api-version {version}; it came with {since}.",
  },
  invalidName: { status: 400, code: "BadParameter", message: "The request URI contains an invalid name: {name}" },
  invalidVersion: {
    status: 400,
    code: "BadParameter",
    message: "The request URI contains an invalid version: {version}",
  },
  notJson: { status: 400, code: "BadParameter", message: "The request body is not a valid JSON object." },
  required: { status: 400, code: "BadParameter", message: "Property is required: {name}" },
  invalid: { status: 400, code: "BadParameter", message: "Property has invalid value: {name}. {why}" },
  notFound: {
    status: 404,
    code: "{kind}NotFound",
    message:
      "A {what} with (name/id) {name} was not found in this key vault. If you recently deleted this {what} you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
  },
  deletedNotFound: { status: 404, code: "{kind}NotFound", message: "Deleted {kind} not found: {name}" },
  isDeleted: {
    status: 409,
    code: "Conflict",
    message:
      "{kind} {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the {what} can only be recovered or purged.",
  },
  exists: {
    status: 409,
    code: "Conflict",
    message: "The {what} {name} exists in the vault already; a backup is restored under its own name only.",
  },
  managed: {
    status: 403,
    code: "Forbidden",
    message: "The {what} {name} belongs to the certificate of the same name; change the certificate.",
  },
  disabled: { status: 403, code: "Forbidden", message: "Operation {operation} is not allowed on a disabled {what}." },
  operationForbidden: {
    status: 403,
    code: "Forbidden",
    message: "Operation {operation} is not permitted on this key.",
  },
  notInTime: { status: 403, code: "Forbidden", message: "Operation {operation} is not allowed on {why} key." },
  incompatible: {
    status: 400,
    code: "BadParameter",
    message:
      "Key and {what} algorithm are incompatible. The key is of type '{type}', and algorithm '{alg}' can only be used with a key of type {needed}.",
  },
  digestLength: {
    status: 400,
    code: "BadParameter",
    message: "Invalid length of 'value': {length} bytes. {alg} requires {wanted} bytes, encoded with base64url.",
  },
  badInput: { status: 400, code: "BadParameter", message: "The parameter is incorrect.\r\n" },
  pendingNotFound: {
    status: 404,
    code: "PendingCertificateNotFound",
    message: "Pending certificate not found: {name}",
  },
  sideNotFound: { status: 404, code: "{code}", message: "{what} not found: {name}" },
  badCertificate: {
    status: 400,
    code: "BadParameter",
    message: "The specified {what} content can not be read. {why}",
  },
  purgeProtected: {
    status: 403,
    code: "Forbidden",
    message: "Operation 'purge' is not allowed: purge protection is enabled for this vault.",
  },
  badBackup: {
    status: 400,
    code: "BadParameter",
    message: "The backup blob is malformed, or belongs to another tenant.",
  },
  noSuchAddress: { status: 404, code: "NotFound", message: "The address {path} is none of a key vault." },
  wrongMethod: {
    status: 405,
    code: "MethodNotAllowed",
    message: "The method {method} is not allowed at {path}.",
  },
});

/** Errors of `Microsoft.KeyVault` in ARM. */
export const keyVaultArmFault = catalogue({
  badRequest: { status: 400, code: "BadRequest", message: "{why}" },
  softDeleted: {
    status: 409,
    code: "ConflictError",
    message:
      "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.",
  },
  deletedNotFound: {
    status: 404,
    code: "DeletedVaultNotFound",
    message: "The specified deleted vault '{name}' does not exist in location '{location}'.",
  },
  purgeNotAllowed: {
    status: 405,
    code: "MethodNotAllowed",
    message: "Operation 'DeletedVaultPurge' is not allowed.",
  },
});
