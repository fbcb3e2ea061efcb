/** App Service, App Configuration and registry roles. .../built-in-roles/web-and-mobile and .../containers */
import type { RoleDefinition } from "../definitions.ts";
import { availability, base5, builtIn, each } from "./role.ts";

export const webRoles: readonly RoleDefinition[] = [
  builtIn(
    "de139f84-1756-47ae-9be6-808fbbe84772",
    "Website Contributor",
    "Lets you manage websites (not web plans), but not access to them.",
    {
      actions: [
        ...base5,
        "Microsoft.Insights/components/*",
        availability,
        ...each(
          "Microsoft.Web/",
          "certificates/*",
          "listSitesAssignedToHostName/read",
          "register/action",
          "serverFarms/join/action",
          "serverFarms/read",
          "sites/*",
        ),
      ],
    },
  ),
  builtIn(
    "2cc479cb-7b4d-49a8-b449-8c00fd0f0a4b",
    "Web Plan Contributor",
    "Manage the web plans for websites. Does not allow you to assign roles in Azure RBAC.",
    {
      actions: [
        ...base5,
        availability,
        "Microsoft.Web/serverFarms/*",
        "Microsoft.Web/hostingEnvironments/Join/Action",
        "Microsoft.Insights/autoscalesettings/*",
      ],
    },
  ),
  builtIn(
    "516239f1-63e1-4d78-a4de-a74fb236a071",
    "App Configuration Data Reader",
    "Allows read access to App Configuration data.",
    { dataActions: ["Microsoft.AppConfiguration/configurationStores/*/read"] },
  ),
];
