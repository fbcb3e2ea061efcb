/**
 * A program that knows nothing of Lanyard: Microsoft's SDKs with `DefaultAzureCredential`, as an operator and as an app. It
 * does what its parent process tells it, one step at a time, and lives as long as the suite: a real app keeps its credential,
 * its tokens and its connections while rights come and go.
 */
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { ResourceManagementClient } from "@azure/arm-resources";
import { StorageManagementClient } from "@azure/arm-storage";
import { DefaultAzureCredential } from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";

const credential = new DefaultAzureCredential();
const subscription = process.env["AZURE_SUBSCRIPTION_ID"] ?? "";
const retryOptions = { maxRetries: 0 };
const resources = new ResourceManagementClient(credential, subscription, { retryOptions });
const storage = new StorageManagementClient(credential, subscription, { retryOptions });
const identities = new ManagedServiceIdentityClient(credential, subscription, { retryOptions });
const authorization = new AuthorizationManagementClient(credential, subscription, { retryOptions });
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
