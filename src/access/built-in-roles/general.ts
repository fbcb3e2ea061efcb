/** General, identity and monitoring roles. https://learn.microsoft.com/azure/role-based-access-control/built-in-roles */
import type { RoleDefinition } from "../definitions.ts";
import { alertRules, authorizationRead, base5, builtIn, deployments, each, groupRead, support } from "./role.ts";

const identities = "Microsoft.ManagedIdentity/userAssignedIdentities/";
const workspaces = "Microsoft.OperationalInsights/workspaces/";
const linker = "Microsoft.ServiceLinker/";
const federated = each(`${identities}federatedIdentityCredentials/`, "read", "write", "delete");

export const generalRoles: readonly RoleDefinition[] = [
  builtIn(
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Owner",
    "Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.",
    { actions: ["*"] },
  ),
  builtIn(
    "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Contributor",
    "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC, manage assignments in Azure Blueprints, or share image galleries.",
    {
      actions: ["*"],
      notActions: [
        "Microsoft.Authorization/*/Delete",
        "Microsoft.Authorization/*/Write",
        "Microsoft.Authorization/elevateAccess/Action",
        "Microsoft.Blueprint/blueprintAssignments/write",
        "Microsoft.Blueprint/blueprintAssignments/delete",
        "Microsoft.Compute/galleries/share/action",
        "Microsoft.Purview/consents/write",
        "Microsoft.Purview/consents/delete",
        "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
        "Microsoft.Subscription/cancel/action",
        "Microsoft.Subscription/enable/action",
      ],
    },
  ),
  builtIn(
    "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Reader",
    "View all resources, but does not allow you to make any changes.",
    { actions: ["*/read"] },
  ),
  builtIn(
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    "User Access Administrator",
    "Lets you manage user access to Azure resources.",
    { actions: ["*/read", "Microsoft.Authorization/*", support] },
  ),
  builtIn(
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
    "Role Based Access Control Administrator",
    "Manage access to Azure resources by assigning roles using Azure RBAC. This role does not allow you to manage access using other ways, such as Azure Policy.",
    { actions: [...each("Microsoft.Authorization/roleAssignments/", "write", "delete"), "*/read", support] },
  ),
  builtIn(
    "f1a07417-d97a-45cb-824c-7a7467783830",
    "Managed Identity Operator",
    "Read and Assign User Assigned Identity",
    { actions: [...each(identities, "*/read", "*/assign/action"), ...base5] },
  ),
  builtIn(
    "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
    "Managed Identity Contributor",
    "Create, Read, Update, and Delete User Assigned Identity",
    {
      actions: [
        ...each(identities, "read", "write", "delete"),
        ...federated,
        `${identities}revokeTokens/action`,
        ...base5,
      ],
    },
  ),
  builtIn(
    "7e559ce2-48d7-4b27-9128-fa1b247f1308",
    "Managed Identity Federated Identity Credential Contributor",
    "Create, read, update and delete federated identity credentials of user assigned identities.",
    { actions: [`${identities}read`, ...federated, authorizationRead, alertRules, deployments, groupRead] },
  ),
  builtIn(
    "4a9ae827-6dc8-4573-8ac7-8239d42aa03f",
    "Tag Contributor",
    "Lets you manage tags on entities, without providing access to the entities themselves.",
    {
      actions: [
        ...base5,
        "Microsoft.Resources/subscriptions/resourceGroups/resources/read",
        "Microsoft.Resources/subscriptions/resources/read",
        "Microsoft.Resources/tags/*",
      ],
    },
  ),
  builtIn("28bf596f-4eb7-45ce-b5bc-6cf482fec137", "Locks Contributor", "Can manage locks operations.", {
    actions: each("Microsoft.Authorization/locks/", "read", "write", "delete"),
  }),
  builtIn(
    "db7003cd-07a9-490c-bfa5-23e40314f8d7",
    "Service Connector Contributor",
    "Create, read, update and delete connections of Service Connector.",
    {
      actions: [
        ...each(`${linker}linkers/`, "read", "write", "delete"),
        ...each(
          `${linker}linkers/`,
          "listConfigurations/action",
          "validateLinker/action",
          "generateConfigurations/action",
        ),
        ...each(`${linker}dryruns/`, "write", "delete"),
        ...each(
          `${linker}locations/connectors/`,
          "write",
          "delete",
          "generateConfigurations/action",
          "validate/action",
        ),
        ...each(`${linker}locations/dryruns/`, "write", "delete"),
        `${linker}locations/operationStatuses/write`,
      ],
    },
  ),
  builtIn("43d0d8ad-25c7-4714-9337-8ba259a9fe05", "Monitoring Reader", "Can read all monitoring data.", {
    actions: ["*/read", `${workspaces}search/action`, support],
  }),
  builtIn(
    "73c42c96-874c-492b-b04d-ab87d138a893",
    "Log Analytics Reader",
    "Log Analytics Reader can view and search all monitoring data as well as and view monitoring settings, including viewing the configuration of Azure diagnostics on all Azure resources.",
    {
      actions: ["*/read", `${workspaces}analytics/query/action`, `${workspaces}search/action`, support],
      notActions: [`${workspaces}sharedKeys/read`],
      dataActions: [`${workspaces}jobs/export/action`],
    },
  ),
  builtIn(
    "92aaf0da-9dab-42b6-94a3-d43ce8d16293",
    "Log Analytics Contributor",
    "Can read all monitoring data and edit monitoring settings, including extensions of virtual machines and the keys of storage accounts that logs are collected from.",
    {
      actions: [
        "*/read",
        "Microsoft.ClassicCompute/virtualMachines/extensions/*",
        "Microsoft.ClassicStorage/storageAccounts/listKeys/action",
        "Microsoft.Compute/virtualMachines/extensions/*",
        "Microsoft.HybridCompute/machines/extensions/write",
        alertRules,
        "Microsoft.Insights/diagnosticSettings/*",
        "Microsoft.OperationalInsights/*",
        "Microsoft.OperationsManagement/*",
        deployments,
        "Microsoft.Resources/subscriptions/resourcegroups/deployments/*",
        "Microsoft.Storage/storageAccounts/listKeys/action",
        support,
      ],
      dataActions: [`${workspaces}jobs/export/action`],
    },
  ),
];
