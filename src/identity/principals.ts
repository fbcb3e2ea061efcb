/** The directory's records. Object ids are GUIDs in lower case; names are for humans. */
import type { CollectionSpec } from "../store/store.ts";

export interface User {
  readonly kind: "User";
  readonly objectId: string;
  readonly userPrincipalName: string;
  readonly displayName: string;
  /** Template ids of its directory roles (`directory-roles.ts`). */
  readonly directoryRoles?: readonly string[];
}

export interface Group {
  readonly kind: "Group";
  readonly objectId: string;
  readonly displayName: string;
  readonly description?: string;
  readonly mailNickname?: string;
  /** Object ids of direct members, groups included. */
  readonly members: readonly string[];
  /** Object ids of those who may change it and its members. */
  readonly owners?: readonly string[];
}

export interface ServicePrincipal {
  readonly kind: "ServicePrincipal";
  readonly objectId: string;
  readonly appId: string;
  readonly displayName: string;
  readonly servicePrincipalType: "Application" | "ManagedIdentity";
  /** The resource a managed identity belongs to (its host, or the user-assigned identity itself); canonical id. */
  readonly resourceId?: string;
  /** Application permissions that it was granted, e.g. Microsoft Graph's `Directory.Read.All`. */
  readonly appRoles?: readonly AppRoleGrant[];
  /** Template ids of its directory roles (`directory-roles.ts`). */
  readonly directoryRoles?: readonly string[];
  /** Object ids of those who may change it. */
  readonly owners?: readonly string[];
  /** Names beside `appId`: the identifier URIs of its application. */
  readonly names?: readonly string[];
  readonly tags?: readonly string[];
  /** True: no token is issued to it. */
  readonly disabled?: boolean;
}

/** An application permission (app role) of a resource, as granted to a service principal. */
export interface AppRoleGrant {
  /** Application id of the resource that defines it. */
  readonly resourceAppId: string;
  /** Its name in the `roles` claim. */
  readonly value: string;
}

export type Principal = User | Group | ServicePrincipal;

/** An app registration: what signs in as the service principal with the same `appId`. */
export interface Application {
  readonly appId: string;
  readonly objectId: string;
  readonly displayName: string;
  /** Client secrets; sealed at rest. */
  readonly secrets: readonly ClientSecret[];
  /** Client secrets that Graph keeps on the service principal instead; sealed at rest. */
  readonly principalSecrets?: readonly ClientSecret[];
  /** Certificates that it may sign assertions with. */
  readonly keys?: readonly KeyCredential[];
  readonly principalKeys?: readonly KeyCredential[];
  /** Milliseconds since the epoch, tenant time. */
  readonly created?: number;
  readonly identifierUris?: readonly string[];
  /** Object ids of those who may change it. */
  readonly owners?: readonly string[];
  /** Further properties as Graph was given them; they are shown and have no effect. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Tokens of other issuers that it may sign in with. */
  readonly federatedCredentials?: readonly FederatedCredential[];
}

/**
 * Whose tokens stand for an identity (workload identity federation): issuer, subject and audience are compared exactly.
 */
export interface FederatedCredential {
  readonly name: string;
  /** Of an app registration's: Graph's id and text. */
  readonly id?: string;
  readonly description?: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
}

export interface ClientSecret {
  readonly keyId: string;
  readonly value: string;
  readonly displayName?: string;
  /** Milliseconds since the epoch, tenant time. */
  readonly starts?: number;
  /** Milliseconds since the epoch, tenant time. */
  readonly expires: number;
}

/** A certificate's public half. */
export interface KeyCredential {
  readonly keyId: string;
  readonly displayName?: string;
  /** DER in base64. */
  readonly certificate: string;
  /** Milliseconds since the epoch, tenant time. */
  readonly starts: number;
  /** Milliseconds since the epoch, tenant time. */
  readonly expires: number;
}

/** All directory records stand in one partition: a directory is small and read by id, app id or name. */
export const directoryPartition = "directory";

export const principalSpec: CollectionSpec<Principal> = {
  name: "principals",
  indexes: {
    appId: (value) => (value.kind === "ServicePrincipal" ? value.appId : undefined),
    resourceId: (value) => (value.kind === "ServicePrincipal" ? value.resourceId?.toLowerCase() : undefined),
    name: (value) => (value.kind === "User" ? value.userPrincipalName : value.displayName).toLowerCase(),
    member: (value) => (value.kind === "Group" ? value.members : undefined),
  },
};

export const applicationSpec: CollectionSpec<Application> = {
  name: "applications",
  indexes: { objectId: (value) => value.objectId },
  sealed: ["secrets", "principalSecrets"],
};
