/** Directory objects as Graph shows them (learn.microsoft.com/graph/api/resources). */
import type { Application, Group, Principal, ServicePrincipal, User } from "../../identity/principals.ts";
import type { TenantInfo } from "../../identity/tenant.ts";
import type { EntityType, Json } from "./filter.ts";

type Shown<Fields extends readonly string[]> = Readonly<Record<Fields[number], unknown>>;

const userFields = [
  "id",
  "businessPhones",
  "displayName",
  "givenName",
  "jobTitle",
  "mail",
  "mobilePhone",
  "officeLocation",
  "preferredLanguage",
  "surname",
  "userPrincipalName",
  "accountEnabled",
  "userType",
] as const;

const groupFields = [
  "id",
  "deletedDateTime",
  "description",
  "displayName",
  "groupTypes",
  "mail",
  "mailEnabled",
  "mailNickname",
  "securityEnabled",
  "visibility",
] as const;

const servicePrincipalFields = [
  "id",
  "deletedDateTime",
  "accountEnabled",
  "alternativeNames",
  "appDisplayName",
  "appId",
  "appOwnerOrganizationId",
  "appRoleAssignmentRequired",
  "appRoles",
  "displayName",
  "keyCredentials",
  "oauth2PermissionScopes",
  "passwordCredentials",
  "servicePrincipalNames",
  "servicePrincipalType",
  "signInAudience",
  "tags",
] as const;

const applicationFields = [
  "id",
  "deletedDateTime",
  "appId",
  "appRoles",
  "displayName",
  "identifierUris",
  "keyCredentials",
  "passwordCredentials",
  "publisherDomain",
  "requiredResourceAccess",
  "signInAudience",
  "tags",
] as const;

export const userType: EntityType = { name: "microsoft.graph.user", fields: userFields };
export const groupType: EntityType = { name: "microsoft.graph.group", fields: groupFields };
export const servicePrincipalType: EntityType = {
  name: "microsoft.graph.servicePrincipal",
  fields: servicePrincipalFields,
};
export const applicationType: EntityType = { name: "microsoft.graph.application", fields: applicationFields };
/** Lists of mixed objects can be filtered by what all of them have. */
export const directoryObjectType: EntityType = {
  name: "microsoft.graph.directoryObject",
  fields: ["id", "deletedDateTime", "displayName"],
};

export const shownUser = (user: User): Shown<typeof userFields> => ({
  id: user.objectId,
  businessPhones: [],
  displayName: user.displayName,
  givenName: null,
  jobTitle: null,
  mail: null,
  mobilePhone: null,
  officeLocation: null,
  preferredLanguage: null,
  surname: null,
  userPrincipalName: user.userPrincipalName,
  accountEnabled: true,
  userType: "Member",
});

export const shownGroup = (group: Group): Shown<typeof groupFields> => ({
  id: group.objectId,
  deletedDateTime: null,
  description: null,
  displayName: group.displayName,
  groupTypes: [],
  mail: null,
  mailEnabled: false,
  mailNickname: group.displayName.replaceAll(/[^\w.-]/g, ""),
  securityEnabled: true,
  visibility: null,
});

/** `alternativeNames` is where Graph tells a managed identity's resource (az-cli.md 5). */
export const shownServicePrincipal = (
  principal: ServicePrincipal,
  tenant: TenantInfo,
): Shown<typeof servicePrincipalFields> => ({
  id: principal.objectId,
  deletedDateTime: null,
  accountEnabled: true,
  alternativeNames: alternativeNames(principal),
  appDisplayName: principal.servicePrincipalType === "Application" ? principal.displayName : null,
  appId: principal.appId,
  appOwnerOrganizationId: principal.servicePrincipalType === "Application" ? tenant.tenantId : null,
  appRoleAssignmentRequired: false,
  appRoles: [],
  displayName: principal.displayName,
  keyCredentials: [],
  oauth2PermissionScopes: [],
  passwordCredentials: [],
  servicePrincipalNames: [principal.appId],
  servicePrincipalType: principal.servicePrincipalType,
  signInAudience: principal.servicePrincipalType === "Application" ? "AzureADMyOrg" : null,
  tags: [],
});

const alternativeNames = ({ resourceId }: ServicePrincipal): readonly string[] => {
  if (resourceId === undefined) return [];
  const explicit = /\/providers\/Microsoft\.ManagedIdentity\/userAssignedIdentities\//i.test(resourceId);
  return [`isExplicit=${explicit ? "True" : "False"}`, resourceId];
};

/** Secrets are never shown: only their ids, ends and first three characters, as Graph does. */
export const shownApplication = (application: Application, tenant: TenantInfo): Shown<typeof applicationFields> => ({
  id: application.objectId,
  deletedDateTime: null,
  appId: application.appId,
  appRoles: [],
  displayName: application.displayName,
  identifierUris: [],
  keyCredentials: [],
  passwordCredentials: application.secrets.map((secret) => ({
    customKeyIdentifier: null,
    displayName: null,
    endDateTime: new Date(secret.expires).toISOString(),
    hint: secret.value.slice(0, 3),
    keyId: secret.keyId,
    secretText: null,
    startDateTime: null,
  })),
  publisherDomain: tenant.domain,
  requiredResourceAccess: [],
  signInAudience: "AzureADMyOrg",
  tags: [],
});

/** A principal of any kind, with its type: how it stands in lists of mixed objects. */
export const shownObject = (principal: Principal, tenant: TenantInfo): Json => {
  switch (principal.kind) {
    case "User":
      return { "@odata.type": "#microsoft.graph.user", ...shownUser(principal) };
    case "Group":
      return { "@odata.type": "#microsoft.graph.group", ...shownGroup(principal) };
    case "ServicePrincipal":
      return { "@odata.type": "#microsoft.graph.servicePrincipal", ...shownServicePrincipal(principal, tenant) };
  }
};

export const shownOrganization = (tenant: TenantInfo): Json => ({
  id: tenant.tenantId,
  displayName: tenant.displayName,
  tenantType: "AAD",
  verifiedDomains: [
    {
      capabilities: "Email, OfficeCommunicationsOnline",
      isDefault: true,
      isInitial: true,
      name: tenant.domain,
      type: "Managed",
    },
  ],
});

export const shownDomain = (tenant: TenantInfo): Json => ({
  id: tenant.domain,
  authenticationType: "Managed",
  isAdminManaged: true,
  isDefault: true,
  isInitial: true,
  isRoot: true,
  isVerified: true,
  supportedServices: [],
});
