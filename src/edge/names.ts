/**
 * Azure's host names, in three circles: what the local authority may ever sign for, what the ready-made
 * certificate covers, and what counts as Azure (and is therefore never forwarded by accident).
 * Source: reference page "identity and routing" 1.1, and Azure's private-endpoint DNS zone list
 * (https://learn.microsoft.com/azure/private-link/private-endpoint-dns).
 */

/** Suffixes below which customers' own resources live: `{name}.{suffix}`. */
export const resourceSuffixes = [
  "blob.core.windows.net",
  "queue.core.windows.net",
  "table.core.windows.net",
  "file.core.windows.net",
  "dfs.core.windows.net",
  "web.core.windows.net",
  "vault.azure.net",
  "documents.azure.com",
  "azurewebsites.net",
  "scm.azurewebsites.net",
  "azurecontainerapps.io",
  "postgres.database.azure.com",
] as const;

/** Hosts of the platform itself. */
export const platformHosts = [
  "login.microsoftonline.com",
  "login.windows.net",
  "login.microsoft.com",
  "sts.windows.net",
  "management.azure.com",
  "management.core.windows.net",
  "graph.microsoft.com",
  "graph.windows.net",
  "vault.azure.net",
  "cosmos.azure.com",
  "portal.azure.com",
] as const;

/** Hosts outside Azure's suffixes that the tenant must answer for `az` to work without a network. */
export const extraHosts = ["api.ipify.org", "aka.ms"] as const;

/** IMDS's link-local address: plain HTTP, so it needs no certificate. */
export const imdsAddress = "169.254.169.254";

/** dNSName subtrees of the intermediate's name constraints. A name permits itself and everything below it. */
export const permittedNames: readonly string[] = [
  ...new Set<string>([...resourceSuffixes, ...platformHosts, ...extraHosts, "localhost"]),
];

/** Subject alternative names of the ready-made server certificate. */
export const servedNames: readonly string[] = [
  ...new Set<string>([
    ...platformHosts,
    ...extraHosts,
    "localhost",
    "*.localhost",
    ...resourceSuffixes.map((suffix) => `*.${suffix}`),
  ]),
];

const azureSuffixes = [
  ".azure.com",
  ".azure.net",
  ".windows.net",
  ".azurewebsites.net",
  ".azurecontainerapps.io",
  ".azurecr.io",
  ".azure-api.net",
  ".azureedge.net",
  ".azurestaticapps.net",
  ".microsoftonline.com",
  ".msftidentity.com",
  ".msidentity.com",
];

/** True for names that belong to Azure: served by the tenant or refused, never forwarded unless on an allow-list. */
export const isAzureHost = (host: string): boolean =>
  platformHosts.some((each) => each === host) || azureSuffixes.some((suffix) => host.endsWith(suffix));

/** True when the authority's constraints allow a certificate for `host`. */
export const isPermitted = (host: string): boolean =>
  permittedNames.some((name) => host === name || host.endsWith(`.${name}`));

/** True when one of the certificate names (wildcards match one label) covers `host`. */
export const covers = (names: readonly string[], host: string): boolean => {
  const dot = host.indexOf(".");
  const wildcard = dot < 0 ? undefined : `*${host.slice(dot)}`;
  return names.some((name) => name === host || name === wildcard);
};

/** Hosts that are tunnelled to the real ones when the machine is online: where `az` finds its extensions. */
export const tunnelledAzureHosts: readonly string[] = [
  "aka.ms",
  "azcliprod.blob.core.windows.net",
  "azurecliprod.blob.core.windows.net",
  "azcliextensionsync.blob.core.windows.net",
  "azurecliextensions.blob.core.windows.net",
];
