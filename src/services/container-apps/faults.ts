import { catalogue } from "../../kernel/fault.ts";

/** `Microsoft.App`'s own errors. */
export const containerAppFault = catalogue({
  environmentRequired: {
    status: 400,
    code: "ContainerAppInvalidEnvironmentId",
    message: "The container app needs the id of its environment in properties.environmentId (or managedEnvironmentId).",
  },
  environmentNotFound: {
    status: 400,
    code: "ManagedEnvironmentNotFound",
    message: "The managed environment '{id}' does not exist.",
  },
  environmentFixed: {
    status: 400,
    code: "ContainerAppEnvironmentChangeNotAllowed",
    message: "A container app stays in its environment '{id}'. Create a new app in the other one.",
  },
  environmentInUse: {
    status: 409,
    code: "ManagedEnvironmentHasContainerApps",
    message: "The managed environment '{name}' cannot be deleted because it has container app(s) {apps}.",
  },
  invalidField: {
    status: 400,
    code: "InvalidParameterValueInContainerTemplate",
    message:
      "The following field(s) are either invalid or missing. Field '{field}' is invalid with details: 'Invalid value: \"{value}\": {why}';.",
  },
  invalidResources: {
    status: 400,
    code: "ContainerAppInvalidResourceTotal",
    message:
      "The total requested CPU and memory resources for this application (CPU: {cpu}, memory: {memory}) is invalid. Total CPU and memory for all containers defined in a Container App must add up to one of the following CPU - Memory combinations: {allowed}",
  },
  invalidSecret: {
    status: 400,
    code: "ContainerAppSecretInvalid",
    message:
      "Invalid Request: Container app secret(s) with name(s) '{name}' are invalid: value or keyVaultUrl and identity should be provided.",
  },
  secretRefNotFound: {
    status: 400,
    code: "ContainerAppSecretRefNotFound",
    message: "SecretRef '{secret}' defined for container '{container}' not found.",
  },
  vaultSecret: {
    status: 400,
    code: "ContainerAppSecretKeyVaultUrlInvalid",
    message: "Unable to get value of secret '{name}' from '{url}' using Managed identity '{identity}'. Error: {why}",
  },
  appNotFound: {
    status: 404,
    code: "ResourceNotFound",
    message: "The Resource 'Microsoft.App/containerApps/{name}' was not found.",
  },
  replicaNotFound: { status: 404, code: "ReplicaNotFound", message: "The replica '{name}' was not found." },
  revisionNotFound: {
    status: 404,
    code: "RevisionNotFound",
    message: "The revision '{name}' of the container app '{app}' was not found.",
  },
  latestRevision: {
    status: 400,
    code: "RevisionDeactivationNotAllowed",
    message:
      "The revision '{name}' cannot be deactivated: in single revision mode the latest revision is the active one. Stop the app instead.",
  },
  singleMode: {
    status: 400,
    code: "RevisionActivationNotAllowed",
    message: "The revision '{name}' cannot be activated: in single revision mode only the latest revision is active.",
  },
});
