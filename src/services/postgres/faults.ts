import { catalogue } from "../../kernel/fault.ts";

/** Errors of Microsoft.DBforPostgreSQL. `MissingRequiredParameter` as users quote it; other texts are our own. */
export const postgresFault = catalogue({
  missingParameter: {
    status: 400,
    code: "MissingRequiredParameter",
    message: "Parameter '{name}' must be specified. This parameter cannot be NULL or empty.",
  },
  invalidParameter: {
    status: 400,
    code: "InvalidParameterValue",
    message: "Invalid value given for parameter '{name}'. {why}",
  },
  serverStopped: {
    status: 409,
    code: "ServerIsNotReady",
    message: "Server '{name}' is stopped. Start it before this operation.",
  },
  databaseNotFound: {
    status: 404,
    code: "ResourceNotFound",
    message: "The requested database '{name}' was not found on server '{server}'.",
  },
  configurationNotFound: {
    status: 404,
    code: "ResourceNotFound",
    message: "The requested configuration '{name}' was not found on server '{server}'.",
  },
  administratorExists: {
    status: 409,
    code: "AadAdministratorConflict",
    message: "The role '{name}' exists on server '{server}' and belongs to somebody else. {why}",
  },
  engine: { status: 400, code: "OperationFailed", message: "{why}" },
});
