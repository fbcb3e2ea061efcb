import { catalogue } from "../../kernel/fault.ts";

/** `Microsoft.Web`'s own errors. az and the SDKs accept ARM's standard shape (app-service.md 4.1). */
export const webFault = catalogue({
  planNotFound: {
    status: 404,
    code: "NotFound",
    message: "Server farm with id '{id}' was not found.",
  },
  planRequired: { status: 400, code: "BadRequest", message: "The parameter ServerFarmId has an invalid value." },
  planInUse: {
    status: 409,
    code: "Conflict",
    message: "Server farm '{name}' cannot be deleted because it has web app(s) {sites} assigned to it.",
  },
  invalidStack: { status: 400, code: "BadRequest", message: "The parameter LinuxFxVersion has an invalid value." },
  invalidSettings: { status: 400, code: "BadRequest", message: "{why}" },
  siteNotFound: {
    status: 404,
    code: "ResourceNotFound",
    message: "The Resource 'Microsoft.Web/sites/{name}' was not found.",
  },
  deploymentNotFound: { status: 404, code: "NotFound", message: "Deployment '{id}' not found." },
  configNotFound: { status: 404, code: "NotFound", message: "Cannot find the configuration '{name}' of a site." },
});

/** Kudu's answers are plain text (app-service.md 3.2, 3.3). */
export const kuduFault = catalogue({
  unauthorized: { status: 401, code: "Unauthorized", message: "401 - Unauthorized: {why}" },
  forbidden: { status: 403, code: "Forbidden", message: "403 - Forbidden: {why}" },
  locked: {
    status: 409,
    code: "Conflict",
    message: "There is a deployment currently in progress. Please try again when it completes.",
  },
  runFromRemotePackage: {
    status: 409,
    code: "Conflict",
    message:
      "Run-From-Zip is set to a remote URL using WEBSITE_RUN_FROM_PACKAGE or WEBSITE_USE_ZIP app setting. Deployment is not supported in this configuration.",
  },
  unknownType: { status: 400, code: "BadRequest", message: "type='{type}' not recognized" },
  unsupportedType: { status: 400, code: "BadRequest", message: "Artifact type '{type}' not supported" },
  badRequest: { status: 400, code: "BadRequest", message: "{why}" },
  noDeployment: { status: 404, code: "NotFound", message: "Deployment '{id}' not found." },
  noLog: { status: 404, code: "NotFound", message: "No log found for '{id}'." },
  activeDeployment: {
    status: 409,
    code: "Conflict",
    message: "Unable to delete '{id}'. The deployment is currently active.",
  },
  noSetting: { status: 404, code: "NotFound", message: "'{name}' not found." },
  notBuilt: { status: 501, code: "NotImplemented", message: "{what} is not implemented by Lanyard." },
  notFound: { status: 404, code: "NotFound", message: "There is nothing at {path}." },
});
