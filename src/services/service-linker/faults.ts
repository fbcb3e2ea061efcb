import { catalogue } from "../../kernel/fault.ts";

export const linkerFault = catalogue({
  invalidTarget: {
    status: 400,
    code: "InvalidTargetService",
    message:
      "The target service id '{id}' is not supported. Use the id of a PostgreSQL flexible server's database, of a storage account's blob, queue or table service, or of a key vault.",
  },
  invalidSource: {
    status: 400,
    code: "InvalidSourceService",
    message: "Connections from '{id}' are not supported. Use the id of a web app or of a container app.",
  },
  invalidScope: {
    status: 400,
    code: "InvalidScope",
    message: "The container app has no container '{scope}'. Its containers are: {containers}.",
  },
  secretTaken: {
    status: 409,
    code: "SecretNameConflict",
    message:
      "The container app already has a secret named '{name}', which is not this connection's. Remove it, or give the setting another name with customizedKeys.",
  },
  invalidName: {
    status: 400,
    code: "InvalidLinkerName",
    message: "The connection name '{name}' is invalid. Use up to 60 letters, digits, periods and underscores.",
  },
  invalidAuthentication: {
    status: 400,
    code: "InvalidAuthInfo",
    message: "The authentication type '{type}' is not supported for this connection. {why}",
  },
  invalidClientType: {
    status: 400,
    code: "InvalidClientType",
    message: "The client type '{type}' is not supported for this target.",
  },
  stepFailed: { status: 400, code: "{code}", message: "{step} failed: {message}" },
});
