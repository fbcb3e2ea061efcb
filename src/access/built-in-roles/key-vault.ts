/** Key Vault roles. https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/security */
import type { RoleDefinition } from "../definitions.ts";
import { alertRules, authorizationRead, base5, builtIn, deployments, each, groupRead, support } from "./role.ts";

const vault = "Microsoft.KeyVault/";
const data = (...names: readonly string[]): readonly string[] => each(`${vault}vaults/`, ...names);
const vaultReads = each(
  vault,
  "checkNameAvailability/read",
  "deletedVaults/read",
  "locations/*/read",
  "vaults/*/read",
  "operations/read",
);
const management = [...base5, ...vaultReads];

const administrator = "00482a5a-887f-4fb3-b363-3b7fe8e74483";
const secretsUser = "4633458b-17de-408a-b874-0445c86b69e6";
const secretsOfficer = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7";
const reader = "21090545-7ca7-4776-b22c-e363652d74d2";
const certificatesOfficer = "a4417e6f-fecd-4de8-b567-7b0420556985";
const cryptoUser = "12338af0-0e69-4776-bea7-57ae8d297424";
const cryptoOfficer = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603";
const cryptoServiceEncryptionUser = "e147488a-f6f5-4113-8e2d-b22465e65bf6";

const delegable = [
  administrator,
  certificatesOfficer,
  cryptoOfficer,
  cryptoServiceEncryptionUser,
  cryptoUser,
  reader,
  secretsOfficer,
  secretsUser,
].join(", ");
const roleAssignments = "Microsoft.Authorization/roleAssignments";
const delegationCondition =
  `((!(ActionMatches{'${roleAssignments}/write'})) OR (@Request[${roleAssignments}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals{${delegable}})) AND ` +
  `((!(ActionMatches{'${roleAssignments}/delete'})) OR (@Resource[${roleAssignments}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals{${delegable}}))`;

export const keyVaultRoles: readonly RoleDefinition[] = [
  builtIn(
    administrator,
    "Key Vault Administrator",
    "Perform all data plane operations on a key vault and all objects in it, including certificates, keys, and secrets. Cannot manage key vault resources or manage role assignments. Only works for key vaults that use the 'Azure role-based access control' permission model.",
    { actions: management, dataActions: data("*") },
  ),
  builtIn(
    secretsUser,
    "Key Vault Secrets User",
    "Read secret contents. Only works for key vaults that use the 'Azure role-based access control' permission model.",
    { dataActions: data("secrets/getSecret/action", "secrets/readMetadata/action") },
  ),
  builtIn(
    secretsOfficer,
    "Key Vault Secrets Officer",
    "Perform any action on the secrets of a key vault, except manage permissions. Only works for key vaults that use the 'Azure role-based access control' permission model.",
    { actions: management, dataActions: data("secrets/*") },
  ),
  builtIn(
    reader,
    "Key Vault Reader",
    "Read metadata of key vaults and its certificates, keys, and secrets. Cannot read sensitive values such as secret contents or key material. Only works for key vaults that use the 'Azure role-based access control' permission model.",
    {
      actions: [authorizationRead, alertRules, groupRead, support, ...vaultReads],
      dataActions: data("*/read", "secrets/readMetadata/action"),
    },
  ),
  builtIn(
    "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
    "Key Vault Certificate User",
    "Read certificate contents. Only works for key vaults that use the 'Azure role-based access control' permission model.",
    { dataActions: data("certificates/read", "secrets/getSecret/action", "secrets/readMetadata/action", "keys/read") },
  ),
  builtIn(
    certificatesOfficer,
    "Key Vault Certificates Officer",
    "Perform any action on the certificates of a key vault, except manage permissions. Only works for key vaults that use the 'Azure role-based access control' permission model.",
    { actions: management, dataActions: data("certificatecas/*", "certificates/*", "certificatecontacts/write") },
  ),
  builtIn(
    cryptoUser,
    "Key Vault Crypto User",
    "Perform cryptographic operations using keys. Only works for key vaults that use the 'Azure role-based access control' permission model.",
    {
      dataActions: data(
        "keys/read",
        "keys/update/action",
        "keys/backup/action",
        "keys/encrypt/action",
        "keys/decrypt/action",
        "keys/wrap/action",
        "keys/unwrap/action",
        "keys/sign/action",
        "keys/verify/action",
      ),
    },
  ),
  builtIn(
    cryptoOfficer,
    "Key Vault Crypto Officer",
    "Perform any action on the keys of a key vault, except manage permissions. Only works for key vaults that use the 'Azure role-based access control' permission model.",
    { actions: management, dataActions: data("keys/*", "keyrotationpolicies/*") },
  ),
  builtIn(
    cryptoServiceEncryptionUser,
    "Key Vault Crypto Service Encryption User",
    "Read metadata of keys and perform wrap/unwrap operations. Only works for key vaults that use the 'Azure role-based access control' permission model.",
    {
      actions: each("Microsoft.EventGrid/eventSubscriptions/", "write", "read", "delete"),
      dataActions: data("keys/read", "keys/wrap/action", "keys/unwrap/action"),
    },
  ),
  builtIn(
    "08bbd89e-9f13-488c-ac41-acfcb10c90ab",
    "Key Vault Crypto Service Release User",
    "Release keys. Only works for key vaults that use the 'Azure role-based access control' permission model.",
    { dataActions: data("keys/release/action") },
  ),
  builtIn(
    "f25e0fa2-a7c8-4377-a976-54943a77a395",
    "Key Vault Contributor",
    "Manage key vaults, but does not allow you to assign roles in Azure RBAC, and does not allow you to access secrets, keys, or certificates.",
    {
      actions: [...base5, `${vault}*`],
      notActions: each(vault, "locations/deletedVaults/purge/action", "hsmPools/*", "managedHsms/*"),
    },
  ),
  builtIn(
    "a68e7c17-0ab2-4c09-9a58-125dae29748c",
    "Key Vault Purge Operator",
    "Allows permanent deletion of soft-deleted vaults.",
    {
      actions: [
        authorizationRead,
        alertRules,
        deployments,
        groupRead,
        ...each(
          vault,
          "deletedVaults/read",
          "locations/deletedVaults/read",
          "locations/deletedVaults/purge/action",
          "locations/operationResults/read",
        ),
      ],
    },
  ),
  builtIn(
    "8b54135c-b56d-4d72-a534-26097cfdc8d8",
    "Key Vault Data Access Administrator",
    "Manage access to Azure Key Vault by adding or removing role assignments for the Key Vault data roles. Includes an ABAC condition to constrain role assignments.",
    {
      actions: [
        ...each(`${roleAssignments}/`, "write", "delete"),
        authorizationRead,
        deployments,
        groupRead,
        "Microsoft.Resources/subscriptions/read",
        "Microsoft.Management/managementGroups/read",
        support,
        `${vault}vaults/*/read`,
      ],
      condition: delegationCondition,
    },
  ),
];
