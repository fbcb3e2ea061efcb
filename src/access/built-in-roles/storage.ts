/** Storage roles. https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage */
import type { RoleDefinition } from "../definitions.ts";
import {
  alertRules,
  authorizationRead,
  availability,
  builtIn,
  deployments,
  each,
  groupRead,
  joinViaServiceEndpoint,
  support,
} from "./role.ts";

const account = "Microsoft.Storage/storageAccounts/";
const blobService = `${account}blobServices/`;
const containers = `${blobService}containers/`;
const blobs = `${containers}blobs/`;
const queues = `${account}queueServices/queues/`;
const messages = `${queues}messages/`;
const tables = `${account}tableServices/tables/`;
const entities = `${tables}entities/`;
const fileService = `${account}fileServices/`;
const files = `${fileService}fileshares/files/`;
const delegationKey = "generateUserDelegationKey/action";

const blobRoles: readonly RoleDefinition[] = [
  builtIn(
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Blob Data Reader",
    "Allows for read access to Azure Storage blob containers and data",
    { actions: [`${containers}read`, `${blobService}${delegationKey}`], dataActions: [`${blobs}read`] },
  ),
  builtIn(
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Contributor",
    "Allows for read, write and delete access to Azure Storage blob containers and data",
    {
      actions: [...each(containers, "read", "write", "delete"), `${blobService}${delegationKey}`],
      dataActions: each(blobs, "read", "write", "delete", "move/action", "add/action"),
    },
  ),
  builtIn(
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Owner",
    "Allows for full access to Azure Storage blob containers and data, including assigning POSIX access control.",
    { actions: [`${containers}*`, `${blobService}${delegationKey}`], dataActions: [`${blobs}*`] },
  ),
  builtIn(
    "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
    "Storage Blob Delegator",
    "Allows for generation of a user delegation key which can be used to sign SAS tokens",
    { actions: [`${blobService}${delegationKey}`] },
  ),
];

const accountRoles: readonly RoleDefinition[] = [
  builtIn(
    "c12c1c16-33a1-487b-954d-41c89c60f349",
    "Reader and Data Access",
    "Lets you view everything but will not let you delete or create a storage account or contained resource. It will also allow read/write access to all data contained in a storage account via access to storage account keys.",
    { actions: each(account, "listKeys/action", "ListAccountSas/action", "read") },
  ),
  builtIn(
    "81a9662b-bebf-436f-a333-f67b29880f12",
    "Storage Account Key Operator Service Role",
    "Storage Account Key Operators are allowed to list and regenerate keys on Storage Accounts",
    { actions: each(account, "listkeys/action", "regeneratekey/action") },
  ),
  builtIn(
    "17d1049b-9a84-46fb-8f53-869881c3d3ab",
    "Storage Account Contributor",
    "Lets you manage storage accounts, including accessing storage account keys which provide full access to storage account data.",
    {
      actions: [
        authorizationRead,
        alertRules,
        "Microsoft.Insights/diagnosticSettings/*",
        joinViaServiceEndpoint,
        availability,
        deployments,
        groupRead,
        `${account}*`,
        support,
      ],
    },
  ),
];

const queueRoles: readonly RoleDefinition[] = [
  builtIn(
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Queue Data Contributor",
    "Allows for read, write, and delete access to Azure Storage queues and queue messages",
    {
      actions: each(queues, "delete", "read", "write"),
      dataActions: each(messages, "delete", "read", "write", "process/action"),
    },
  ),
  builtIn(
    "8a0f0c08-91a1-4084-bc3d-661d67233fed",
    "Storage Queue Data Message Processor",
    "Allows for peek, receive, and delete access to Azure Storage queue messages",
    { dataActions: each(messages, "read", "process/action") },
  ),
  builtIn(
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    "Storage Queue Data Message Sender",
    "Allows for sending of Azure Storage queue messages",
    { dataActions: [`${messages}add/action`] },
  ),
  builtIn(
    "19e7f393-937e-4f77-808e-94535e297925",
    "Storage Queue Data Reader",
    "Allows for read access to Azure Storage queues and queue messages",
    { actions: [`${queues}read`], dataActions: [`${messages}read`] },
  ),
  builtIn(
    "7ee386e9-84f0-448e-80a6-f185f6533131",
    "Storage Queue Delegator",
    "Allows for generation of a user delegation key which can be used to sign SAS tokens for queues",
    { actions: [`${account}queueServices/${delegationKey}`] },
  ),
];

const tableRoles: readonly RoleDefinition[] = [
  builtIn(
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Storage Table Data Contributor",
    "Allows for read, write and delete access to Azure Storage tables and entities",
    {
      actions: each(tables, "read", "write", "delete"),
      dataActions: each(entities, "read", "write", "delete", "add/action", "update/action"),
    },
  ),
  builtIn(
    "76199698-9eea-4c19-bc75-cec21354c6b6",
    "Storage Table Data Reader",
    "Allows for read access to Azure Storage tables and entities",
    { actions: [`${tables}read`], dataActions: [`${entities}read`] },
  ),
  builtIn(
    "965033a5-c8eb-4f35-b82f-fef460a3606d",
    "Storage Table Delegator",
    "Allows for generation of a user delegation key which can be used to sign SAS tokens for tables",
    { actions: [`${account}tableServices/${delegationKey}`] },
  ),
];

const fileRoles: readonly RoleDefinition[] = [
  builtIn(
    "69566ab7-960f-475b-8e7c-b3118f30c6bd",
    "Storage File Data Privileged Contributor",
    "Customer has read, write, delete and modify NTFS permission access on Azure Storage file shares.",
    {
      dataActions: [
        ...each(files, "read", "write", "delete", "modifypermissions/action"),
        ...each(fileService, "readFileBackupSemantics/action", "writeFileBackupSemantics/action"),
      ],
    },
  ),
  builtIn(
    "b8eda974-7b85-4f76-af95-65846b26df6d",
    "Storage File Data Privileged Reader",
    "Customer has read access on Azure Storage file shares.",
    { dataActions: [`${files}read`, `${fileService}readFileBackupSemantics/action`] },
  ),
  builtIn(
    "aba4ae5f-2193-4029-9191-0cb91df5e314",
    "Storage File Data SMB Share Reader",
    "Allows for read access to Azure File Share over SMB",
    { dataActions: [`${files}read`] },
  ),
  builtIn(
    "0c867c2a-1d8c-454a-a3db-ab2ea1bdc8bb",
    "Storage File Data SMB Share Contributor",
    "Allows for read, write, and delete access in Azure Storage file shares over SMB",
    { dataActions: each(files, "read", "write", "delete") },
  ),
  builtIn(
    "a7264617-510b-434b-a828-9731dc254ea7",
    "Storage File Data SMB Share Elevated Contributor",
    "Allows for read, write, delete and modify NTFS permission access in Azure Storage file shares over SMB",
    { dataActions: each(files, "read", "write", "delete", "modifypermissions/action") },
  ),
  builtIn(
    "765a04e0-5de8-4bb2-9bf6-b2a30bc03e91",
    "Storage File Delegator",
    "Allows for generation of a user delegation key which can be used to sign SAS tokens for file shares",
    { actions: [`${fileService}${delegationKey}`] },
  ),
];

export const storageRoles: readonly RoleDefinition[] = [
  ...blobRoles,
  ...accountRoles,
  ...queueRoles,
  ...tableRoles,
  ...fileRoles,
];
