/**
 * A program that knows nothing of Lanyard: Microsoft's SDKs with `DefaultAzureCredential`, as an operator and as an app. It
 * does what its parent process tells it, one step at a time, and lives as long as the suite: a real app keeps its credential,
 * its tokens and its connections while rights come and go.
 */
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { ResourceManagementClient } from "@azure/arm-resources";
import { StorageManagementClient } from "@azure/arm-storage";
import { DefaultAzureCredential } from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";
import { Client } from "pg";

const credential = new DefaultAzureCredential();
const subscription = process.env["AZURE_SUBSCRIPTION_ID"] ?? "";
const retryOptions = { maxRetries: 0 };
const resources = new ResourceManagementClient(credential, subscription, { retryOptions });
const storage = new StorageManagementClient(credential, subscription, { retryOptions });
const identities = new ManagedServiceIdentityClient(credential, subscription, { retryOptions });
const authorization = new AuthorizationManagementClient(credential, subscription, { retryOptions });
const servers = new PostgreSQLManagementFlexibleServerClient(credential, subscription, { retryOptions });
const blobs = (account: string): BlobServiceClient =>
  new BlobServiceClient(`https://${account}.blob.core.windows.net`, credential, { retryOptions: { maxTries: 1 } });

const steps = {
  createGroup: async (name: string) =>
    (await resources.resourceGroups.createOrUpdate(name, { location: "eastus" })).id ?? "",
  createAccount: async (group: string, name: string) => {
    const parameters = { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } };
    return (await storage.storageAccounts.create(group, name, parameters)).id ?? "";
  },
  createContainer: async (group: string, account: string, name: string) =>
    (await storage.blobContainers.create(group, account, name, {})).id ?? "",
  createIdentity: async (group: string, name: string) => {
    const made = await identities.userAssignedIdentities.createOrUpdate(group, name, { location: "eastus" });
    return { id: made.id ?? "", principalId: made.principalId ?? "", clientId: made.clientId ?? "" };
  },
  roleId: async (scope: string, role: string) => {
    for await (const found of authorization.roleDefinitions.list(scope, { filter: `roleName eq '${role}'` }))
      return found.id ?? "";
    throw new Error(`There is no role ${role}.`);
  },
  assign: async (scope: string, roleDefinitionId: string, principalId: string) => {
    const properties = { roleDefinitionId, principalId, principalType: "ServicePrincipal" as const };
    return (await authorization.roleAssignments.create(scope, crypto.randomUUID(), properties)).id ?? "";
  },
  unassign: async (id: string) => (await authorization.roleAssignments.deleteById(id))?.id ?? "",
  createServer: async (group: string, name: string, tenantId: string) => {
    const made = await servers.servers.beginCreateOrUpdateAndWait(group, name, {
      location: "eastus",
      version: "17",
      sku: { name: "Standard_B1ms", tier: "Burstable" },
      storage: { storageSizeGB: 32 },
      authConfig: { activeDirectoryAuth: "Enabled", passwordAuth: "Disabled", tenantId },
    });
    return made.fullyQualifiedDomainName ?? "";
  },
  addAdministrator: async (group: string, server: string, objectId: string, name: string) => {
    const parameters = { principalType: "ServicePrincipal", principalName: name };
    const made = await servers.administratorsMicrosoftEntra.beginCreateOrUpdateAndWait(
      group,
      server,
      objectId,
      parameters,
    );
    return made.objectId ?? "";
  },
  removeAdministrator: async (group: string, server: string, objectId: string) => {
    await servers.administratorsMicrosoftEntra.beginDeleteAndWait(group, server, objectId);
    return "";
  },
  whoAmI: async (host: string, user: string) => {
    const { token } = await credential.getToken("https://ossrdbms-aad.database.windows.net/.default");
    const client = new Client({ host, user, password: token, database: "postgres", ssl: true });
    try {
      await client.connect();
      return (await client.query<{ user: string }>("SELECT current_user AS user")).rows[0]?.user ?? "";
    } finally {
      await client.end().catch(() => undefined);
    }
  },
  put: async (account: string, container: string, name: string, text: string) => {
    const blob = blobs(account).getContainerClient(container).getBlockBlobClient(name);
    return (await blob.upload(text, Buffer.byteLength(text))).etag ?? "";
  },
  get: async (account: string, container: string, name: string) =>
    (await blobs(account).getContainerClient(container).getBlobClient(name).downloadToBuffer()).toString(),
  names: async (account: string, container: string) => {
    const found: string[] = [];
    for await (const blob of blobs(account).getContainerClient(container).listBlobsFlat()) found.push(blob.name);
    return found;
  },
};

export type Steps = typeof steps;

export interface StepFailure {
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly message: string;
}

const failureOf = (error: unknown): StepFailure => {
  const { statusCode, code, message, details } = error as {
    statusCode?: number;
    code?: string;
    message?: string;
    details?: { errorCode?: string };
  };
  return { status: statusCode, code: details?.errorCode ?? code, message: message ?? String(error) };
};

process.on("message", ({ id, step, args }: { id: number; step: keyof Steps; args: string[] }) => {
  const run = steps[step] as (...given: string[]) => Promise<unknown>;
  run(...args).then(
    (value) => process.send?.({ id, value }),
    (error: unknown) => process.send?.({ id, failure: failureOf(error) }),
  );
});
process.on("disconnect", () => process.exit());
