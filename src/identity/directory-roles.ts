/**
 * Microsoft Entra's built-in roles, as far as Lanyard knows them: template ids, the same in every tenant.
 * Source: learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
 */
export const directoryRoles = {
  "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
  "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
  "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
  "cf1c38e5-3621-4004-a7cb-879624dced7c": "Application Developer",
  "fdd7a751-b60b-444a-984c-02652fe8fa1c": "Groups Administrator",
  "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
  "9360feb5-f418-4baa-8175-e2a00bac4301": "Directory Writers",
  "88d8e3e3-8f55-4a1e-953a-9b9898b8876b": "Directory Readers",
} as const satisfies Readonly<Record<string, string>>;

export type DirectoryRole = (typeof directoryRoles)[keyof typeof directoryRoles];

export const globalAdministrator = "62e90394-69f5-4237-9190-012177145e10" satisfies keyof typeof directoryRoles;

const names: ReadonlyMap<string, DirectoryRole> = new Map(Object.entries(directoryRoles));

/** Name of a role by its template id; undefined for one that is not known here. */
export const directoryRoleName = (id: string): DirectoryRole | undefined => names.get(id.toLowerCase());
