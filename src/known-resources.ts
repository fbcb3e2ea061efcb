import type { Directory } from "./identity/directory.ts";
import { type Eventually } from "./kernel/eventually.ts";
import type { Service } from "./kernel/service.ts";

/** Audiences every tenant knows: URI without trailing slash, or Azure's well-known application id (access.md 5.4). */
const platformResources = new Set([
  "https://management.azure.com",
  "https://management.core.windows.net",
  "797f4846-ba00-4fd7-ba43-dac1f8f63013",
  "https://graph.microsoft.com",
  "00000003-0000-0000-c000-000000000000",
  "https://vault.azure.net",
  "cfa8b339-82a2-471a-a3c9-0fc0be7a4093",
  "https://storage.azure.com",
  "e406a681-f3d4-42a8-90b6-c2b029497af1",
  "https://cosmos.azure.com",
  "a232010e-820c-4083-83bb-3ace5fc29d0b",
  "https://ossrdbms-aad.database.windows.net",
  "123cd850-d9df-40bd-94d5-c9f07b7fa203",
]);

/**
 * Token audiences of the tenant: the platform's, the hosts of existing accounts, and applications that have a service
 * principal, by app id or identifier URI. Anything else is AADSTS500011.
 */
export const knownResources =
  (serviceOf: (host: string) => Eventually<Service | undefined>, directory: Directory) =>
  async (resource: string): Promise<boolean> => {
    const name = resource.toLowerCase().replace(/\/$/, "");
    if (platformResources.has(name)) return true;
    const host = /^https:\/\/([a-z0-9.-]+)(:443)?$/.exec(name)?.[1];
    if (host !== undefined && (await serviceOf(host)) !== undefined) return true;
    return (await directory.list()).some(
      (each) =>
        each.kind === "ServicePrincipal" &&
        each.servicePrincipalType === "Application" &&
        [each.appId, ...(each.names ?? [])].some((known) => known.toLowerCase().replace(/\/$/, "") === name),
    );
  };
