import { parseArgs } from "node:util";

export interface DeploySettings {
  readonly subscriptionId: string;
  readonly location: string;
  readonly resourceGroup: string;
  readonly appName: string;
  readonly environmentName: string;
  readonly identityName: string;
  readonly image: string;
}

export const USAGE = `Usage: node deploy.ts [options]        (or set the variable in brackets)

  --image NAME            image of the app, which the engine can pull [IMAGE], required
  --subscription ID       Azure subscription                 [AZURE_SUBSCRIPTION_ID], required
  --location NAME         region                             [LOCATION], eastus
  --resource-group NAME   resource group                     [RESOURCE_GROUP_NAME], container-app-token
  --app NAME              container app                      [CONTAINER_APP_NAME], container-app-token`;

/** Settings from flags, then variables, then defaults. Throws an Error with a usable message. */
export function readDeploySettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DeploySettings {
  const option = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { image: option, subscription: option, location: option, "resource-group": option, app: option },
  });
  const subscriptionId = values.subscription || env["AZURE_SUBSCRIPTION_ID"];
  if (!subscriptionId) throw new Error("No subscription: set AZURE_SUBSCRIPTION_ID or pass --subscription.");
  const image = values.image || env["IMAGE"];
  if (!image) throw new Error("No image: build one (see the README), then set IMAGE or pass --image.");
  const appName = values.app || env["CONTAINER_APP_NAME"] || "container-app-token";
  if (!/^(?!.*--)[a-z][a-z0-9-]{0,30}[a-z0-9]$/.test(appName))
    throw new Error(`Not a container app name (2 to 32 lower-case letters, digits and single hyphens): ${appName}`);
  return {
    subscriptionId,
    image,
    appName,
    location: values.location || env["LOCATION"] || "eastus",
    resourceGroup: values["resource-group"] || env["RESOURCE_GROUP_NAME"] || "container-app-token",
    environmentName: `${appName}-env`,
    identityName: `${appName}-identity`,
  };
}
