import { randomUUID } from "node:crypto";
import { WebSiteManagementClient } from "@azure/arm-appservice";
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import { ResourceManagementClient } from "@azure/arm-resources";
import type { TokenCredential } from "@azure/identity";
import type { DeploySettings } from "./settings.ts";

/** Says one line about one resource. */
export type Report = (subject: string, what: string) => void;

/** https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/security#key-vault-secrets-user */
const SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6";

/** The value, or undefined when Azure Resource Manager answers 404. */
async function ifFound<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (typeof error === "object" && error !== null && "statusCode" in error && error.statusCode === 404)
      return undefined;
    throw error;
  }
}

export async function ensureGroup(credential: TokenCredential, to: DeploySettings, report: Report): Promise<void> {
  const client = new ResourceManagementClient(credential, to.subscriptionId);
  const found = await ifFound(client.resourceGroups.get(to.resourceGroup));
  if (!found) await client.resourceGroups.createOrUpdate(to.resourceGroup, { location: to.location });
  report(`resource group ${to.resourceGroup}`, found ? "kept" : "created");
}

export interface Vault {
  readonly uri: string;
  /** Resource id of the one secret that the app may read. */
  readonly secretId: string;
}

/** A vault that goes by Azure RBAC, and the secret, written through Azure Resource Manager: it needs no right to read it. */
export async function ensureVault(
  credential: TokenCredential,
  to: DeploySettings,
  tenantId: string,
  report: Report,
): Promise<Vault> {
  const client = new KeyVaultManagementClient(credential, to.subscriptionId);
  const { resourceGroup: group, vaultName: name, secretName, secretValue } = to;
  const found = await ifFound(client.vaults.get(group, name));
  const vault =
    found ??
    (await client.vaults.createOrUpdate(group, name, {
      location: to.location,
      properties: { tenantId, sku: { family: "A", name: "standard" }, enableRbacAuthorization: true },
    }));
  report(`key vault ${name}`, found ? "kept" : "created");
  const secret = await ifFound(client.secrets.get(group, name, secretName));
  if (!secret || secretValue !== undefined) {
    const value = secretValue ?? "Hello from Key Vault";
    await client.secrets.createOrUpdate(group, name, secretName, { properties: { value } });
  }
  report(`secret ${secretName}`, secret ? (secretValue === undefined ? "kept" : "written again") : "written");
  return {
    uri: vault.properties.vaultUri ?? `https://${name}.vault.azure.net/`,
    secretId: `${resourceId(to, "Microsoft.KeyVault/vaults", name)}/secrets/${secretName}`,
  };
}

export interface WebApp {
  readonly host: string;
  readonly scmHost: string;
  /** Object id of the system-assigned identity. */
  readonly principalId: string;
}

/** A Linux plan and a Node.js web app with a system-assigned identity, told where its secret is. */
export async function ensureWebApp(
  credential: TokenCredential,
  to: DeploySettings,
  vaultUri: string,
  report: Report,
): Promise<WebApp> {
  const client = new WebSiteManagementClient(credential, to.subscriptionId);
  const { resourceGroup: group, appName: name, planName, location } = to;
  const plan = await ifFound(client.appServicePlans.get(group, planName));
  if (!plan) {
    const sku = { name: "B1", tier: "Basic", capacity: 1 };
    await client.appServicePlans.createOrUpdate(group, planName, { location, kind: "linux", reserved: true, sku });
  }
  report(`App Service plan ${planName}`, plan ? "kept" : "created");
  const found = await ifFound(client.webApps.get(group, name));
  const site =
    found ??
    (await client.webApps.createOrUpdate(group, name, {
      location,
      kind: "app,linux",
      identity: { type: "SystemAssigned" },
      serverFarmId: resourceId(to, "Microsoft.Web/serverfarms", planName),
      reserved: true,
      httpsOnly: true,
      siteConfig: { linuxFxVersion: "NODE|24-lts", ftpsState: "Disabled" },
    }));
  report(`web app ${name}`, found ? "kept" : "created");
  const principalId = site.identity?.principalId;
  if (!principalId) throw new Error(`The web app ${name} has no system-assigned identity.`);
  const before = (await client.webApps.listApplicationSettings(group, name)).properties ?? {};
  const wanted = {
    SCM_DO_BUILD_DURING_DEPLOYMENT: "true",
    // The tutorial's text says KEY_VAULT_URL and its app reads KEY_VAULT_URI.
    KEY_VAULT_URI: vaultUri,
    SECRET_NAME: to.secretName,
  };
  if (Object.entries(wanted).some(([key, value]) => before[key] !== value)) {
    await client.webApps.updateApplicationSettings(group, name, { properties: { ...before, ...wanted } });
    report("app settings", "written");
  }
  const host = site.defaultHostName ?? `${name}.azurewebsites.net`;
  return {
    host,
    // The SCM host has "scm" as its second label; newer apps have more labels than the classic two.
    scmHost: site.enabledHostNames?.find((each) => each.includes(".scm.")) ?? host.replace(".", ".scm."),
    principalId,
  };
}

/** The app's identity may read this one secret, and nothing else. */
export async function ensureRole(
  credential: TokenCredential,
  to: DeploySettings,
  scope: string,
  principalId: string,
  report: Report,
): Promise<void> {
  const { roleAssignments } = new AuthorizationManagementClient(credential, to.subscriptionId);
  const definition = `/subscriptions/${to.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${SECRETS_USER}`;
  for await (const each of roleAssignments.listForScope(scope, { filter: `principalId eq '${principalId}'` }))
    if (each.roleDefinitionId?.endsWith(SECRETS_USER) && each.scope?.toLowerCase() === scope.toLowerCase()) {
      report("role Key Vault Secrets User on the secret", "kept");
      return;
    }
  await roleAssignments.create(scope, randomUUID(), {
    roleDefinitionId: definition,
    principalId,
    principalType: "ServicePrincipal",
  });
  report("role Key Vault Secrets User on the secret", "assigned");
}

function resourceId(to: DeploySettings, type: string, name: string): string {
  return `/subscriptions/${to.subscriptionId}/resourceGroups/${to.resourceGroup}/providers/${type}/${name}`;
}
