/** Directory objects as Graph shows them (learn.microsoft.com/graph/api/resources). */
import { X509Certificate } from "node:crypto";
import type {
  Application,
  ClientSecret,
  Group,
  KeyCredential,
  Principal,
  ServicePrincipal,
  User,
} from "../../identity/principals.ts";
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

/** Properties of an application that are kept as given and have no effect, and what they are when nothing was given. */
export const applicationSettings = {
  api: {
    acceptMappedClaims: null,
    knownClientApplications: [],
    oauth2PermissionScopes: [],
    preAuthorizedApplications: [],
  },
  appRoles: [],
  description: null,
  groupMembershipClaims: null,
  isFallbackPublicClient: null,
  notes: null,
  optionalClaims: null,
  publicClient: { redirectUris: [] },
  requiredResourceAccess: [],
  serviceManagementReference: null,
  signInAudience: "AzureADMyOrg",
  spa: { redirectUris: [] },
  tags: [],
  web: { homePageUrl: null, logoutUrl: null, redirectUris: [] },
} as const satisfies Json;

const applicationFields = [
  "id",
  "deletedDateTime",
  "appId",
  "createdDateTime",
  "displayName",
  "identifierUris",
  "keyCredentials",
  "passwordCredentials",
  "publisherDomain",
  ...(Object.keys(applicationSettings) as (keyof typeof applicationSettings)[]),
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
  description: group.description ?? null,
  displayName: group.displayName,
  groupTypes: [],
  mail: null,
  mailEnabled: false,
  mailNickname: group.mailNickname ?? group.displayName.replaceAll(/[^\w.-]/g, ""),
  securityEnabled: true,
  visibility: null,
});

/**
 * `alternativeNames` is where Graph tells a managed identity's resource (az-cli.md 5). `application`: the one whose record
 * keeps the principal's own credentials; without it none are shown.
 */
export const shownServicePrincipal = (
  principal: ServicePrincipal,
  tenant: TenantInfo,
  application?: Application,
): Shown<typeof servicePrincipalFields> => ({
  id: principal.objectId,
  deletedDateTime: null,
  accountEnabled: principal.disabled !== true,
  alternativeNames: alternativeNames(principal),
  appDisplayName: principal.servicePrincipalType === "Application" ? principal.displayName : null,
  appId: principal.appId,
  appOwnerOrganizationId: principal.servicePrincipalType === "Application" ? tenant.tenantId : null,
  appRoleAssignmentRequired: false,
  appRoles: [],
  displayName: principal.displayName,
  keyCredentials: (application?.principalKeys ?? []).map(shownKey),
  oauth2PermissionScopes: [],
  passwordCredentials: (application?.principalSecrets ?? []).map(shownSecret),
  servicePrincipalNames: [principal.appId, ...(principal.names ?? [])],
  servicePrincipalType: principal.servicePrincipalType,
  signInAudience: principal.servicePrincipalType === "Application" ? "AzureADMyOrg" : null,
  tags: principal.tags ?? [],
});

const alternativeNames = ({ resourceId }: ServicePrincipal): readonly string[] => {
  if (resourceId === undefined) return [];
  const explicit = /\/providers\/Microsoft\.ManagedIdentity\/userAssignedIdentities\//i.test(resourceId);
  return [`isExplicit=${explicit ? "True" : "False"}`, resourceId];
};

const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** Secrets are never shown: only their ids, ends and first three characters, as Graph does. */
export const shownSecret = (secret: ClientSecret): Json => ({
  customKeyIdentifier: null,
  displayName: secret.displayName ?? null,
  endDateTime: timeOf(secret.expires),
  hint: secret.value.slice(0, 3),
  keyId: secret.keyId,
  secretText: null,
  startDateTime: secret.starts === undefined ? null : timeOf(secret.starts),
});

/** `customKeyIdentifier` is the thumbprint, which Graph computes; the certificate itself is not shown. */
export const shownKey = (key: KeyCredential): Json => ({
  customKeyIdentifier: thumbprintOf(key.certificate),
  displayName: key.displayName ?? null,
  endDateTime: timeOf(key.expires),
  key: null,
  keyId: key.keyId,
  startDateTime: timeOf(key.starts),
  type: "AsymmetricX509Cert",
  usage: "Verify",
});

const thumbprintOf = (certificate: string): string =>
  new X509Certificate(Buffer.from(certificate, "base64")).fingerprint.replaceAll(":", "");

export const shownApplication = (application: Application, tenant: TenantInfo): Shown<typeof applicationFields> => ({
  id: application.objectId,
  deletedDateTime: null,
  appId: application.appId,
  createdDateTime: application.created === undefined ? null : timeOf(application.created),
  displayName: application.displayName,
  identifierUris: application.identifierUris ?? [],
  keyCredentials: (application.keys ?? []).map(shownKey),
  passwordCredentials: application.secrets.map(shownSecret),
  publisherDomain: tenant.domain,
  ...applicationSettings,
  ...application.settings,
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
