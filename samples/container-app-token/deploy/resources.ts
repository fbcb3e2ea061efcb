import { type ContainerApp, ContainerAppsAPIClient } from "@azure/arm-appcontainers";
import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { ResourceManagementClient } from "@azure/arm-resources";
import type { TokenCredential } from "@azure/identity";
import type { DeploySettings } from "./settings.ts";

/** Says one line about one resource. */
export type Report = (subject: string, what: string) => void;

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

export interface UserAssigned {
  readonly id: string;
  readonly clientId: string;
}

export async function ensureIdentity(
  credential: TokenCredential,
  to: DeploySettings,
  report: Report,
): Promise<UserAssigned> {
  const { userAssignedIdentities } = new ManagedServiceIdentityClient(credential, to.subscriptionId);
  const found = await ifFound(userAssignedIdentities.get(to.resourceGroup, to.identityName));
  const identity =
    found ??
    (await userAssignedIdentities.createOrUpdate(to.resourceGroup, to.identityName, { location: to.location }));
  report(`identity ${to.identityName}`, found ? "kept" : "created");
  const { id, clientId } = identity;
  if (!id || !clientId) throw new Error(`The identity ${to.identityName} has no id or client id.`);
  return { id, clientId };
}

export async function ensureEnvironment(
  credential: TokenCredential,
  to: DeploySettings,
  report: Report,
): Promise<string> {
  const { managedEnvironments } = new ContainerAppsAPIClient(credential, to.subscriptionId);
  const found = await ifFound(managedEnvironments.get(to.resourceGroup, to.environmentName));
  const environment =
    found ??
    (await managedEnvironments.createOrUpdate(to.resourceGroup, to.environmentName, {
      location: to.location,
      workloadProfiles: [{ name: "Consumption", workloadProfileType: "Consumption" }],
    }));
  report(`environment ${to.environmentName}`, found ? "kept" : "created");
  if (!environment.id) throw new Error(`The environment ${to.environmentName} has no id.`);
  return environment.id;
}

/** What is asked for. Both kinds of identity at once: the app shows a token of each. */
export function appBody(to: DeploySettings, environmentId: string, identity: UserAssigned): ContainerApp {
  return {
    location: to.location,
    identity: { type: "SystemAssigned,UserAssigned", userAssignedIdentities: { [identity.id]: {} } },
    environmentId,
    workloadProfileName: "Consumption",
    configuration: {
      activeRevisionsMode: "Single",
      ingress: { external: true, targetPort: 8080, transport: "auto" },
    },
    template: {
      containers: [
        {
          name: "app",
          image: to.image,
          env: [{ name: "USER_ASSIGNED_CLIENT_ID", value: identity.clientId }],
          resources: { cpu: 0.25, memory: "0.5Gi" },
        },
      ],
      scale: { minReplicas: 1, maxReplicas: 1 },
    },
  };
}

export interface DeployedApp {
  readonly host: string;
  readonly revision: string;
  readonly runningStatus: string;
}

/** A PUT of the same template makes no new revision, so this is safe to repeat. */
export async function ensureApp(
  credential: TokenCredential,
  to: DeploySettings,
  environmentId: string,
  identity: UserAssigned,
  report: Report,
): Promise<DeployedApp> {
  const { containerApps } = new ContainerAppsAPIClient(credential, to.subscriptionId);
  const before = await ifFound(containerApps.get(to.resourceGroup, to.appName));
  const app = await containerApps.createOrUpdate(to.resourceGroup, to.appName, appBody(to, environmentId, identity));
  const revision = app.latestRevisionName ?? "";
  const what = !before ? "created" : before.latestRevisionName === revision ? "kept" : `new revision ${revision}`;
  report(`container app ${to.appName}`, what);
  const host = app.configuration?.ingress?.fqdn;
  if (!host) throw new Error(`The container app ${to.appName} has no address.`);
  return { host, revision, runningStatus: app.runningStatus ?? "Unknown" };
}
