/**
 * Application permissions (app roles) of Microsoft Graph that mean something here, by id: the same in every tenant.
 * Source: learn.microsoft.com/graph/permissions-reference
 */
export const graphAppRoles = {
  "06b708a9-e830-4db3-a914-8e69da51d44f": "AppRoleAssignment.ReadWrite.All",
  "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30": "Application.Read.All",
  "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9": "Application.ReadWrite.All",
  "18a4783c-866b-4cc7-a460-3d5e5662c884": "Application.ReadWrite.OwnedBy",
  "7ab1d382-f21e-4acd-a863-ba3e13f7da61": "Directory.Read.All",
  "19dbc75e-c2e2-444c-a770-ec69d8559fc7": "Directory.ReadWrite.All",
  "bf7b1a76-6e77-406b-b258-bf5c7720e98f": "Group.Create",
  "5b567255-7703-4780-807c-7be8301ae99b": "Group.Read.All",
  "62a82d76-70ea-41e2-9197-370581804d09": "Group.ReadWrite.All",
  "98830695-27a2-44f7-8c18-0c3ebc9698f6": "GroupMember.Read.All",
  "dbaae8cf-10b5-4b86-a4a1-f871c94c6695": "GroupMember.ReadWrite.All",
  "483bed4a-2ad3-4361-a73b-c83ccdbdc53c": "RoleManagement.Read.Directory",
  "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8": "RoleManagement.ReadWrite.Directory",
  "df021288-bdef-4463-88db-98f22de89214": "User.Read.All",
} as const satisfies Readonly<Record<string, string>>;

const names: ReadonlyMap<string, string> = new Map(Object.entries(graphAppRoles));

/** Name of an app role by its id; undefined for one that is not known here. */
export const graphAppRole = (id: string): string | undefined => names.get(id.toLowerCase());
