import { createHash } from "node:crypto";
import { parseArgs } from "node:util";

export interface DeploySettings {
  readonly subscriptionId: string;
  readonly location: string;
  readonly resourceGroup: string;
  readonly appName: string;
  readonly planName: string;
  readonly serverName: string;
  readonly databaseName: string;
  readonly storageAccount: string;
  /** Name for the deployer's own database role; undefined: taken from the token. */
  readonly deployerName: string | undefined;
}

export const USAGE = `Usage: node deploy.ts [options]        (or set the variable in brackets)

  --subscription ID       Azure subscription                 [AZURE_SUBSCRIPTION_ID], required
  --location NAME         region                             [LOCATION], eastus
  --resource-group NAME   resource group                     [RESOURCE_GROUP_NAME], restaurant-reviews
  --app NAME              web app, unique in all of Azure    [APP_SERVICE_NAME], reviews-<suffix>
  --server NAME           PostgreSQL server, unique as well  [DB_SERVER_NAME], reviews-db-<suffix>
  --storage NAME          storage account, unique as well    [STORAGE_ACCOUNT_NAME], reviews<suffix>
  --deployer-name NAME    your database role                 [DEPLOYER_NAME], the name in your token

<suffix> is always the same for the same subscription and resource group.`;

/** Settings from flags, then variables, then defaults. Throws an Error with a usable message. */
export function readDeploySettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DeploySettings {
  const option = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      subscription: option,
      location: option,
      "resource-group": option,
      app: option,
      server: option,
      storage: option,
      "deployer-name": option,
    },
  });
  const subscriptionId = values.subscription || env["AZURE_SUBSCRIPTION_ID"];
  if (!subscriptionId) throw new Error("No subscription: set AZURE_SUBSCRIPTION_ID or pass --subscription.");
  const resourceGroup = values["resource-group"] || env["RESOURCE_GROUP_NAME"] || "restaurant-reviews";
  const suffix = createHash("sha256")
    .update(`${subscriptionId}/${resourceGroup}`.toLowerCase())
    .digest("hex")
    .slice(0, 8);
  const appName = values.app || env["APP_SERVICE_NAME"] || `reviews-${suffix}`;
  const storageAccount = values.storage || env["STORAGE_ACCOUNT_NAME"] || `reviews${suffix}`;
  if (!/^[a-z0-9]{3,24}$/.test(storageAccount)) {
    throw new Error(`Not a storage account name (3 to 24 lower-case letters and digits): ${storageAccount}`);
  }
  return {
    subscriptionId,
    resourceGroup,
    appName,
    storageAccount,
    location: values.location || env["LOCATION"] || "eastus",
    planName: `${appName}-plan`,
    serverName: values.server || env["DB_SERVER_NAME"] || `reviews-db-${suffix}`,
    databaseName: "restaurant",
    deployerName: values["deployer-name"] || env["DEPLOYER_NAME"] || undefined,
  };
}
