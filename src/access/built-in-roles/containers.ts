/** Container Apps and registry roles. https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/containers */
import type { RoleDefinition } from "../definitions.ts";
import { alertRules, authorizationRead, builtIn, deployments, each, groupRead } from "./role.ts";

const app = "Microsoft.App/";
const apps = `${app}containerApps/`;
const jobs = `${app}jobs/`;
const registries = "Microsoft.ContainerRegistry/registries/";
const environments = ["managedEnvironments/", "connectedEnvironments/"].flatMap((type) =>
  each(`${app}${type}`, "read", "*/read", "join/action", "checknameavailability/action"),
);
const environmentReads = ["managedEnvironments/", "connectedEnvironments/"].flatMap((type) =>
  each(`${app}${type}`, "read", "*/read"),
);

export const containerRoles: readonly RoleDefinition[] = [
  builtIn(
    "ad2dd5fb-cd4b-4fd4-a9b6-4fed3630980b",
    "ContainerApp Reader",
    "View all containerapp resources, but does not allow you to make any changes.",
    {
      actions: [
        ...each(apps, "*/read", "read"),
        authorizationRead,
        alertRules,
        "Microsoft.Resources/deployments/read",
        groupRead,
      ],
    },
  ),
  builtIn(
    "358470bc-b998-42bd-ab17-a7e34c199c0f",
    "Container Apps Contributor",
    "Full management of Container Apps, including creation, deletion, and updates.",
    {
      actions: [
        authorizationRead,
        alertRules,
        ...each(apps, "*/read", "*/write", "*/delete", "*/action"),
        ...environments,
      ],
    },
  ),
  builtIn(
    "f3bd1b5c-91fa-40e7-afe7-0c11d331232c",
    "Container Apps Operator",
    "Read, logstream and exec into Container Apps.",
    {
      actions: [authorizationRead, alertRules, ...each(apps, "*/read", "*/action"), ...environments],
      dataActions: each(apps, "logstream/action", "exec/action", "debug/action"),
    },
  ),
  builtIn(
    "57cc5028-e6a7-4284-868d-0611c5923f8d",
    "Container Apps ManagedEnvironments Contributor",
    "Full management of Container Apps ManagedEnvironments, including creation, deletion, and updates.",
    {
      actions: [
        authorizationRead,
        alertRules,
        ...each(`${app}managedEnvironments/`, "*/read", "*/write", "*/delete", "*/action"),
        deployments,
      ],
    },
  ),
  builtIn(
    "1b32c00b-7eff-4c22-93e6-93d11d72d2d8",
    "Container Apps ManagedEnvironments Reader",
    "Read access to ContainerApps managedenvironments.",
    { actions: [authorizationRead, ...each(`${app}managedEnvironments/`, "read", "*/read"), groupRead] },
  ),
  builtIn(
    "4e3d2b60-56ae-4dc6-a233-09c8e5a82e68",
    "Container Apps Jobs Contributor",
    "Full management of Container Apps jobs, including creation, deletion, and updates.",
    {
      actions: [
        authorizationRead,
        alertRules,
        ...each(jobs, "read", "*/read", "*/action", "write", "delete"),
        ...environments,
      ],
    },
  ),
  builtIn(
    "b9a307c4-5aa3-4b52-ba60-2b17c136cd7b",
    "Container Apps Jobs Operator",
    "Read, start, and stop Container Apps jobs.",
    {
      actions: [authorizationRead, alertRules, ...each(jobs, "read", "*/read", "*/action"), ...environments],
      dataActions: each(jobs, "logstream/action", "exec/action"),
    },
  ),
  builtIn("edd66693-d32a-450b-997d-0158c03976b0", "Container Apps Jobs Reader", "Read access to ContainerApps jobs.", {
    actions: [authorizationRead, ...each(jobs, "read", "*/read"), ...environmentReads, groupRead],
  }),
  builtIn("7f951dda-4ed3-4680-a7ca-43fe172d538d", "AcrPull", "acr pull", { actions: [`${registries}pull/read`] }),
  builtIn("8311e382-0749-4cb8-b61a-304f252e45ec", "AcrPush", "acr push", {
    actions: each(registries, "pull/read", "push/write"),
  }),
  builtIn("c2f4ef07-c644-48eb-af81-4b1b4947fb11", "AcrDelete", "acr delete", {
    actions: [`${registries}artifacts/delete`],
  }),
];
