/** A program that knows nothing of Lanyard: Microsoft's client for Container Apps. Prints what it was answered, as JSON. */
import { ContainerAppsAPIClient } from "@azure/arm-appcontainers";
import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { ResourceManagementClient } from "@azure/arm-resources";
import { DefaultAzureCredential } from "@azure/identity";

const credential = new DefaultAzureCredential();
const subscription = process.env["AZURE_SUBSCRIPTION_ID"] ?? "";
const client = new ContainerAppsAPIClient(credential, subscription);
const { containerApps: apps, managedEnvironments: environments, containerAppsRevisions: revisions } = client;
const group = "sdk";

const listed = async <T>(pages: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const one of pages) found.push(one);
  return found;
};
const refusal = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "no refusal",
    (error: { statusCode?: number; code?: string }) => ({ status: error.statusCode, code: error.code }),
  );

await new ResourceManagementClient(credential, subscription).resourceGroups.createOrUpdate(group, {
  location: "eastus",
});
const identity = await new ManagedServiceIdentityClient(credential, subscription).userAssignedIdentities.createOrUpdate(
  group,
  "shared",
  { location: "eastus" },
);
const identityId = identity.id ?? "";
const environment = await environments.createOrUpdate(group, "env", {
  location: "eastus",
  appLogsConfiguration: { destination: "none" },
  workloadProfiles: [{ name: "Consumption", workloadProfileType: "Consumption" }],
});
const wanted = {
  location: "eastus",
  ...(environment.id === undefined ? {} : { environmentId: environment.id }),
  configuration: {
    activeRevisionsMode: "Single",
    ingress: {
      external: true,
      targetPort: 8080,
      transport: "auto",
      traffic: [{ latestRevision: true, weight: 100 }],
      corsPolicy: { allowedOrigins: ["https://example.com"] },
    },
    secrets: [{ name: "pin", value: "the-pin-is-4711" }],
    identitySettings: [{ identity: identityId, lifecycle: "All" }],
  },
  template: {
    containers: [
      {
        name: "main",
        image: "registry.example/app:1",
        env: [
          { name: "PIN", secretRef: "pin" },
          { name: "MODE", value: "test" },
        ],
        resources: { cpu: 0.25, memory: "0.5Gi" },
      },
    ],
    scale: { minReplicas: 1, maxReplicas: 1 },
  },
};
const created = await apps.createOrUpdate(group, "sdk-app", {
  ...wanted,
  identity: { type: "SystemAssigned,UserAssigned", userAssignedIdentities: { [identityId]: {} } },
});
// Only the identity: nothing of the rest is sent.
const withoutUser = await apps.update(group, "sdk-app", { location: "eastus", identity: { type: "SystemAssigned" } });
const secrets = await apps.listSecrets(group, "sdk-app");
const got = await apps.get(group, "sdk-app");
const latest = got.latestRevisionName ?? "";
const revision = await revisions.getRevision(group, "sdk-app", latest);
const all = await listed(revisions.listRevisions(group, "sdk-app"));
const replicas = await client.containerAppsRevisionReplicas.listReplicas(group, "sdk-app", latest);
await revisions.restartRevision(group, "sdk-app", latest);
const stopped = await apps.stop(group, "sdk-app");
const started = await apps.start(group, "sdk-app");
const inGroup = await listed(apps.listByResourceGroup(group));
const inSubscription = await listed(apps.listBySubscription());
const authToken = await apps.getAuthToken(group, "sdk-app");
const logs = `${got.eventStreamEndpoint?.replace("/eventstream", "")}/revisions/${latest}/replicas/${latest}-0/containers/main/logstream`;
const logOf = async (token: string | undefined, address = logs): Promise<{ status: number; text: string }> => {
  const answer = await fetch(`${address}?tailLines=20&output=text`, { headers: { Authorization: `Bearer ${token}` } });
  return { status: answer.status, text: await answer.text() };
};
const log = await logOf(authToken.token);
const strangerLogs = [await logOf("guess"), await logOf(authToken.token, logs.replace("sdk-app", "kept-app"))];
const inUse = await refusal(environments.beginDeleteAndWait(group, "env"));
// A second app stays, for whoever asks for tokens as it.
await apps.createOrUpdate(group, "kept-app", { ...wanted, identity: { type: "SystemAssigned" } });
await apps.delete(group, "sdk-app");
const gone = await refusal(apps.get(group, "sdk-app"));

process.stdout.write(
  JSON.stringify({
    environment,
    created,
    withoutUser,
    secrets,
    got,
    revision,
    revisions: all.map(({ name }) => name),
    replicas,
    statuses: [stopped.runningStatus, started.runningStatus],
    lists: [inGroup.map(({ name }) => name), inSubscription.map(({ name }) => name)],
    authToken: Object.keys(authToken),
    log,
    strangerLogs,
    inUse,
    gone,
  }),
);
