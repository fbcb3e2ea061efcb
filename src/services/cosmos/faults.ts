import { catalogue, Fault } from "../../kernel/fault.ts";

/**
 * Errors of the Cosmos data plane. SDKs branch on the status and on `x-ms-substatus`, which stands in a fault's `detail`
 * as `subStatus`. Texts: cosmos.md 8, 13 and 14 and the pages that they link.
 */
export const cosmosFault = catalogue({
  badRequest: { status: 400, code: "BadRequest", message: 'Message: {"Errors":["{why}"]}' },
  badQuery: { status: 400, code: "BadRequest", message: "Message: {errors}" },
  missingProperty: {
    status: 400,
    code: "BadRequest",
    message:
      'Message: {"Errors":["The input content is invalid because the required properties - \'{names}; \' - are missing"]}',
  },
  wrongPartitionKey: {
    status: 400,
    code: "BadRequest",
    message:
      "PartitionKey extracted from document doesn't match the one specified in the header. Learn more: https://aka.ms/CosmosDB/sql/errors/wrong-pk-value",
  },
  missingPartitionKey: {
    status: 400,
    code: "BadRequest",
    message: "PartitionKey value must be supplied for this operation.",
  },
  staleContainer: {
    status: 400,
    code: "BadRequest",
    message: "The container rid that the client knows is not that of the container any more.",
  },
  crossPartitionDisabled: {
    status: 400,
    code: "BadRequest",
    message:
      "Cross partition query is required but disabled. Please set x-ms-documentdb-query-enablecrosspartition to true, specify x-ms-documentdb-partitionkey, or revise your query to avoid this exception.",
  },
  notServable: {
    status: 400,
    code: "BadRequest",
    message:
      "The provided cross partition query can not be directly served by the gateway. This is a first chance (internal) exception that all newer clients will know how to handle gracefully. This exception is traced, but unless you see it bubble up as an exception (which only happens on older SDK clients), then you can safely ignore this message.",
  },
  invalidContinuation: { status: 400, code: "BadRequest", message: "Invalid Continuation Token" },
  missingAuthorization: {
    status: 401,
    code: "Unauthorized",
    message: "Required Header authorization is missing. Ensure a valid Authorization token is passed.",
  },
  invalidAuthorization: {
    status: 401,
    code: "Unauthorized",
    message: "Authorization header doesn't confirm to the required format. Please verify and try again.",
  },
  wrongSignature: {
    status: 401,
    code: "Unauthorized",
    message:
      "The input authorization token can't serve the request. The wrong key is being used or the expected payload is not built as per the protocol. For more info: https://aka.ms/cosmosdb-tsg-unauthorized. Server used the following payload to sign: '{payload}'",
  },
  wrongDate: {
    status: 401,
    code: "Unauthorized",
    message:
      "The authorization token is not valid at the current time. Please create another token and retry (token start time: {date}, current server time: {now}).",
  },
  resourceTokenExpired: {
    status: 403,
    code: "Forbidden",
    message:
      "The authorization token is not valid at the current time. Please create another token and retry (token start time: {from}, token expiry time: {until}, current server time: {now}).",
  },
  localAuthDisabled: {
    status: 401,
    code: "Unauthorized",
    message: "Local Authorization is disabled. Use an AAD token to authorize all requests.",
  },
  wrongAudience: {
    status: 401,
    code: "Unauthorized",
    message:
      "Provided AAD token is intended for [{found}]. This database account accepts tokens intended for [{accepted}].",
  },
  tokenExpired: {
    status: 401,
    code: "Unauthorized",
    message:
      "Request blocked by Auth {account} : Provided AAD token has been expired since [{since} (UTC)]. Current server time is [{now} (UTC)]. Please refresh the AAD token.",
  },
  badToken: {
    status: 401,
    code: "Unauthorized",
    message: "Request blocked by Auth {account} : The provided AAD token is not valid.",
  },
  readOnlyKey: {
    status: 403,
    code: "Forbidden",
    message:
      "Insufficient permissions provided in the authorization header for the corresponding request. Please retry with another authorization header.",
  },
  blockedByFirewall: {
    status: 403,
    code: "Forbidden",
    message:
      "Request originated from IP {address} through public internet. This is blocked by your Cosmos DB account firewall settings. More info: https://aka.ms/cosmosdb-tsg-forbidden",
  },
  metadataByKey: {
    status: 403,
    code: "Forbidden",
    message:
      "Operation '{verb}' on resource '{resource}' is not allowed through Azure Cosmos DB endpoint. Please switch on such operations for your account, or perform this operation through Azure Resource Manager, Azure Portal, Azure CLI or Azure Powershell",
  },
  notInDataPlane: {
    status: 403,
    code: "Forbidden",
    message:
      "Request blocked by Auth {account} : The given request [{request}] cannot be authorized by AAD token in data plane. Learn more: https://aka.ms/cosmos-native-rbac.",
  },
  noRole: {
    status: 403,
    code: "Forbidden",
    message:
      "Request blocked by Auth {account} : Request is blocked because principal [{principal}] does not have required RBAC permissions to perform action [{action}] on resource [{resource}]. Learn more: https://aka.ms/cosmos-native-rbac.{more}",
  },
  notFound: {
    status: 404,
    code: "NotFound",
    message: 'Message: {"Errors":["Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found"]}',
  },
  sessionNotAvailable: {
    status: 404,
    code: "NotFound",
    message: "The read session is not available for the input session token.",
  },
  ownerNotFound: { status: 404, code: "NotFound", message: 'Message: {"Errors":["Owner resource does not exist"]}' },
  scriptTimeout: {
    status: 408,
    code: "RequestTimeout",
    message:
      'Message: {"Errors":["The requested operation exceeded maximum alloted time. Learn more: https://aka.ms/cosmosdb-tsg-service-request-timeout"]}',
  },
  retryWith: {
    status: 449,
    code: "RetryWith",
    message: 'Message: {"Errors":["Conflicting request to resource has been attempted. Retry to avoid conflicts."]}',
  },
  exists: {
    status: 409,
    code: "Conflict",
    message: 'Message: {"Errors":["Entity with the specified id already exists in the system."]}',
  },
  uniqueKey: {
    status: 409,
    code: "Conflict",
    message: 'Message: {"Errors":["Unique index constraint violation."]}',
  },
  preconditionFailed: {
    status: 412,
    code: "PreconditionFailed",
    message:
      'Message: {"Errors":["One of the specified pre-condition is not met. Learn more: https://aka.ms/CosmosDB/sql/errors/precondition-failed"]}',
  },
  notModified: { status: 304, code: "NotModified", message: "The resource has not been changed." },
  tooLarge: {
    status: 413,
    code: "RequestEntityTooLarge",
    message: 'Message: {"Errors":["Request size is too large"]}',
  },
  tooManyRequests: {
    status: 429,
    code: "TooManyRequests",
    message:
      'Message: {"Errors":["Request rate is large. More Request Units may be needed, so no changes were made. Please retry this request later. Learn more: http://aka.ms/cosmosdb-error-429"]}',
  },
  methodNotAllowed: {
    status: 405,
    code: "MethodNotAllowed",
    message: "The requested verb is not supported.",
  },
});

/** A 400 whose text is `why`, worded as the service words errors about documents. */
export const badRequest = (why: string, subStatus?: number): Fault =>
  cosmosFault(
    "badRequest",
    { why: JSON.stringify(why).slice(1, -1) },
    subStatus === undefined ? {} : { detail: { subStatus } },
  );

/** Honest refusal of what is not built; 400, because clients retry 5xx for a long time. */
export const unsupported = (what: string): Fault =>
  new Fault({
    status: 400,
    code: "BadRequest",
    message: `${what} is not implemented by Lanyard.`,
    hint: `${what} is not built; docs/reference/coverage.md lists what is.`,
  });
